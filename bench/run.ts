/**
 * `npm run bench [-- NAME…] [-- --json FILE] [--runs N]`: measures the rows whose name contains one of NAMEs, each beside its
 * limit in the same run, medians of N processes, and prints a table. `--json FILE` writes the figures, and FILE with
 * `.md` the table.
 */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import type { Figure } from './measure.ts';
import { ROWS } from './rows.ts';
import type { Row } from './rows.ts';

const execute = promisify(execFile);

interface Result extends Row {
  readonly measured: Figure;
  readonly limit: Figure;
  readonly ratio: number;
  readonly isMet: boolean;
}

const { rows, runs, json } = readArguments();
const medians = new Map<string, Figure>();
for (const name of new Set(rows.flatMap(({ ours, baseline }) => [baseline, ours]))) {
  process.stderr.write(`measuring ${name} …\n`);
  medians.set(name, await measureMedian(name));
}
const results = rows.map(toResult);
const table = toTable(results);
process.stdout.write(`${table}\n`);
if (json !== undefined) {
  writeFileSync(
    json,
    `${JSON.stringify({ at: new Date().toISOString(), machine: machine(), runs, results }, null, 2)}\n`,
  );
  writeFileSync(json.replace(/\.json$/, '') + '.md', `${table}\n`);
}

function readArguments(): { rows: readonly Row[]; runs: number; json: string | undefined } {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { json: { type: 'string' }, runs: { type: 'string', default: '3' } },
    });
    const count = Number(values.runs);
    if (!Number.isInteger(count) || count < 1 || count > 99)
      throw new Error(`--runs is '${values.runs}'; use a whole number from 1 to 99.`);
    const wanted = ROWS.filter(
      ({ name }) => positionals.length === 0 || positionals.some((part) => name.includes(part)),
    );
    if (wanted.length === 0)
      throw new Error(
        `No row is called '${positionals.join("' or '")}'. Rows: ${ROWS.map(({ name }) => name).join('; ')}.`,
      );
    return { rows: wanted, runs: count, json: values.json };
  } catch (error) {
    process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(2);
  }
}

/** Figures of the run whose throughput is the median. */
async function measureMedian(name: string): Promise<Figure> {
  const figures: Figure[] = [];
  for (let run = 0; run < runs; run++) {
    const { stdout } = await execute(process.execPath, [fileURLToPath(new URL('./one.ts', import.meta.url)), name]);
    figures.push(JSON.parse(stdout) as Figure);
  }
  const sorted = figures.toSorted((a, b) => a.perSecond - b.perSecond);
  return sorted[Math.floor(sorted.length / 2)] as Figure;
}

function toResult(row: Row): Result {
  const measured = medians.get(row.ours) as Figure;
  const limit = medians.get(row.baseline) as Figure;
  const of = (figure: Figure): number => (row.by === 'p50' ? figure.ackMs.p50 : figure.perSecond);
  const ratio = of(measured) / of(limit);
  return { ...row, measured, limit, ratio, isMet: row.by === 'p50' ? ratio <= row.target : ratio >= row.target };
}

function toTable(all: readonly Result[]): string {
  const lines = all.map(({ name, by, target, measured, limit, ratio, isMet, ours, baseline }) => {
    const sign = by === 'p50' ? '<=' : '>=';
    return `| ${name} | ${show(measured)} | ${baseline}: ${show(limit)} | ${ratio.toFixed(2)} | ${sign} ${target} | ${isMet ? 'met' : 'missed'} | ${ours} |`;
  });
  return [
    `${new Date().toISOString().slice(0, 10)}, ${machine()}, medians of ${runs} processes.`,
    '',
    '| row | measured | limit | ratio | target | | measurement |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...lines,
  ].join('\n');
}

function show({ perSecond, ackMs }: Figure): string {
  return `${perSecond.toLocaleString('en-US')}/s, p50 ${ackMs.p50.toFixed(2)} ms, p99 ${ackMs.p99.toFixed(2)} ms`;
}

function machine(): string {
  return `${availableParallelism()} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), Node.js ${process.version}`;
}
