/** The lint rules that hold the design report what they are for. One run of oxlint over a folder of small fixtures. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const ENV = 'troupe(env-only)';
const LAYERS = 'troupe(import-layers)';
const repository = fileURLToPath(new URL('../..', import.meta.url));

interface Fixture {
  readonly file: string;
  readonly source: string;
  /** Rules that must report the file, each once per violation; none when the source is fine. */
  readonly expected: readonly string[];
}

const envFaults = [
  'export const a = Date.now();',
  'export const a = new Date();',
  'export const a = Date();',
  'export const a = performance.now();',
  'export const a = setTimeout(() => {}, 1);',
  'export const a = setInterval(() => {}, 1);',
  'export const a = setImmediate(() => {});',
  'export const a = globalThis.setTimeout;',
  'export const clear = (handle: NodeJS.Timeout) => clearTimeout(handle);',
  'export const a = Math.random();',
  'export const a = Math["random"]();',
  'export const a = crypto.randomUUID();',
  'export const a = globalThis.crypto.randomUUID();',
  "import { randomUUID } from 'node:crypto'; export const a = randomUUID();",
  "import { createHash, randomBytes } from 'node:crypto'; export const a = [createHash, randomBytes];",
  "import * as c from 'node:crypto'; export const a = c.randomBytes(4);",
  "import { setTimeout as sleep } from 'node:timers/promises'; export const a = sleep;",
  "import { performance as p } from 'node:perf_hooks'; export const a = p;",
];

const envFine = [
  'export const age = (env: { now(): number }) => new Date(env.now()).toISOString();',
  'export const arm = (env: { setTimeout(run: () => void, ms: number): unknown }) => env.setTimeout(() => {}, 1);',
  'export const isDate = (value: unknown) => value instanceof Date;',
  'export const run = (setTimeout: (ms: number) => void) => setTimeout(1);',
  'export type Timer = ReturnType<typeof setTimeout>;',
  'export const load = () => performance.eventLoopUtilization();',
  "import { createHash } from 'node:crypto'; export const a = createHash;",
];

const imports: ReadonlyArray<readonly [file: string, specifier: string, isAllowed: boolean]> = [
  ['src/store/sqlite/database.ts', 'better-sqlite3', true],
  ['src/store/file.ts', 'better-sqlite3', false],
  ['src/system/boot.ts', 'better-sqlite3', false],
  ['src/observe/log.ts', 'pino', true],
  ['src/observe/metrics.ts', 'pino', false],
  ['src/actor/a.ts', 'pino', false],
  ['src/pool/piscina-pool.ts', 'piscina', true],
  ['src/pool/tasks.ts', 'piscina', false],
  ['src/system/pool.ts', '../pool/piscina-pool.ts', true],
  ['src/system/export.ts', 'piscina', false],
  ['src/store/cold.ts', '../pool/piscina-pool.ts', false],
  ['src/store/warm.ts', '../pool/pool.ts', true],
  ['src/actor/b.ts', 'node:worker_threads', false],
  ['src/actor/c.ts', 'zod', true],
  ['src/actor/d.ts', 'xstate', true],
  ['src/cell/a.ts', 'node:worker_threads', false],
  ['src/cell/b.ts', 'xstate', true],
  ['src/cell/c.ts', 'better-sqlite3', false],
  ['src/cell/d.ts', '../store/sqlite/sqlite-store.ts', false],
  ['src/cell/e.ts', '../store/store.ts', true],
  ['src/cell/f.ts', '../system/create-system.ts', false],
  ['src/state/a.ts', 'node:worker_threads', false],
  ['src/state/b.ts', 'zod', false],
  ['src/supervision/a.ts', 'worker_threads', false],
  ['src/supervision/b.ts', 'pino', false],
  ['src/system/create.ts', '../store/sqlite/sqlite-store.ts', true],
  ['src/system/create-volatile.ts', '../store/memory.ts', true],
  ['src/thread/host.ts', '../store/sqlite/sqlite-store.ts', false],
  ['src/thread/worker-entry.ts', '../store/sqlite/sqlite-store.ts', true],
  ['src/store/store-entry.ts', './sqlite/sqlite-store.ts', true],
  ['src/sessions/sessions.ts', '../store/memory.ts', false],
  ['machines/a.ts', 'xstate', true],
  ['machines/b.ts', '../src/actor/effects.ts', true],
  ['machines/c.ts', '../src/index.ts', true],
  ['machines/d.ts', '../src/cell/cell.ts', false],
  ['machines/e.ts', 'node:fs', false],
  ['machines/f.ts', '../actors/digest/demo.ts', false],
];

