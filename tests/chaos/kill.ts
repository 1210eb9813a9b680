/**
 * The kill harness: `npm run chaos:kill -- --cycles N --seed S`. A child runs the system under load and is killed
 * (SIGKILL) at a random moment, `cycles` times; after every round of cycles on one store a last child verifies what is left,
 * and a checker judges the history. The last line is JSON. Exit code 0: the promises held; 1: they did not; 2: usage.
 */
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ChaosChild } from '../support/chaos-child.ts';
import { readHistory, unknownCalls } from '../support/chaos-history.ts';
import type { HistoryLine, LifeMark } from '../support/chaos-history.ts';
import { parseNumberOptions, runScript } from '../support/chaos-options.ts';
import type { ChildOrder, Dump } from '../support/chaos-protocol.ts';
import { createChaosRandom } from '../support/chaos-random.ts';
import type { ChaosRandom } from '../support/chaos-random.ts';
import { addVerdict, describeViolations, emptyTotals } from '../support/chaos-report.ts';
import type { Totals } from '../support/chaos-report.ts';
import { judge } from '../support/checker.ts';
import type { Verdict } from '../support/chaos-verdict.ts';

const OPTIONS = {
  cycles: { usual: 200, from: 1, to: 100_000, text: 'times the child is killed' },
  seed: { usual: 1, from: 0, to: 4_294_967_295, text: 'seed of all random choices' },
  round: { usual: 50, from: 1, to: 10_000, text: 'cycles on one store before it is verified' },
  threads: { usual: 2, from: 1, to: 16, text: 'worker threads of the child' },
  limit: { usual: 400, from: 1, to: 100_000, text: 'calls a child makes at most' },
} as const;

/** Share of children that are killed while they start. */
const KILLED_AT_BOOT = 0.12;
const BOOT_MS = 500;
/** Time a child lives after its first outcome. Short lives are likelier: they leave more cycles in the same time. */
const LIFE_MS = { from: 5, to: 200 } as const;
/** Now and then, and before a verification, nothing runs for a while, which timers treat by their policies. */
const DOWNTIME = { share: 0.08, fromMs: 100, toMs: 500 } as const;
const CHILD_TIMEOUT_MS = 30_000;

type Options = { readonly [K in keyof typeof OPTIONS]: number };

/** One store, its history, and the children that work on it one after the other. */
class Round {
  readonly #options: Options;
  readonly #random: ChaosRandom;
  readonly #folder: string;
  readonly #cacheFolder: string;
  readonly #name: string;
  #next: ChaosChild;
  #starts = 0;
  killedAtBoot = 0;

  constructor(
    options: Options,
    random: ChaosRandom,
    paths: { readonly folder: string; readonly cacheFolder: string; readonly name: string },
  ) {
    this.#options = options;
    this.#random = random;
    this.#folder = paths.folder;
    this.#cacheFolder = paths.cacheFolder;
    this.#name = paths.name;
    this.#next = new ChaosChild(this.#cacheFolder);
  }

  get history(): readonly HistoryLine[] {
    return readHistory(this.#historyPath);
  }

  get #historyPath(): string {
    return join(this.#folder, 'history.jsonl');
  }

  get #sender(): string {
    return `${this.#name}.${this.#starts}`;
  }

