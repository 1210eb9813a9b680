/** What the repository promises about its own tools, so that a fresh clone works and stays the same. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

interface Manifest {
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const manifest = JSON.parse(read('package.json')) as Manifest;
const nodeManifest = JSON.parse(read('tools/node/package.json')) as Manifest;

test.each(Object.entries(manifest.scripts))('the npm script %s passes the gate first', (_name, command) => {
  for (const part of command.split(' && ')) expect(part).toMatch(/^(node bin\/gate\.mjs|npm run) /);
});

test.each(
  Object.entries({ ...manifest.dependencies, ...manifest.devDependencies, ...nodeManifest.optionalDependencies }),
)('%s is pinned to one version', (_name, version) => {
  expect(version).toMatch(/^(\d+\.\d+\.\d+|file:tools\/node)$/);
});

test('the lockfile names no registry', () => {
  const { packages } = JSON.parse(read('package-lock.json')) as {
    packages: Readonly<Record<string, { readonly resolved?: string }>>;
  };
  const resolved = Object.values(packages).flatMap((entry) => entry.resolved ?? []);
  expect(resolved).toEqual(['tools/node']);
});

test.each(Object.keys({ ...manifest.dependencies, ...manifest.devDependencies }))(
  'docs/decisions says why %s is here',
  (name) => {
    expect(read('docs/decisions/0001-toolchain.md')).toContain(`\`${name}\``);
  },
);
