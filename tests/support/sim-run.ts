/** Runs simulated stories, one after the other, and sums up what came of them. */
import { createHash } from 'node:crypto';
import { checkStory } from './sim-check.ts';
import type { Violation } from './sim-record.ts';
import { Simulation } from './sim-story.ts';

/** What came of one seed. */
export interface SeedResult {
  readonly seed: number;
  /** How often each kind of step was taken. */
  readonly counts: Readonly<Record<string, number>>;
  /** Of the whole history. */
  readonly hash: string;
  readonly violations: readonly Violation[];
  readonly lines: readonly string[];
}

/** What came of many seeds. */
export interface Totals {
  seeds: number;
  readonly counts: Record<string, number>;
  /** Of each seed's history, by seed. */
  readonly hashes: (readonly [number, string])[];
  readonly failures: { readonly seed: number; readonly violations: readonly Violation[] }[];
}

/** Runs the story of one seed. */
export async function runSeed(seed: number): Promise<SeedResult> {
  const simulation = new Simulation(seed);
  const violations = await judge(simulation);
  const { lines, counts } = simulation;
  return { seed, counts, hash: createHash('sha256').update(lines.join('\n')).digest('hex'), violations, lines };
}

/** Runs a seed, or twice to compare the histories byte for byte. */
export async function runChecked(seed: number, isTwice: boolean): Promise<SeedResult> {
  const first = await runSeed(seed);
  if (!isTwice) return first;
  const second = await runSeed(seed);
  const place = first.lines.findIndex((line, i) => line !== second.lines[i]);
  if (first.hash === second.hash) return first;
  const text = `line ${place}: '${first.lines[place]}' the first time, '${second.lines[place]}' the second`;
  return { ...first, violations: [...first.violations, { rule: 'same-seed', text }] };
}

export function emptyTotals(): Totals {
  return { seeds: 0, counts: {}, hashes: [], failures: [] };
}

/** Adds the result of one seed. */
export function addResult(totals: Totals, { seed, counts, hash, violations }: SeedResult): void {
  totals.seeds++;
  totals.hashes.push([seed, hash]);
  addCounts(totals.counts, counts);
  if (violations.length > 0) totals.failures.push({ seed, violations });
}

/** Adds what another run came to. */
export function addTotals(totals: Totals, other: Totals): void {
  totals.seeds += other.seeds;
  totals.hashes.push(...other.hashes);
  addCounts(totals.counts, other.counts);
  totals.failures.push(...other.failures);
}

/** One hash over all histories, in the order of their seeds. */
export function hashOf({ hashes }: Totals): string {
  const hash = createHash('sha256');
  for (const [seed, text] of hashes.toSorted(([a], [b]) => a - b)) hash.update(`${seed} ${text}\n`);
  return hash.digest('hex');
}

async function judge(simulation: Simulation): Promise<readonly Violation[]> {
  try {
    return checkStory(await simulation.play());
  } catch (error) {
    return [{ rule: 'broken', text: error instanceof Error ? (error.stack ?? error.message) : String(error) }];
  }
}

function addCounts(counts: Record<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [step, count] of Object.entries(more)) counts[step] = (counts[step] ?? 0) + count;
}