  /** Lets a child work and kills it. */
  async cycle(): Promise<void> {
    const child = await this.#begin('load');
    const isEarly = this.#random.chance(KILLED_AT_BOOT);
    if (isEarly) {
      this.killedAtBoot++;
      await sleep(this.#random.between(0, BOOT_MS));
    } else {
      await within(child.said('first'), 'a first outcome', child);
      await sleep(LIFE_MS.from + this.#random.next() ** 2 * (LIFE_MS.to - LIFE_MS.from));
    }
    const how = await child.kill();
    if (how !== 'SIGKILL') throw new Error(`The child ended by itself (${how}).\n${child.log}`);
    this.#noteDeath();
  }

  /** Lets a last child repeat what is unknown and say what is left. */
  async verify(): Promise<Verdict> {
    const child = await this.#begin('verify');
    await within(child.said('over'), 'its verification', child);
    await within(child.ended, 'its end', child);
    await this.#next.kill();
    const dump = JSON.parse(readFileSync(join(this.#folder, 'dump.json'), 'utf8')) as Dump;
    const leftovers = { ...dump.leftovers, 'calls without an outcome': dump.hanging.length };
    return judge({ lines: this.history, logs: new Map(dump.logs), leftovers });
  }

  async abandon(): Promise<void> {
    await this.#next.kill();
  }

  #pickDowntimeMs(mode: ChildOrder['mode']): number {
    const { share, fromMs, toMs } = DOWNTIME;
    if (mode === 'verify') return toMs;
    return this.#random.chance(share) ? this.#random.between(fromMs, toMs) : 0;
  }

  /** Nothing runs from here on. Reading cuts off a line that the kill left unfinished. */
  #noteDeath(): void {
    const mark: LifeMark = { t: 'life', phase: 'over', id: this.#sender, at: Date.now() };
    if (this.history.length > 0) appendFileSync(this.#historyPath, `${JSON.stringify(mark)}\n`);
  }

  /** Hands an order to the child that has loaded its modules meanwhile, and starts the next one. */
  async #begin(mode: ChildOrder['mode']): Promise<ChaosChild> {
    const child = this.#next;
    await within(child.said('loaded'), 'loading its modules', child);
    await sleep(this.#pickDowntimeMs(mode));
    this.#starts++;
    const { threads, limit } = this.#options;
    child.obey({
      mode,
      file: join(this.#folder, 'store.db'),
      history: this.#historyPath,
      dump: join(this.#folder, 'dump.json'),
      threads,
      limit,
      sender: this.#sender,
      seed: this.#random.between(0, 4_294_967_295),
      repeat: this.#starts === 1 ? [] : unknownCalls(this.history),
      timeoutMs: CHILD_TIMEOUT_MS / 3,
    });
    this.#next = new ChaosChild(this.#cacheFolder);
    return child;
  }
}

async function within<T>(fact: Promise<T>, what: string, child: ChaosChild): Promise<T> {
  const cancel = new AbortController();
  const late = sleep(CHILD_TIMEOUT_MS, undefined, { signal: cancel.signal }).then(async () => {
    await child.kill();
    throw new Error(`The child did not come to ${what} within ${CHILD_TIMEOUT_MS} ms.\n${child.log}`);
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([fact, late]);
  } finally {
    cancel.abort();
  }
}

async function run(options: Options): Promise<number> {
  const startedAt = performance.now();
  const folder = mkdtempSync(join(tmpdir(), 'troupe-kill-'));
  const totals: Totals = emptyTotals();
  console.log(`seed ${options.seed}, ${options.cycles} cycles, files in ${folder}`);
  const random = createChaosRandom(options.seed);
  const paths = (name: string) => ({
    folder: mkdtempSync(join(folder, 'round-')),
    cacheFolder: join(folder, 'cache'),
    name,
  });
  // A child that stops by itself writes the compiled code that all others load.
  await runRound(options, random, { ...paths('warm'), cycles: 0 });
  let killedAtBoot = 0;
  for (let done = 0; done < options.cycles; done += options.round) {
    const cycles = Math.min(options.round, options.cycles - done);
    const round = await runRound(options, random, { ...paths(`b${done}`), cycles });
    killedAtBoot += round.killedAtBoot;
    addVerdict(totals, round.verdict);
    console.log(
      `${done + cycles} cycles, ${totals.acknowledged} acknowledged, ${totals.violations} violations, ${secondsSince(startedAt)} s`,
    );
    if (round.verdict.violations.length === 0) continue;
    console.log(describeViolations(round.verdict.violations, round.history));
    break;
  }
  const isGood = totals.violations === 0;
  if (isGood) rmSync(folder, { recursive: true, force: true });
  console.log(
    JSON.stringify({
      cycles: options.cycles,
      ...totals,
      killedAtBoot,
      seconds: secondsSince(startedAt),
      seed: options.seed,
    }),
  );
  return isGood ? 0 : 1;
}

interface RoundPlan {
  readonly folder: string;
  readonly cacheFolder: string;
  readonly name: string;
  readonly cycles: number;
}

async function runRound(options: Options, random: ChaosRandom, plan: RoundPlan) {
  const round = new Round(options, random, plan);
  try {
    for (let i = 0; i < plan.cycles; i++) await round.cycle();
    const verdict = await round.verify();
    const { history } = round;
    if (verdict.violations.length === 0) rmSync(plan.folder, { recursive: true, force: true });
    return { verdict, history, killedAtBoot: round.killedAtBoot };
  } finally {
    await round.abandon();
  }
}

function secondsSince(startedAt: number): number {
  return Math.round((performance.now() - startedAt) / 100) / 10;
}

await runScript(() => run(parseNumberOptions(OPTIONS, process.argv.slice(2))));
