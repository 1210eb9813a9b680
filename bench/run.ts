/**
 * `npm run bench [-- NAME…] [-- --json FILE] [--runs N]`: measures the rows whose name contains one of NAMEs, each beside its
 * limit in the same run, in turns, medians of N processes, and prints the tables. `--json FILE` writes the figures, and FILE
 * with `.md` the tables.
 */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import type { Figure } from './measure.ts';
import { machine, toReport } from './report.ts';
import { toMedian, toResult, toRounds } from './results.ts';
import { LIMITS, ROWS } from './rows.ts';
import type { Row } from './rows.ts';

const execute = promisify(execFile);

const { rows, runs, json, limits } = readArguments();
const figures = new Map<string, Figure[]>();
for (const name of toRounds(rows, limits, runs)) {
  process.stderr.write(`measuring ${name} …\n`);
  figures.set(name, [...(figures.get(name) ?? []), await measureOnce(name)]);
}
const results = rows.map((row) => toResult(row, figures));
const others = limits.map((name) => ({ name, figure: toMedian(figures.get(name) ?? []) }));
const report = toReport({ results, limits: others, runs });
process.stdout.write(`${report}\n`);
if (json !== undefined) {
  const data = { at: new Date().toISOString(), machine: machine(), runs, results, limits: others };
  writeFileSync(json, `${JSON.stringify(data, null, 2)}\n`);
  writeFileSync(json.replace(/\.json$/, '') + '.md', `${report}\n`);
}

interface Arguments {
  readonly rows: readonly Row[];
  readonly limits: readonly string[];
  readonly runs: number;
  readonly json: string | undefined;
}

function readArguments(): Arguments {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { json: { type: 'string' }, runs: { type: 'string', default: '3' } },
    });
    const count = Number(values.runs);
    if (!Number.isInteger(count) || count < 1 || count > 99)
      throw new Error(`--runs is '${values.runs}'; use a whole number from 1 to 99.`);
    return { ...select(positionals), runs: count, json: values.json };
  } catch (error) {
    process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(2);
  }
}

function select(parts: readonly string[]): Pick<Arguments, 'rows' | 'limits'> {
  const isWanted = (name: string): boolean => parts.length === 0 || parts.some((part) => name.includes(part));
  const wanted = { rows: ROWS.filter(({ name }) => isWanted(name)), limits: LIMITS.filter(isWanted) };
  if (wanted.rows.length + wanted.limits.length > 0) return wanted;
  const known = [...ROWS.map(({ name }) => name), ...LIMITS].join('; ');
  throw new Error(`No row or limit is called '${parts.join("' or '")}'. There are: ${known}.`);
}

async function measureOnce(name: string): Promise<Figure> {
  const { stdout } = await execute(process.execPath, [fileURLToPath(new URL('./one.ts', import.meta.url)), name]);
  return JSON.parse(stdout) as Figure;
}
