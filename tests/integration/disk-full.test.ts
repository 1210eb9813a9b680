/** S6: a full disk: nothing is acknowledged that is not saved, nobody is blamed, and work goes on when there is room again. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Database } from 'better-sqlite3';
import type { ActorRef, System } from '../../src/index.ts';
import { isTroupeError } from '../../src/index.ts';
import { afterAll, expect, test, vi } from 'vitest';
import { counter } from '../support/actors-basic.ts';
import { createTestSystem, eventually } from '../support/harness.ts';
import type { TestTroupe } from '../support/harness.ts';

const opened = vi.hoisted(() => [] as unknown[]);

vi.mock('better-sqlite3', async (importOriginal) => {
  const { default: Original } = await importOriginal<{ default: new (...args: unknown[]) => object }>();
  class Seen extends Original {
    constructor(...args: unknown[]) {
      super(...args);
      opened.push(this);
    }
  }
  return { default: Seen };
});

// Chores and reads may meet the full disk before it is declared.
const isFull = (troupe: TestTroupe) => () =>
  troupe.logs.some(
    ({ text, fields }) => text.startsWith('the store cannot save') && JSON.stringify(fields).includes('SQLITE_FULL'),
  );
const hasRoom = (troupe: TestTroupe) => () => troupe.logs.some(({ text }) => text === 'the store saves again');

/** Sends again, under the same id, what was refused because the store could not save. */
async function sendStubbornly(system: System, key: string, event: Parameters<ActorRef<typeof counter>['send']>[0]) {
  const ref = system.actor(counter, key);
  for (;;) {
    await eventually(() => system.storeStatus.state === 'well');
    try {
      return await ref.send(event, { id: event.type });
    } catch (error) {
      if (!isTroupeError(error, 'ERR_STORE_TROUBLE')) throw error;
    }
  }
}

/** Sends big states until none is acknowledged any more; what becomes of each is noted. */
function fill({ system }: TestTroupe, actors: number) {
  const acknowledged = new Set<string>();
  const failures: unknown[] = [];
  const sends = Array.from({ length: actors }, (_, i) => {
    const big = { type: 'KEEP', value: 'x'.repeat(50_000) } as const;
    const noted = sendStubbornly(system, `k${i}`, { type: 'ADD', n: 1 });
    return noted
      .then(() => sendStubbornly(system, `k${i}`, big))
      .then(
        () => void acknowledged.add(`k${i}`),
        (error: unknown) => void failures.push(error),
      );
  });
  return { acknowledged, failures, done: Promise.all(sends) };
}

async function assertAllSaved(troupe: TestTroupe, actors: number): Promise<void> {
  const system = await troupe.restart();
  for (let i = 0; i < actors; i++) {
    const { context } = await system.actor(counter, `k${i}`).snapshot();
    expect(context).toMatchObject({ count: 1, kept: 'x'.repeat(50_000) });
  }
  expect((await system.list({ statuses: ['quarantined'] })).items).toEqual([]);
}

test('G1: SQLITE_FULL acknowledges nothing, says so in the log, and is over when there is room', async () => {
  await using troupe = await createTestSystem({ threads: 0 });
  const db = opened.findLast(
    (each) => (each as Database).name === troupe.file && !(each as Database).readonly,
  ) as Database;
  db.pragma(`max_page_count = ${Number(db.pragma('page_count', { simple: true })) + 200}`);
  const { acknowledged, failures, done } = fill(troupe, 40);
  await eventually(isFull(troupe));
  const saved = new Set(acknowledged);
  expect(saved.size).toBeLessThan(40);
  expect(troupe.logs.find(({ text }) => text.startsWith('the store cannot save'))).toMatchObject({
    level: 'error',
    fields: {
      error: {
        code: 'ERR_STORE_UNAVAILABLE',
        message: expect.stringMatching(
          /^Store '.+' could not save or read .+ make room or mend the disk, then try again\.$/,
        ),
      },
    },
  });
  expect(acknowledged, 'still nothing more').toEqual(saved);
  db.pragma('max_page_count = 1000000');
  await done;
  await eventually(hasRoom(troupe));
  expect(failures).toEqual([]);
  await assertAllSaved(troupe, 40);
});

const mountPoint = mkdtempSync(join(tmpdir(), 'troupe-small-disk-'));
const mounting = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', mountPoint], { encoding: 'utf8' });
const isMounted = mounting.status === 0;
if (!isMounted) {
  const why = (mounting.error?.message ?? mounting.stderr).trim();
  console.log(`skipped: 'the same on a real disk that is full', since a tmpfs cannot be mounted here: ${why}`);
}
afterAll(() => {
  if (isMounted) spawnSync('umount', ['-l', mountPoint]);
  rmSync(mountPoint, { recursive: true, force: true });
});

test.skipIf(!isMounted)(
  'G1: the same on a real disk that is full, with threads (skipped where a tmpfs cannot be mounted)',
  async () => {
    await using troupe = await createTestSystem({ threads: 2, store: `sqlite:${join(mountPoint, 'troupe.db')}` });
    await troupe.system.actor(counter, 'first').send({ type: 'ADD', n: 1 });
    const { failures, done } = fill(troupe, 60);
    await eventually(isFull(troupe));
    expect(await troupe.system.actor(counter, 'first').snapshot(), 'reads go on').toMatchObject({
      context: { count: 1 },
    });
    expect(spawnSync('mount', ['-o', 'remount,size=64m', mountPoint]).status).toBe(0);
    await done;
    expect(failures).toEqual([]);
    await assertAllSaved(troupe, 60);
  },
);

test('a store file that cannot be made is named with its cause', async () => {
  const notAFolder = join(mountPoint, 'file');
  writeFileSync(notAFolder, '');
  await expect(createTestSystem({ threads: 1, store: `sqlite:${notAFolder}/troupe.db` })).rejects.toMatchObject({
    code: 'ERR_STORE_OPEN',
    message: expect.stringMatching(
      /^Store '.+\/file\/troupe\.db' could not be opened \(.+\)\. Check the path, its permissions and the disk\.$/,
    ) as string,
  });
});
