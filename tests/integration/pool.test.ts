/** The pool in threads: when they start and end, and what becomes of tasks when they end early. */
import { spawnSync } from 'node:child_process';
import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { encodeLine } from '../../src/pool/lines.ts';
import { MAX_PARSE_BYTES } from '../../src/pool/pool.ts';
import { PiscinaPool } from '../../src/pool/piscina-pool.ts';
import { testSystem } from '../../src/testing.ts';
import { BASIC, createTestSystem, eventually, failureOf } from '../support/harness.ts';

const BROKEN = new URL('../support/pool-entry-broken.ts', import.meta.url);
const MB = 1_000_000;
/** Enough for a thread to have to work on it for a while. */
const LARGE = Uint8Array.from({ length: 20 * MB }, (_, i) => Math.imul(i, 2_654_435_761) >>> 24);
const large = (): Uint8Array => LARGE.slice();

/** Lines a thread has to work on for a while. Threads are only ended while they read lines: see `PiscinaPool`. */
const manyLines = (count: number): string =>
  encodeLine('row', { text: 'word '.repeat(40), list: [1, 2, 3] }).repeat(count);

/** Tasks, with what each settled with: the code of its error, or 'done'. */
const outcomesOf = (tasks: readonly Promise<unknown>[]): Promise<readonly string[]> =>
  Promise.all(
    tasks.map((task) =>
      task.then(
        () => 'done',
        (error: { code?: string }) => String(error.code),
      ),
    ),
  );

test('P2: no thread is started before the first task, and it ends when there is nothing to do', async () => {
  await using pool = new PiscinaPool({ idleMs: 50 });
  expect(pool.stats().threads).toBe(0);
  await pool.compress('text');
  expect(pool.stats().threads).toBe(1);
  await eventually(() => pool.stats().threads === 0);
  await pool.compress('text');
  expect(pool.stats()).toMatchObject({ threads: 1, done: 2 });
});

test('there are never more threads than allowed, and what waits gets its turn in order', async () => {
  await using pool = new PiscinaPool({ maxThreads: 1 });
  const order: number[] = [];
  const tasks = Array.from({ length: 20 }, (_, n) => pool.compress(`${n}`).then(() => order.push(n)));
  expect(pool.stats()).toMatchObject({ running: 1, waiting: 19 });
  await Promise.all(tasks);
  expect(pool.stats().threads).toBe(1);
  expect(order).toEqual(order.map((_, n) => n));
});

test('a full queue refuses the next task at the call, and takes others once there is room', async () => {
  await using pool = new PiscinaPool({ maxThreads: 1, maxWaiting: 2 });
  const taken = [pool.compress('a'), pool.compress('b'), pool.compress('c')];
  const bytes = new Uint8Array(3).fill(1);
  const failure = await failureOf(pool.compress(bytes), 'ERR_OVERLOADED');
  expect(failure.message).toContain('takes no compress() of 3 bytes: 3 tasks with 3 bytes are under way, and 3 tasks');
  expect(bytes).toHaveLength(3);
  expect(await outcomesOf(taken)).toEqual(['done', 'done', 'done']);
  await pool.compress(bytes);
  expect(pool.stats()).toMatchObject({ done: 4, failed: 0, heldBytes: 0 });
});

test('the bytes under way are bounded too, except that one task always may', async () => {
  await using pool = new PiscinaPool({ maxHeldBytes: 1_000 });
  const first = pool.compress(new Uint8Array(5_000));
  await failureOf(pool.compress(new Uint8Array(1)), 'ERR_OVERLOADED');
  await first;
  await pool.compress(new Uint8Array(1));
});

test('P1: when a thread dies under its task, the task is rejected, and those behind it are done by another', async () => {
  await using pool = new PiscinaPool({ maxThreads: 1 });
  await pool.compress('warm');
  const text = manyLines(50_000);
  const tasks = [pool.parseLines(text, { owner: "Export 'a.jsonl'" }), pool.compress('b'), pool.compress('c')];
  await pool.endThreads();
  const failure = await failureOf(tasks[0] as Promise<unknown>, 'ERR_POOL_THREAD');
  expect(failure.message).toContain(
    `Export 'a.jsonl': parseLines() of ${text.length} bytes was not finished, since its`,
  );
  expect(failure.cause).toBeInstanceOf(Error);
  expect(await outcomesOf(tasks.slice(1))).toEqual(['done', 'done']);
});

test.each(['{},', '[[[[]]]],', '{"a":{}},'])(
  'as many lines of %s as are taken fit into the memory of a thread, and are refused there',
  async (costly) => {
    await using pool = new PiscinaPool({ maxThreads: 1 });
    const body = `[${costly.repeat(MAX_PARSE_BYTES / costly.length - 20)}{"__proto__":1}]`;
    const forged = `{"k":"row","c":${crc32(body, crc32('row\n'))},"b":${body}}\n`;
    const failure = await failureOf(pool.parseLines(forged), 'ERR_DATA_CORRUPT');
    expect(failure.message).toContain("carries the key '__proto__'");
    await failureOf(pool.parseLines('x'.repeat(MAX_PARSE_BYTES + 1)), 'ERR_DATA_TOO_LARGE');
  },
);

