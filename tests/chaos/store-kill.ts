/**
 * Kills a process that writes to a store, again and again, and asks the store afterwards: is everything acknowledged
 * there, each commit once, in order, and every inbox row consumed at most once? (G1, G2, G3, G4)
 *
 * node tests/chaos/store-kill.ts [--cycles=10] [--seed=N] [--adapter=sqlite]   The last line is the result as JSON.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { toAddress } from '../../src/actor/address.ts';
import { openStore } from '../../src/store/open-store.ts';
import { tempStoreFile } from '../support/store-files.ts';
import { History, judge } from '../support/store-history.ts';
import type { Verdict } from '../support/store-history.ts';
import { createRandom, pick } from '../support/store-random.ts';

/** How to run. */
export interface StoreKillOptions {
  readonly cycles: number;
  readonly seed: number;
  /** @default 'sqlite' */
  readonly adapter?: 'sqlite' | 'file';
}

/** What came of it. */
export interface StoreKillResult extends Verdict {
  readonly cycles: number;
  readonly seed: number;
}

const CLIENTS = 3;
const ACTORS_PER_CLIENT = 5;

/** Runs the cycles on one file and judges after each. Stops at the first violation. */
export async function runStoreKill(
  options: StoreKillOptions,
  tell: (text: string) => void = () => undefined,
): Promise<StoreKillResult> {
  const files = tempStoreFile();
  const random = createRandom(options.seed);
  const url = `${options.adapter ?? 'sqlite'}:${files.file}`;
  const history = new History();
  let verdict: Verdict = {
    violations: ['no cycle was run'],
    applied: 0,
    acknowledged: 0,
    appliedUnacknowledged: 0,
    waitingRows: 0,
  };
  try {
    for (let cycle = 0; cycle < options.cycles; cycle++) {
      await liveAndDie(url, options.seed, cycle, history, 20 + pick(random, 500));
      verdict = await examine(url, history);
      tell(
        `cycle ${cycle + 1}: ${verdict.applied} applied, ${verdict.acknowledged} acknowledged, ${verdict.violations.length} violations`,
      );
      if (verdict.violations.length > 0) break;
    }
  } finally {
    files.clean();
  }
  return { ...options, ...verdict };
}

async function liveAndDie(url: string, seed: number, life: number, history: History, lifeMs: number): Promise<void> {
  const script = new URL('../support/store-killed.ts', import.meta.url).pathname;
  const historyFile = `${url.slice(url.indexOf(':') + 1)}.history-${life}`;
  const args = [script, url, historyFile, String(seed), String(life), String(CLIENTS), String(ACTORS_PER_CLIENT)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  await Promise.race([once(child.stdout, 'data'), exited]);
  await sleep(lifeMs);
  if (child.exitCode !== null) throw new Error(`The child ended by itself with code ${child.exitCode}`);
  child.kill('SIGKILL');
  await exited;
  history.read(readFileSync(historyFile, 'utf8'));
}

async function examine(url: string, history: History): Promise<Verdict> {
  const store = await openStore({ url, synchronous: 'full' });
  try {
    const addresses = Array.from({ length: CLIENTS * ACTORS_PER_CLIENT }, (_, index) =>
      toAddress('killed', `c${Math.floor(index / ACTORS_PER_CLIENT)}-a${index % ACTORS_PER_CLIENT}`),
    );
    return await judge(store, addresses, history);
  } finally {
    await store.close();
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { values } = parseArgs({
    options: { cycles: { type: 'string', default: '10' }, seed: { type: 'string' }, adapter: { type: 'string' } },
  });
  const seed = Number(values.seed ?? process.env['SEED'] ?? Date.now() % 1_000_000);
  const result = await runStoreKill(
    { cycles: Number(values.cycles), seed, adapter: values.adapter === 'file' ? 'file' : 'sqlite' },
    (text) => process.stdout.write(`${text}\n`),
  );
  process.stdout.write(`${JSON.stringify({ ...result, violations: result.violations.slice(0, 20) })}\n`);
  process.exitCode = result.violations.length > 0 ? 1 : 0;
}
