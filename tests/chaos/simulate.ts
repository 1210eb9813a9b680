/**
 * The simulation: `npm run simulate -- --seeds N --from S`. Each seed is a story: a system of three worker hosts on one thread,
 * with simulated time, under steps and crashes that the seed draws; at its end an independent check judges it. `--check` runs
 * each seed twice and compares the histories byte for byte; `--seed N --verbose` tells one story. The last line is JSON. Exit
 * code 0: the promises held; 1: they did not; 2: usage.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { parseNumberOptions, runScript } from '../support/chaos-options.ts';
import type { SimWork } from '../support/sim-worker.ts';
import { addResult, addTotals, emptyTotals, hashOf, runChecked } from '../support/sim-run.ts';
import type { Totals } from '../support/sim-run.ts';

const OPTIONS = {
  seeds: { usual: 200, from: 1, to: 1_000_000, text: 'stories that are told' },
  from: { usual: 1, from: 1, to: 4_000_000_000, text: 'the first seed' },
  seed: { usual: 0, from: 1, to: 4_000_000_000, text: 'this seed alone' },
  jobs: { usual: availableParallelism(), from: 1, to: 64, text: 'threads that share the seeds' },
} as const;

const FLAGS = ['--check', '--verbose'] as const;

/** Failures that are shown in full. */
const MOST_SHOWN = 10;
const MOST_VIOLATIONS_SHOWN = 5;

interface Options {
  readonly seeds: number;
  readonly from: number;
  readonly jobs: number;
  readonly isTwice: boolean;
  readonly isVerbose: boolean;
}

function parse(args: readonly string[]): Options {
  const numbers = args.filter((arg) => !FLAGS.includes(arg as (typeof FLAGS)[number]));
  const { seeds, from, seed, jobs } = parseNumberOptions(OPTIONS, numbers);
  const flags = { isTwice: args.includes('--check'), isVerbose: args.includes('--verbose') };
  return seed > 0 ? { seeds: 1, from: seed, jobs: 1, ...flags } : { seeds, from, jobs, ...flags };
}

/** One seed on this thread, told as it went. */
async function runHere({ from, isTwice, isVerbose }: Options): Promise<Totals> {
  const totals = emptyTotals();
  const result = await runChecked(from, isTwice);
  if (isVerbose) console.log(result.lines.join('\n'));
  addResult(totals, result);
  return totals;
}

/** Seeds are dealt out one by one, so that the threads are done at about the same time. */
async function runThere({ seeds, from, jobs, isTwice }: Options): Promise<Totals> {
  const totals = emptyTotals();
  const stride = Math.min(jobs, seeds);
  const works = Array.from({ length: stride }, (_, i): SimWork => ({
    from: from + i,
    end: from + seeds,
    stride,
    isTwice,
  }));
  for (const part of await Promise.all(works.map(runWorker))) addTotals(totals, part);
  return totals;
}

function runWorker(work: SimWork): Promise<Totals> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('../support/sim-worker.ts', import.meta.url), { workerData: work });
    worker.on('message', resolve);
    worker.on('error', reject);
  });
}

function describe({ failures }: Totals): string {
  return failures
    .toSorted((a, b) => a.seed - b.seed)
    .slice(0, MOST_SHOWN)
    .flatMap(({ seed, violations }) => [
      `Seed ${seed}: ${violations.length} violations. Repeat it: npm run simulate -- --seed ${seed} --verbose`,
      ...violations.slice(0, MOST_VIOLATIONS_SHOWN).map(({ rule, text }) => `  ${rule}: ${text}`),
    ])
    .join('\n');
}

async function run(options: Options): Promise<number> {
  const startedAt = performance.now();
  const totals = await (options.seeds === 1 ? runHere(options) : runThere(options));
  const violations = totals.failures.reduce((sum, failure) => sum + failure.violations.length, 0);
  if (violations > 0) console.log(describe(totals));
  const { seeds, from, isTwice } = options;
  const kinds = Object.fromEntries(Object.entries(totals.counts).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  const steps = Object.values(kinds).reduce((sum, count) => sum + count, 0);
  const elapsedMs = Math.round(performance.now() - startedAt);
  const failedSeeds = totals.failures.length;
  const hash = hashOf(totals);
  console.log(JSON.stringify({ seeds, from, steps, kinds, violations, failedSeeds, isTwice, hash, elapsedMs }));
  return violations === 0 ? 0 : 1;
}

await runScript(() => run(parse(process.argv.slice(2))));
