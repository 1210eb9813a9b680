/** From rows to the order of measurements, and from their figures to results. Pure. */
import type { Figure } from './measure.ts';
import type { Metric, Row } from './rows.ts';

/** A row with what was found. */
export interface Result extends Row {
  readonly measured: Figure;
  readonly beside: Figure;
  readonly ratio: number;
  /** Least and largest ratio of the rounds: how far to trust the one above. */
  readonly spread: readonly [number, number];
  readonly isMet: boolean;
}

type Figures = ReadonlyMap<string, readonly Figure[]>;

/**
 * The order of measurements: what rows compare takes turns (A B A B A B), so that a machine that gets slower or faster
 * meanwhile does so to both. Rows that share a measurement take turns together.
 */
export function toRounds(rows: readonly Row[], limits: readonly string[], runs: number): readonly string[] {
  const groups: Set<string>[] = [];
  for (const { ours, limit } of rows) join(groups, [limit, ours]);
  for (const name of limits) join(groups, [name]);
  return groups.flatMap((names) => Array.from({ length: runs }, () => [...names]).flat());
}

function join(groups: Set<string>[], names: readonly string[]): void {
  const touched = groups.filter((group) => names.some((name) => group.has(name)));
  const [first = new Set<string>(), ...rest] = touched;
  if (touched.length === 0) groups.push(first);
  for (const group of rest) groups.splice(groups.indexOf(group), 1);
  for (const name of [...rest.flatMap((group) => [...group]), ...names]) first.add(name);
}

/** What a row says about the figures of its two measurements. */
export function toResult(row: Row, figures: Figures): Result {
  const ours = figures.get(row.ours) ?? [];
  const limits = figures.get(row.limit) ?? [];
  const [measured, beside] = [toMedian(ours), toMedian(limits)];
  const ratio = read(measured, row.by) / read(beside, row.by);
  const ratios = ours.map((figure, round) => read(figure, row.by) / read(limits[round] ?? beside, row.by));
  const value = valueOf(row, read(measured, row.by), read(beside, row.by));
  const isMet = row.is === '<=' ? value <= row.target : value >= row.target;
  return { ...row, measured, beside, ratio, spread: [Math.min(...ratios), Math.max(...ratios)], isMet };
}

/** What the target is compared with. */
function valueOf({ isAbsolute, isDifference }: Row, ours: number, limit: number): number {
  if (isDifference) return ours - limit;
  return isAbsolute ? ours : ours / limit;
}

/** The median of each metric, by itself. */
export function toMedian(figures: readonly Figure[]): Figure {
  const of = (pick: (figure: Figure) => number | undefined): number | undefined => {
    const sorted = figures
      .map(pick)
      .filter((value) => value !== undefined)
      .toSorted((a, b) => a - b);
    return sorted[Math.floor((sorted.length - 1) / 2)];
  };
  const perSecond = of((figure) => figure.perSecond);
  const bytes = of((figure) => figure.bytes);
  const cpuPoints = of((figure) => figure.cpuPoints);
  const watchPoints = of((figure) => figure.watchPoints);
  const p50 = of(({ latencyMs }) => latencyMs?.p50);
  const p99 = of(({ latencyMs }) => latencyMs?.p99);
  return {
    samples: figures[0]?.samples ?? 0,
    ...(perSecond !== undefined && { perSecond }),
    ...(p50 !== undefined && p99 !== undefined && { latencyMs: { p50, p99 } }),
    ...(bytes !== undefined && { bytes }),
    ...(cpuPoints !== undefined && { cpuPoints }),
    ...(watchPoints !== undefined && { watchPoints }),
  };
}

/** The value of a metric. @throws when the measurement does not have it: rows and measurements do not fit. */
function read({ perSecond, latencyMs, bytes, cpuPoints }: Figure, by: Metric): number {
  const value = { perSecond, p50: latencyMs?.p50, p99: latencyMs?.p99, bytes, cpuPoints }[by];
  if (value === undefined) throw new Error(`A measurement has no '${by}'. Compare its row by another metric.`);
  return value;
}
