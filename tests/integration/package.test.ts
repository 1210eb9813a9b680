/** The package as users get it: packed, installed in an empty folder, and run as the README says. */
import { spawnSync } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readExample } from '../support/readme-example.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const INSTALL_TIMEOUT_MS = 180_000;
let folder: string;
let packedFiles: readonly string[];

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-package-')));
  run(process.execPath, ['bin/gate.mjs', 'tools/build.ts'], repository);
  const [packed] = JSON.parse(npm(['pack', '--json', '--pack-destination', folder], repository)) as [Packed];
  packedFiles = packed.files.map(({ path }) => path);
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  npm(['install', '--prefer-offline', `./${packed.filename}`, ...examplePackages()], folder);
}, INSTALL_TIMEOUT_MS);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the package holds the build, its command, the licence and the README, and no source or tests', () => {
  expect(packedFiles).toEqual(
    expect.arrayContaining(['LICENSE', 'README.md', 'package.json', 'bin/troupe.mjs', 'dist/src/index.js']),
  );
  const others = packedFiles.filter(
    (path) => !/^(LICENSE|README\.md|package\.json|bin\/.*\.mjs|dist\/.*\.(js|d\.ts))$/.test(path),
  );
  expect(others).toEqual([]);
});

test('every thread entry is in the package, beside its siblings', () => {
  const entries = globSync('src/**/*-entry.ts', { cwd: repository });
  expect(packedFiles).toEqual(expect.arrayContaining(entries.map((path) => `dist/${path.replace(/\.ts$/, '.js')}`)));
});

test.each(['troupe', 'troupe/testing', 'troupe/actors'])(
  "import('%s') works from the installed package",
  (specifier) => {
    const source = `console.log(Object.keys(await import('${specifier}')).length > 0)`;
    expect(run(process.execPath, ['--input-type=module', '-e', source], folder)).toBe('true\n');
  },
);

test('npx troupe runs from the installed package', () => {
  expect(npx(['troupe', '--help'], folder)).toMatch(/^Usage: troupe .*^ {2}watch .*^ {2}doctor /msu);
  expect(npx(['troupe', '--version'], folder)).toMatch(/^\d+\.\d+\.\d+\n$/u);
});

test('the example of the README runs as written and prints what the README shows', () => {
  const example = readExample(readFileSync(join(repository, 'README.md'), 'utf8'));
  const project = join(folder, 'example');
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  for (const { name, source } of example.files) writeFileSync(join(project, name), source);
  expect(run(process.execPath, ['main.ts'], project).trim()).toBe(example.output.trim());
});

interface Packed {
  readonly filename: string;
  readonly files: ReadonlyArray<{ readonly path: string }>;
}

/** The packages users install beside ours, at the versions of this repository. */
function examplePackages(): readonly string[] {
  const manifest = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
    readonly dependencies: Readonly<Record<string, string>>;
    readonly devDependencies: Readonly<Record<string, string>>;
  };
  return [`xstate@${manifest.devDependencies['xstate']}`, `zod@${manifest.dependencies['zod']}`];
}

/** What is not installed is not fetched either. */
function npx(args: readonly string[], cwd: string): string {
  return npm(['exec', '--no', '--', ...args], cwd, []);
}

function npm(args: readonly string[], cwd: string, options = ['--no-audit', '--no-fund', '--loglevel=error']): string {
  const path = process.env['npm_execpath'];
  const quiet = [...args, ...options];
  return path ? run(process.execPath, [path, ...quiet], cwd) : run('npm', quiet, cwd);
}

function run(command: string, args: readonly string[], cwd: string): string {
  const { stdout, stderr, status, error } = spawnSync(command, args, { cwd, encoding: 'utf8', env: withoutNpm() });
  if (status === 0) return stdout;
  throw new Error(`'${command} ${args.join(' ')}' in '${cwd}' ended with ${status}.\n${stdout}${stderr}`, {
    cause: error,
  });
}

/** This run's own npm settings, such as `ignore-scripts`, are not the user's. */
function withoutNpm(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env).filter(
    ([name]) => !/^(npm_(?!config_(registry|cache|userconfig)$)|VITEST|NODE_ENV$)/i.test(name),
  );
  return Object.fromEntries(entries);
}