test('P1: when a thread dies before it is ready, its task is rejected, and those behind it are done by another', async () => {
  await using pool = new PiscinaPool({ maxThreads: 1 });
  const tasks = [pool.compress('a'), pool.compress('b')];
  await eventually(() => pool.stats().threads === 1);
  await pool.endThreads();
  expect(await outcomesOf(tasks)).toEqual(['ERR_POOL_THREAD', 'done']);
});

test('P1: when a thread cannot load, every task is rejected and says why', async () => {
  await using pool = new PiscinaPool({ maxThreads: 1, entry: BROKEN });
  const failures = await Promise.all([1, 2, 3].map((n) => failureOf(pool.compress(`${n}`), 'ERR_POOL_THREAD')));
  for (const failure of failures) expect(failure.message).toContain('This module never loads.');
});

test('P1: random ends of threads: every task settles, as done or as rejected for its thread', async () => {
  await using pool = new PiscinaPool({ maxThreads: 2 });
  const tasks: Promise<unknown>[] = [];
  for (let round = 0; round < 15; round++) {
    for (let n = 0; n < 4; n++) tasks.push(pool.parseLines(manyLines(round * 200)));
    await Promise.race(tasks.slice(-4).map((task) => task.catch(() => {})));
    await pool.endThreads();
  }
  const outcomes = await outcomesOf(tasks);
  expect(outcomes.filter((outcome) => outcome !== 'done' && outcome !== 'ERR_POOL_THREAD')).toEqual([]);
  expect(outcomes).toContain('done');
  expect(pool.stats()).toMatchObject({ running: 0, waiting: 0, heldBytes: 0 });
  expect(pool.stats().done + pool.stats().failed).toBe(60);
});

test.each([
  ['at once', async () => {}],
  ['while its thread starts', async (pool: PiscinaPool) => void (await eventually(() => pool.stats().threads === 1))],
  ['while its thread works', async (pool: PiscinaPool) => void (await eventually(() => pool.stats().done === 1))],
])('P1: stop, %s, lets what runs be finished, refuses what waits, and leaves no thread', async (_when, wait) => {
  const pool = new PiscinaPool({ maxThreads: 1 });
  const tasks = [pool.compress('a'), pool.compress(large()), pool.compress(large()), pool.compress('d')];
  const outcomes = outcomesOf(tasks);
  await wait(pool);
  const { running, waiting, done } = pool.stats();
  await pool.stop();
  const finished = running + done;
  expect(await outcomes).toEqual(tasks.map((_, n) => (n < finished ? 'done' : 'ERR_SYSTEM_STOPPED')));
  expect(pool.stats()).toEqual({ threads: 0, running: 0, waiting: 0, heldBytes: 0, done: finished, failed: waiting });
});

test('P1: stop settles the task of a thread that dies meanwhile', async () => {
  const pool = new PiscinaPool({ maxThreads: 1 });
  const outcomes = outcomesOf([pool.parseLines(manyLines(50_000)), pool.compress('b')]);
  await eventually(() => pool.stats().threads === 1);
  await Promise.all([pool.stop(), pool.endThreads()]);
  expect(await outcomes).toEqual(['ERR_POOL_THREAD', 'ERR_SYSTEM_STOPPED']);
  expect(pool.stats().threads).toBe(0);
});

test('an idle pool that nobody stops does not keep the process from ending', () => {
  const url = new URL('../../src/pool/piscina-pool.ts', import.meta.url).href;
  const source = `import { PiscinaPool } from '${url}';
    const pool = new PiscinaPool({ idleMs: 3_600_000 });
    console.log((await pool.decompress(await pool.compress('text'))).length);`;
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', source], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  expect({ stdout, stderr, status }).toEqual({ stdout: '4\n', stderr: '', status: 0 });
});

test('P2: a system has a pool without a thread until it is used, and stops it', async () => {
  await using troupe = await createTestSystem({ threads: 1 });
  const { pool } = troupe.system;
  expect(pool.stats().threads).toBe(0);
  expect(await pool.decompress(await pool.compress('text'))).toHaveLength(4);
  expect(pool.stats().threads).toBe(1);
  const outcomes = outcomesOf([pool.compress(large()), pool.compress(large())]);
  await troupe.stop();
  for (const outcome of await outcomes) expect(['done', 'ERR_SYSTEM_STOPPED']).toContain(outcome);
  await failureOf(pool.compress('text'), 'ERR_SYSTEM_STOPPED');
  expect(pool.stats().threads).toBe(0);
});

test('a system without threads does its tasks on the calling thread', async () => {
  await using troupe = await testSystem({ actors: [BASIC] });
  const { pool } = troupe.system;
  expect(await pool.decompress(await pool.compress('text'))).toHaveLength(4);
  expect(pool.stats()).toMatchObject({ threads: 0, done: 2 });
  await troupe.stop();
  await failureOf(pool.compress('text'), 'ERR_SYSTEM_STOPPED');
});
