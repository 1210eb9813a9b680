/** Sums of verdicts, and what is printed about a violation. */
import type { HistoryLine } from './chaos-history.ts';
import type { Verdict, Violation } from './checker.ts';

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
  effects: { completed: number; begun: number; restarted: number; sameKey: number };
}

export function emptyTotals(): Totals {
  const effects = { completed: 0, begun: 0, restarted: 0, sameKey: 0 };
  const judged = { acknowledged: 0, lost: 0, twice: 0, disordered: 0, violations: 0, kinds: {}, rejected: 0 };
  return { ...judged, unknown: 0, unknownButProcessed: 0, tells: 0, processed: 0, effects };
}

/** Adds the figures of one verdict to the totals and returns them. */
export function addVerdict(totals: Totals, verdict: Verdict): Totals {
  const { effects, violations, ...figures } = verdict;
  for (const name of Object.keys(figures) as (keyof typeof figures)[]) totals[name] += figures[name];
  for (const name of Object.keys(effects) as (keyof typeof effects)[]) totals.effects[name] += effects[name];
  totals.violations += violations.length;
  for (const { kind } of violations) totals.kinds[kind] = (totals.kinds[kind] ?? 0) + 1;
  return totals;
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
  const origin = id.replace(/[>*!?].*$/, '');
  const about = history.flatMap((line, index) => (line.id === origin ? [index] : []));
  const first = about[0];
  const around = first === undefined ? [] : history.slice(Math.max(0, first - LINES_AROUND), first + LINES_AROUND + 1);
  const lines = [...about.map((index) => history[index]), '-- around the first:', ...around];
  return [
    `VIOLATION ${kind}: ${text}`,
    ...lines.map((line) => `    ${typeof line === 'string' ? line : JSON.stringify(line)}`),
  ].join('\n');
}
