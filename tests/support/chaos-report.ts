/** Sums of verdicts, and what is printed about a violation. */
import type { HistoryLine } from './chaos-history.ts';
import type { TimeFigures, TopicFigures, Verdict, Violation } from './chaos-verdict.ts';

/** Figures over all rounds of a run. */
export interface Totals {
  acknowledged: number;
  lost: number;
  twice: number;
  disordered: number;
  violations: number;
  /** Violations by the rule they break. */
  kinds: Partial<Record<Violation['kind'], number>>;
  rejected: number;
  unknown: number;
  unknownButProcessed: number;
  tells: number;
  processed: number;
  wakes: number;
  effects: { completed: number; begun: number; restarted: number; sameKey: number };
  time: Writable<TimeFigures>;
  topics: Writable<TopicFigures>;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

export function emptyTotals(): Totals {
  const effects = { completed: 0, begun: 0, restarted: 0, sameKey: 0 };
  const judged = { acknowledged: 0, lost: 0, twice: 0, disordered: 0, violations: 0, kinds: {}, rejected: 0 };
  const time = { orders: 0, rings: 0, cancelled: 0, ticks: 0, ticksAfterKill: 0 };
  const topics = { published: 0, received: 0, byChoice: 0, witnessed: 0, witnessedAgain: 0 };
  return { ...judged, unknown: 0, unknownButProcessed: 0, tells: 0, processed: 0, wakes: 0, effects, time, topics };
}

/** Adds the figures of one verdict to the totals and returns them. */
export function addVerdict(totals: Totals, verdict: Verdict): Totals {
  const { effects, time, topics, violations, ...figures } = verdict;
  addFigures<keyof typeof figures>(totals, figures);
  addFigures(totals.effects, effects);
  addFigures(totals.time, time);
  addFigures(totals.topics, topics);
  totals.violations += violations.length;
  for (const { kind } of violations) totals.kinds[kind] = (totals.kinds[kind] ?? 0) + 1;
  return totals;
}

function addFigures<T extends string>(sums: Record<T, number>, figures: Readonly<Record<T, number>>): void {
  for (const name of Object.keys(figures) as T[]) sums[name] += figures[name];
}

const MOST_SHOWN = 20;
const LINES_AROUND = 4;

/** The first violations, each with the lines of the history about it and those around its first one. */
export function describeViolations(violations: readonly Violation[], history: readonly HistoryLine[]): string {
  const shown = violations.slice(0, MOST_SHOWN).map((violation) => describeViolation(violation, history));
  const more = violations.length - shown.length;
  return [...shown, ...(more > 0 ? [`… and ${more} more`] : [])].join('\n');
}

function describeViolation({ kind, id, text }: Violation, history: readonly HistoryLine[]): string {
  const origin = id.replace(/[>*!?^#@].*$/, '');
  const about = history.flatMap((line, index) => (line.id === origin ? [index] : []));
  const first = about[0];
  const around = first === undefined ? [] : history.slice(Math.max(0, first - LINES_AROUND), first + LINES_AROUND + 1);
  const lines = [...about.map((index) => history[index]), '-- around the first:', ...around];
  return [
    `VIOLATION ${kind}: ${text}`,
    ...lines.map((line) => `    ${typeof line === 'string' ? line : JSON.stringify(line)}`),
  ].join('\n');
}
