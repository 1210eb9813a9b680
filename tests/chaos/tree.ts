/**
 * Fails a living tree of actors: `npm run chaos:tree -- --faults N --seed S`. 200 supervised actors on four levels work under load in worker
 * threads; in waves, actors of several subtrees throw, hang, exit, run out of memory, stall. After each wave a checker compares who failed,
 * was made anew and has ended with what a model of the tree predicts; in the end the same checker as after kills judges the history.
 * The last line is JSON. Exit code 0: the promises held; 1: they did not; 2: usage.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseNumberOptions, runScript } from '../support/chaos-options.ts';
import { createChaosRandom } from '../support/chaos-random.ts';
import { describeViolations } from '../support/chaos-report.ts';
import { readLogs } from '../support/chaos-settle.ts';
import type { Verdict } from '../support/chaos-verdict.ts';
import { judge } from '../support/checker.ts';
import { TreeHome, until } from '../support/tree-home.ts';
import { TreeLoad } from '../support/tree-load.ts';
import { MARKS_VARIABLE } from '../support/tree-marks.ts';
import { TreeReport } from '../support/tree-report.ts';
import { TreeRun } from '../support/tree-run.ts';
import { addressOf, createTree, placesFrom } from '../support/tree-shape.ts';

const OPTIONS = {
  faults: { usual: 500, from: 1, to: 100_000, text: 'faults injected' },
  seed: { usual: 1, from: 0, to: 4_294_967_295, text: 'seed of all random choices' },
  threads: { usual: 3, from: 1, to: 16, text: 'worker threads' },
  // Where others keep the processors busy a thread may get none for long, and counts as blocked.
  hang: {
    usual: 1500,
    from: 100,
    to: 60_000,
    text: 'milliseconds a turn may block its thread; more for a busy machine',
  },
} as const;

type Options = { readonly [K in keyof typeof OPTIONS]: number };

const PROGRESS_EVERY = 50;
const LAST_LINES = 40;

async function run(options: Options): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-tree-'));
  process.env[MARKS_VARIABLE] = mkdtempSync(join(folder, 'marks-'));
  console.log(`seed ${options.seed}, ${options.faults} faults, files in ${folder}`);
  const report = new TreeReport(options);
  const said: string[] = [];
  const root = createTree();
  const { threads, hang: hangMs } = options;
  const home = await TreeHome.start({ folder, threads, hangMs, root, log: (line) => void said.push(line) });
  const random = createChaosRandom(options.seed);
  const load = new TreeLoad(
    home.system,
    createChaosRandom(options.seed + 1),
    placesFrom(root).map((place) => addressOf(place)),
  );
  const tree = new TreeRun({ home, load, random, root });
  await tree.listen();
  const threadsAtFirst = countThreads(home);
  const running = load.run();
  try {
    await runWaves(tree, report, options);
  } catch (error) {
    report.fail('stuck', error instanceof Error ? error.message : String(error));
  }
  load.stop();
  await running;
  const verdict = await settle(home, load, tree, report);
  report.noteThreads(threadsAtFirst, countThreads(home));
  await home.stop();
  if (report.isGood) rmSync(folder, { recursive: true, force: true });
  else console.log(said.slice(-LAST_LINES).join('\n'));
  console.log(JSON.stringify(report.toJson(verdict, load.sent)));
  return report.isGood ? 0 : 1;
}

async function runWaves(tree: TreeRun, report: TreeReport, { faults }: Options): Promise<void> {
  let nextWord = PROGRESS_EVERY;
  while (report.faults < faults) {
    report.add(await tree.wave(faults - report.faults));
    if (report.faults < nextWord) continue;
    console.log(report.progress);
    nextWord += PROGRESS_EVERY;
  }
}

/** Waits until nothing is under way, then judges all that was sent and processed. */
async function settle(home: TreeHome, load: TreeLoad, tree: TreeRun, report: TreeReport): Promise<Verdict> {
  const { system } = home;
  const isQuiet = async (): Promise<boolean> => load.open === 0 && (await system.stats()).inboxRows === 0;
  await until(isQuiet, 'everything sent is processed').catch((error: unknown) => report.fail('stuck', String(error)));
  const { inboxRows, outboxRows } = await system.stats();
  const leftovers = { inboxRows, outboxRows, 'calls without an outcome': load.open };
  const verdict = judge({ lines: load.lines, logs: await readLogs(system, tree.everyone), leftovers });
  report.noteEngine(verdict);
  if (verdict.violations.length > 0) console.log(describeViolations(verdict.violations, load.lines));
  await checkEnd(home, tree, report);
  return verdict;
}

/** Who should be alive is, who should not is not, and only what was poison has been given up on. */
async function checkEnd(home: TreeHome, tree: TreeRun, report: TreeReport): Promise<void> {
  const living = new Set(tree.living);
  for (const address of tree.everyone) {
    const status = await home.statusOf(address);
    const isRight = living.has(address) ? status === 'active' : status === 'failed' || status === 'stopped';
    if (!isRight) report.fail('wrong-end', `'${address}' is ${status} in the end`);
  }
  const letters = await home.system.deadLetters({ limit: 10_000 });
  report.checkLetters(letters.map(({ address, text }) => ({ address, text })));
}

/** Threads that serve, and threads of the process. */
function countThreads(home: TreeHome): { readonly serving: number; readonly ofProcess: number } {
  return { serving: home.system.threads.stats().length, ofProcess: readdirSync('/proc/self/task').length };
}

await runScript(() => run(parseNumberOptions(OPTIONS, process.argv.slice(2))));
