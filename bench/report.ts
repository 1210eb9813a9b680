/** The tables of a run, as Markdown. */
import { availableParallelism, cpus } from 'node:os';
import type { Figure } from './measure.ts';
import type { Result } from './results.ts';
import type { Row } from './rows.ts';

export interface ReportOptions {
  readonly results: readonly Result[];
  readonly limits: readonly { readonly name: string; readonly figure: Figure }[];
  /** Processes each measurement ran in. */
  readonly runs: number;
}

/** Durable rows, volatile rows, limits without a row: a table each, those without rows left out. */
export function toReport({ results, limits, runs }: ReportOptions): string {
  const tables = [
    toTable(
      'Durable: saved before it is acknowledged',
      results.filter(({ isVolatile }) => !isVolatile),
    ),
    toTable(
      'Volatile: nothing is saved',
      results.filter(({ isVolatile }) => isVolatile),
    ),
    toLimits(limits),
  ];
  const head = `${new Date().toISOString().slice(0, 10)}, ${machine()}, medians of ${runs} processes. In round brackets the samples of one process, in square ones the least and the largest ratio of a round.`;
  return [head, ...tables.filter((table) => table !== '')].join('\n\n');
}

/** What the figures were measured on. */
export function machine(): string {
  return `${availableParallelism()} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), Node.js ${process.version}`;
}

function toTable(title: string, results: readonly Result[]): string {
  if (results.length === 0) return '';
  const lines = results.map((result) => {
    const { name, measured, limit, beside, ours, isMet } = result;
    const verdict = isMet ? 'met' : '**missed**';
    return `| ${name} | ${show(measured)} | ${limit}: ${show(beside)} | ${showRatio(result)} | ${showTarget(result)} | ${verdict} | ${ours} |`;
  });
  return [
    `${title}.\n`,
    '| row | measured | limit | ratio | target | | measurement |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...lines,
  ].join('\n');
}

function toLimits(limits: ReportOptions['limits']): string {
  if (limits.length === 0) return '';
  const lines = limits.map(({ name, figure }) => `| ${name} | ${show(figure)} |`);
  return ['Limits without a row.\n', '| limit | measured |', '| --- | --- |', ...lines].join('\n');
}

function show({ perSecond, latencyMs, bytes, cpuPoints, watchPoints, samples }: Figure): string {
  const parts = [
    perSecond !== undefined && `${perSecond.toLocaleString('en-US')}/s`,
    latencyMs && `p50 ${showMs(latencyMs.p50)}, p99 ${showMs(latencyMs.p99)}`,
    bytes !== undefined && `${bytes.toLocaleString('en-US')} bytes`,
    cpuPoints !== undefined && `${cpuPoints.toFixed(2)} % of a core`,
    watchPoints !== undefined && `${watchPoints.toFixed(3)} % by its own count`,
  ];
  return `${parts.filter(Boolean).join(', ')} (${samples.toLocaleString('en-US')})`;
}

/** Milliseconds, or microseconds where those would be all zeros. */
function showMs(ms: number): string {
  return ms < 0.1 ? `${(ms * 1_000).toFixed(1)} us` : `${ms.toFixed(2)} ms`;
}

function showRatio({ ratio, spread: [least, largest] }: Result): string {
  const digits = ratio < 0.1 ? 4 : 2;
  return `${ratio.toFixed(digits)} [${least.toFixed(digits)}, ${largest.toFixed(digits)}]`;
}

function showTarget({ by, is, target, isAbsolute, isDifference }: Row): string {
  if (isDifference) return `${by} ${is} ${target} above`;
  if (!isAbsolute) return `${by} ${is} ${target}x`;
  const text = by === 'p50' || by === 'p99' ? `${target} ms` : target.toLocaleString('en-US');
  return `${by} ${is} ${text}`;
}
