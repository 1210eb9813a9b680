/**
 * Ends threads of one running system at random moments under load: `node bin/gate.mjs tests/chaos/terminate.ts --kills N
 * --store-kills M --seed S`. Worker threads `kills` times, the store thread `store-kills` times; then the same checker as after
 * kills of the process. Here nothing may stay unknown: what a dead thread had is repeated. The last line is JSON.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createSystem, toAddress } from '../../src/index.ts';
import { ledger } from '../support/chaos-actors.ts';
import type { System } from '../../src/index.ts';
import { ACTOR_MODULES, LEDGERS, MAX_LIVE_ACTORS } from '../support/chaos-cast.ts';
import { HISTORY_VARIABLE, readHistory, record } from '../support/chaos-history.ts';
import { startLoad, startWitness } from '../support/chaos-load.ts';
import type { Load } from '../support/chaos-load.ts';
import { parseNumberOptions, runScript } from '../support/chaos-options.ts';
import { createChaosRandom } from '../support/chaos-random.ts';
import type { ChaosRandom } from '../support/chaos-random.ts';
import { addVerdict, describeViolations, emptyTotals } from '../support/chaos-report.ts';
import { readLogs, waitUntilQuiet } from '../support/chaos-settle.ts';
import { judge } from '../support/checker.ts';

const OPTIONS = {
  kills: { usual: 300, from: 0, to: 100_000, text: 'times a worker thread is ended' },
  'store-kills': { usual: 50, from: 0, to: 100_000, text: 'times the store thread is ended' },
  seed: { usual: 1, from: 0, to: 4_294_967_295, text: 'seed of all random choices' },
  threads: { usual: 2, from: 1, to: 16, text: 'worker threads' },
} as const;

type Options = { readonly [K in keyof typeof OPTIONS]: number };

/** Pause between the last victim serving again and the next kill, in milliseconds. */
const PAUSE_MS = { from: 0, to: 200 } as const;
/** Share of kills that do not wait for the last victim: a thread ends while it starts, or both kinds end at once. */
const IMPATIENT = { sameKind: 0.03, otherKind: 0.4 } as const;
const TIMEOUT_MS = 30_000;

const SENDER = 'main';

type Victim = 'worker' | 'store';

/** Ends threads, and measures how long it took until they served again. */
class Killer {
  readonly #options: Options;
  readonly #random: ChaosRandom;
  readonly #system: System;
  readonly backMs: number[] = [];

  constructor(options: Options, random: ChaosRandom, system: System) {
    this.#options = options;
    this.#random = random;
    this.#system = system;
  }

  async killAll(): Promise<void> {
    const victims = this.#shuffled();
    let serving: Promise<void> = Promise.resolve();
    for (const [i, victim] of victims.entries()) {
      const isSameKind = victims[i - 1] === victim;
      if (!this.#random.chance(isSameKind ? IMPATIENT.sameKind : IMPATIENT.otherKind)) await serving;
      await sleep(this.#random.between(PAUSE_MS.from, PAUSE_MS.to));
      serving = this.#kill(victim);
      serving.catch(() => undefined);
    }
    await serving;
  }

  async #kill(victim: Victim): Promise<void> {
    const { threads } = this.#system;
    const index = this.#random.between(0, this.#options.threads - 1);
    const key = LEDGERS.find((candidate) => threads.indexOf(toAddress('ledger', candidate)) === index) ?? LEDGERS[0];
    const killedAt = performance.now();
    await (victim === 'store' ? threads.endStore() : threads.endWorker(index));
    await this.#system.actor(ledger, key).snapshot();
    this.backMs.push(performance.now() - killedAt);
  }

  #shuffled(): readonly Victim[] {
    const { kills, 'store-kills': storeKills } = this.#options;
    const victims = Array.from({ length: kills + storeKills }, (_, i): Victim => (i < kills ? 'worker' : 'store'));
    for (let i = victims.length - 1; i > 0; i--) {
      const j = this.#random.between(0, i);
      [victims[i], victims[j]] = [victims[j] as Victim, victims[i] as Victim];
    }
    return victims;
  }
}

/** Ends the load; returns the calls that still have no outcome after the time everything may take. */
async function settle(load: Load): Promise<number> {
  await Promise.race([load.stop(), sleep(TIMEOUT_MS, undefined, { ref: false })]);
  for (const call of load.open().slice(0, 5)) console.log('no outcome:', JSON.stringify(call));
  return load.open().length;
}

async function run(options: Options): Promise<number> {
  const startedAt = performance.now();
  const folder = mkdtempSync(join(tmpdir(), 'troupe-terminate-'));
  const historyPath = join(folder, 'history.jsonl');
  process.env[HISTORY_VARIABLE] = historyPath;
  console.log(`seed ${options.seed}, ${options.kills} workers, ${options['store-kills']} stores, files in ${folder}`);
  const said: string[] = [];
  record({ t: 'life', phase: 'begin', id: SENDER, at: Date.now() });
  const system = await start(options, join(folder, 'store.db'), said);
  await startWitness(system, SENDER);
  const load = startLoad({
    system,
    random: createChaosRandom(options.seed + 1),
    sender: SENDER,
    threads: options.threads,
    repeat: [],
    limit: Infinity,
  });
  const killer = new Killer(options, createChaosRandom(options.seed), system);
  await killer.killAll();
  const hanging = await settle(load);
  const leftovers = { ...(await waitUntilQuiet(system, TIMEOUT_MS)), 'calls without an outcome': hanging };
  const lines = readHistory(historyPath);
  const verdict = judge({ lines, logs: await readLogs(system), leftovers });
  await system.stop();
  const isGood = verdict.violations.length === 0;
  if (isGood) rmSync(folder, { recursive: true, force: true });
  else console.log(describeViolations(verdict.violations, lines), said.slice(-30).join('\n'));
  const totals = addVerdict(emptyTotals(), verdict);
  const { kills, 'store-kills': storeKills, seed } = options;
  const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
  console.log(JSON.stringify({ kills, storeKills, ...totals, backMs: percentiles(killer.backMs), seconds, seed }));
  return isGood ? 0 : 1;
}

function start({ threads }: Options, file: string, said: string[]): Promise<System> {
  return createSystem({
    actors: ACTOR_MODULES,
    store: `sqlite:${file}`,
    threads,
    recoverEveryMs: 200,
    maxLiveActors: MAX_LIVE_ACTORS,
    log: (level, fields, text) => {
      if (process.env['CHAOS_LOG'] && level !== 'debug')
        process.stderr.write(
          `${Math.round(performance.now())} ${level} ${text} ${JSON.stringify(fields).slice(0, 400)}\n`,
        );
      if (level !== 'debug' && level !== 'info')
        said.push(`${Math.round(performance.now())} ${level} ${text} ${JSON.stringify(fields).slice(0, 300)}`);
    },
  });
}

function percentiles(values: readonly number[]): { readonly p50: number; readonly p99: number; readonly most: number } {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
  return { p50: at(0.5), p99: at(0.99), most: at(1) };
}

await runScript(() => run(parseNumberOptions(OPTIONS, process.argv.slice(2))));