const others: readonly Fixture[] = [
  { file: 'src/env.ts', source: envFaults[0] as string, expected: [] },
  { file: 'src/thread/clock-entry.ts', source: envFaults[0] as string, expected: [] },
  { file: 'tests/unit/clock.test.ts', source: envFaults[0] as string, expected: [] },
  {
    file: 'machines/types-only.ts',
    source: "import type { Cell } from '../src/cell/cell.ts'; export type A = Cell;",
    expected: [],
  },
  {
    file: 'src/cell/dynamic.ts',
    source: "export const load = () => import('../store/sqlite/a.ts');",
    expected: [LAYERS],
  },
  { file: 'src/cell/re-export.ts', source: "export * from '../store/memory.ts';", expected: [LAYERS] },
  { file: 'src/cell/loud.ts', source: "console.log('a');", expected: ['eslint(no-console)'] },
  { file: 'actors/loud.ts', source: "console.log('a');", expected: [] },
  {
    file: 'src/cell/any.ts',
    source: 'export const a = (b: any): unknown => b;',
    expected: ['typescript(no-explicit-any)'],
  },
  {
    file: 'tests/unit/any.test.ts',
    source: 'export const a = (b: any): unknown => b;',
    expected: ['typescript(no-explicit-any)'],
  },
  { file: 'tests/types/any.test.ts', source: 'export const a = (b: any): unknown => b;', expected: [] },
  {
    file: 'src/system/floating.ts',
    source: 'const save = async () => {}; export function run() { save(); }',
    expected: ['typescript(no-floating-promises)'],
  },
  {
    file: 'tests/unit/floating.test.ts',
    source: 'const save = async () => {}; export function run() { save(); }',
    expected: ['typescript(no-floating-promises)'],
  },
  {
    file: 'src/system/misused.ts',
    source: 'const save = async () => true; export const run = () => { if (save()) throw new Error("a"); };',
    expected: ['typescript(no-misused-promises)'],
  },
  {
    file: 'src/system/misused-void.ts',
    source: 'const save = async () => {}; export const run = () => [1].forEach(save);',
    expected: ['typescript(no-misused-promises)'],
  },
];

const fixtures: readonly Fixture[] = [
  ...envFaults.map((source, i) => ({ file: `src/system/env-fault-${i}.ts`, source, expected: [ENV] })),
  ...envFine.map((source, i) => ({ file: `src/system/env-fine-${i}.ts`, source, expected: [] })),
  ...imports.map(([file, specifier, isAllowed]) => ({
    file,
    source: `import * as a from '${specifier}'; export const b = a;`,
    expected: isAllowed ? [] : [LAYERS],
  })),
  ...others,
];

let folder: string;
let reports: ReadonlyMap<string, readonly string[]>;

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-lint-')));
  for (const name of ['.oxlintrc.json', 'tsconfig.json', 'package.json', 'tools/lint']) {
    cpSync(join(repository, name), join(folder, name), { recursive: true });
  }
  symlinkSync(join(repository, 'node_modules'), join(folder, 'node_modules'), 'dir');
  for (const { file, source } of fixtures) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), `${source}\n`);
  }
  reports = lint();
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each(fixtures)('$source in $file reports $expected', ({ file, expected }) => {
  expect(reports.get(file) ?? []).toEqual(expected);
});

/** The codes oxlint reports, by file. */
function lint(): ReadonlyMap<string, readonly string[]> {
  // Named folders, since without them oxlint follows the link to node_modules.
  const folders = [...new Set(fixtures.map(({ file }) => file.split('/')[0] as string))];
  const gate = join(repository, 'bin/gate.mjs');
  const { stdout, stderr } = spawnSync(process.execPath, [gate, '--exec', 'oxlint', '--format', 'json', ...folders], {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (!stdout.startsWith('{')) throw new Error(`oxlint did not report: ${stdout}${stderr}`);
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: ReadonlyArray<{ code: string; filename: string }> };
  const codes = new Map<string, string[]>();
  for (const { filename, code } of diagnostics) codes.set(filename, [...(codes.get(filename) ?? []), code]);
  return codes;
}
