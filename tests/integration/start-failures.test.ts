/** A system that cannot start says why, leaves nothing running, and lets go of the store. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import BetterSqlite3 from 'better-sqlite3';
import { afterAll, expect, test } from 'vitest';
import { createSystem } from '../../src/index.ts';
import type { SystemOptions } from '../../src/index.ts';
import { counter } from '../support/actors-basic.ts';
import { BASIC, createTestSystem, failureOf } from '../support/harness.ts';

const folder = mkdtempSync(join(tmpdir(), 'troupe-start-'));
const file = join(folder, 'shared.db');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const support = (name: string): URL => new URL(`../support/${name}`, import.meta.url);
const startWith = (actors: readonly (URL | string)[], more: Partial<SystemOptions> = {}) =>
  failureOf(createSystem({ actors, threads: 1, store: `sqlite:${file}`, log: 'silent', ...more }));

/** The store is free again: the same file opens at once. */
async function assertNothingLeft(): Promise<void> {
  const system = await createSystem({ actors: [BASIC], threads: 1, store: `sqlite:${file}`, log: 'silent' });
  await system.actor(counter, 'a').send({ type: 'ADD', n: 1 });
  await system.stop();
}

test('a module that throws on import is named with what it threw', async () => {
  const module = join(folder, 'broken.mjs');
  writeFileSync(module, "throw new Error('no key in the environment');");
  const error = await startWith([module]);
  expect(error.code).toBe('ERR_DEFINITION_MODULE');
  expect(error.message).toContain(`Module 'file://${module}' could not be imported: no key in the environment.`);
  expect(error.message).toContain('It must load in every thread without side effects.');
  expect(error.details).toEqual({ module: `file://${module}` });
  await assertNothingLeft();
});

test('a module that throws in worker threads only is named all the same', async () => {
  const error = await startWith([support('actors-throws-in-threads.ts')]);
  expect(error.code).toBe('ERR_DEFINITION_MODULE');
  expect(error.message).toContain("actors-throws-in-threads.ts' could not be imported: no window here.");
  await assertNothingLeft();
});

test('a module without definitions is named', async () => {
  const module = join(folder, 'empty.mjs');
  writeFileSync(module, 'export const nothing = 1;');
  const error = await startWith([module]);
  expect(error.code).toBe('ERR_DEFINITION_MODULE');
  expect(error.message).toBe(
    `Module 'file://${module}' exports no definition. Export what defineActor() returns, by name.`,
  );
});

test('a module that differs between threads is refused, saying how', async () => {
  const error = await startWith([support('actors-differ.ts')]);
  expect(error.code).toBe('ERR_DEFINITION_DIFFERS');
  expect(error.message).toBe(
    "Worker thread 0 loaded other definitions than the main thread: 'shifty' has version 2 there and 1 on main. A definitions module must export the same in every thread.",
  );
  await assertNothingLeft();
});

test('a type defined twice is refused, within a module and over modules', async () => {
  const within = await startWith([support('actors-twice.ts')]);
  expect(within.code).toBe('ERR_DEFINITION_DUPLICATE');
  expect(within.message).toMatch(
    /^Actor type 'twin' is defined twice; the second time in file:.+actors-twice\.ts\. Rename one of them\.$/,
  );
  const module = join(folder, 'session.mjs');
  const source = fileURLToPath(new URL('../../src/index.ts', import.meta.url));
  const xstate = fileURLToPath(import.meta.resolve('xstate'));
  writeFileSync(
    module,
    `import { defineActor } from '${source}'; import { createMachine } from '${xstate}';\nexport const mine = defineActor('session', createMachine({}));`,
  );
  const over = await startWith([module]);
  expect(over.code).toBe('ERR_DEFINITION_DUPLICATE');
  expect(over.message).toContain("Actor type 'session' is defined twice");
  await assertNothingLeft();
});

test.each([
  {
    options: { threads: 65 },
    says: "createSystem: option 'threads' is 65 (a number). Use a whole number from 0 to 64",
  },
  { options: { store: '' }, says: "createSystem: option 'store' is '' (a string). Use 'sqlite:FILE'" },
  {
    options: { synchronous: 'maybe' },
    says: "createSystem: option 'synchronous' is 'maybe' (a string). Use 'full' or 'normal'",
  },
  { options: { thread: 1 }, says: "option 'thread' is unknown. Known options: actors, store, threads" },
  {
    options: { store: 'redis://x' },
    says: "'redis://x', which no store serves. Use 'sqlite:FILE', 'file:FOLDER' or 'memory:'.",
  },
])('the option in $options is refused by name', async ({ options, says }) => {
  const error = await startWith([], options as never);
  expect(error.code).toBe('ERR_OPTIONS_INVALID');
  expect(error.message).toContain(says);
});

test('a store file of a newer schema is left as it is', async () => {
  await using troupe = await createTestSystem({ threads: 1 });
  await troupe.system.actor(counter, 'a').send({ type: 'ADD', n: 1 });
  await troupe.stop();
  setPragma(troupe.file, 'user_version = 99');
  const error = await failureOf(troupe.start(), 'ERR_STORE_NEWER');
  expect(error.message).toMatch(
    /^Store '.+troupe\.db' has schema version 99, and this Troupe writes version \d+\. Upgrade Troupe, or use another file; this one was left untouched\.$/,
  );
  expect(error.details).toMatchObject({ file: troupe.file, stored: 99 });
  setPragma(troupe.file, `user_version = ${String(error.details['supported'])}`);
  const system = await troupe.start();
  expect(await system.actor(counter, 'a').ask({ type: 'GET' })).toEqual({ count: 1 });
});

function setPragma(path: string, pragma: string): void {
  const db = new BetterSqlite3(path);
  db.pragma(pragma);
  db.close();
}

test('a second process on the same file is refused, naming the first; it gets the file when the first has ended', async () => {
  const held = join(folder, 'held.db');
  const holder = spawn(process.execPath, [fileURLToPath(support('system-holder.ts')), held], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  const error = await startWith([BASIC], { store: `sqlite:${held}` });
  expect(error.code).toBe('ERR_STORE_LOCKED');
  expect(error.message).toBe(
    `Store '${held}' is held by process ${holder.pid}. Stop it, or give this one another file: one process writes one file.`,
  );
  expect(error.details).toEqual({ file: held, pid: holder.pid });
  holder.stdin.end();
  const [code] = (await once(holder, 'exit')) as [number];
  expect(code).toBe(0);
  const system = await createSystem({ actors: [BASIC], threads: 1, store: `sqlite:${held}` });
  await system.stop();
});

test('two systems of one process do not share a file either', async () => {
  await using troupe = await createTestSystem({ threads: 1 });
  const error = await startWith([], { store: `sqlite:${troupe.file}` });
  expect(error.code).toBe('ERR_STORE_LOCKED');
  expect(error.message).toContain(`is held by this process (pid ${process.pid}).`);
  expect(await troupe.system.actor(counter, 'a').ask({ type: 'GET' })).toEqual({ count: 0 });
});
