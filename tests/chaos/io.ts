/**
 * Cuts a process off at each of its writing system calls in turn: `npm run chaos:io -- --events N`. A process runs a load on a SQLite file and
 * notes every acknowledgement; at its first, second, third … fsync it is killed by strace, until it ends without having come to be; then the same for every
 * pwrite64, ftruncate, unlink and so on. After each the store is opened again: everything acknowledged must be there, once. With `--fault 1` or `2` the
 * call fails once with EIO or ENOSPC instead, and the process must go on. Linux with strace only. The last line is JSON. Exit code 0: the
 * promises held; 1: they did not; 2: usage.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseNumberOptions, runScript } from '../support/chaos-options.ts';
import { judgeFile } from '../support/io-judge.ts';
import type { IoVerdict } from '../support/io-judge.ts';
import { assertStrace, CALLS, runWithFault } from '../support/io-strace.ts';
import type { IoPoint } from '../support/io-strace.ts';

const OPTIONS = {
  events: { usual: 20, from: 1, to: 1000, text: 'events sent in each run' },
  threads: { usual: 0, from: 0, to: 4, text: 'worker threads; 0: all on one thread, which repeats exactly' },
  fault: { usual: 0, from: 0, to: 2, text: 'what happens at the call: 0 killed, 1 EIO, 2 ENOSPC' },
} as const;

type Options = { readonly [K in keyof typeof OPTIONS]: number };

const FAULTS = ['signal=KILL', 'error=EIO', 'error=ENOSPC'] as const;
const CHILD = fileURLToPath(new URL('../support/io-child.ts', import.meta.url));

/** What came of one point; nothing when the process ended without having come to it. */
interface Run extends IoVerdict {
  readonly acknowledged: number;
  /** How the process ended by itself: its last line. */
  readonly end: string | undefined;
}

async function run(options: Options): Promise<number> {
  assertStrace();
  const totals = { points: 0, kills: 0, acknowledged: 0, lost: 0, twice: 0, damaged: 0, failedStarts: 0, stuck: 0 };
  const calls: Record<string, number> = {};
  const startMs = performance.now();
  for (const call of CALLS) {
    for (let n = 1; ; n++) {
      const seen = await runOnce({ call, n }, options);
      if (!seen) break;
      calls[call] = n;
      totals.points++;
      if (options.fault === 0) totals.kills++;
      totals.acknowledged += seen.acknowledged;
      totals.lost += seen.lost.length;
      totals.twice += seen.twice.length;
      totals.damaged += seen.damage.length;
      if (seen.end?.startsWith('failed')) totals.failedStarts++;
      if (options.fault !== 0 && seen.end === undefined) totals.stuck++;
      const wrong = [...seen.lost, ...seen.twice, ...seen.damage];
      if (wrong.length > 0) console.log(`${call} ${n}: ${JSON.stringify(seen)}`);
    }
    console.log(`${call}: ${calls[call] ?? 0} points`);
  }
  const elapsedS = Math.round((performance.now() - startMs) / 1000);
  console.log(JSON.stringify({ ...totals, fault: FAULTS[options.fault], events: options.events, calls, elapsedS }));
  const { points, lost, twice, damaged, stuck } = totals;
  return points > 0 && lost + twice + damaged + stuck === 0 ? 0 : 1;
}

/** A run of its own on an empty file. */
async function runOnce(point: IoPoint, { events, threads, fault }: Options): Promise<Run | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-io-'));
  const [file, notes, log] = [join(folder, 'store.db'), join(folder, 'notes'), join(folder, 'strace')];
  const args = [CHILD, file, notes, String(events), String(threads)];
  try {
    const isReached = await runWithFault(point, FAULTS[fault] ?? FAULTS[0], { args, log });
    const lines = readFileSync(notes, 'utf8').split('\n').filter(Boolean);
    const acknowledged = lines.filter((line) => line.startsWith('ack ')).map((line) => line.slice('ack '.length));
    const end = lines.find((line) => !line.startsWith('ack '));
    if (!isReached && end !== 'end') throw new Error(`Without a fault, the process ended with: ${end ?? 'nothing'}`);
    if (!isReached) return undefined;
    return { ...(await judgeFile(file, acknowledged, events)), acknowledged: acknowledged.length, end };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await runScript(() => run(parseNumberOptions(OPTIONS, process.argv.slice(2))));
