/** Effect functions in threads with SQLite: begun after the commit, same key after a crash, abortable, checked. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { recorder } from '../support/actors-basic.ts';
import { clumsy, job } from '../support/actors-jobs.ts';
import type { JobLine, JobMode } from '../support/actors-jobs.ts';
import { BASIC, createTestSystem, eventually, failureOf, readJournal } from '../support/harness.ts';
import type { TestTroupe } from '../support/harness.ts';

const JOBS = new URL('../support/actors-jobs.ts', import.meta.url);
const createWithJobs = (threads = 2) => createTestSystem({ actors: [BASIC, JOBS], threads });

function jobOf({ system, folder }: TestTroupe, key = 'j') {
  const journal = join(folder, 'journal');
  const ref = system.actor(job, key, { journal });
  return {
    ref,
    start: (mode: JobMode, once = false) => ref.send({ type: 'START', mode, once }),
    lines: () => readJournal<JobLine>(journal),
    begins: () => readJournal<JobLine>(journal).filter(({ what }) => what === 'begin'),
    idle: async () =>
      (
        await eventually(
          () => ref.snapshot(),
          ({ value, context }) => value === 'idle' && (context.result ?? context.error) !== null,
        )
      ).context,
  };
}

test('G5: an effect function runs once, with a key of its own, and its output becomes a turn', async () => {
  await using troupe = await createWithJobs();
  const { start, idle, begins } = jobOf(troupe);
  await start('done');
  const { result } = await idle();
  expect(begins()).toEqual([{ what: 'begin', key: (result as { key: string }).key, attempt: 1 }]);
  expect(result).toMatchObject({ attempt: 1, key: expect.stringMatching(/^job\/j#\w+\.\d+\.\d+$/) });
});

test('G5, G10: after its worker was ended it runs again with the same key and attempt 2', async () => {
  await using troupe = await createWithJobs();
  const { ref, start, idle, begins } = jobOf(troupe);
  await start('hang-once');
  await eventually(begins, (lines) => lines.length === 1);
  await troupe.endWorkerOf(ref.address);
  await idle();
  const [first, second, ...more] = begins();
  expect(more).toEqual([]);
  expect(first).toMatchObject({ attempt: 1 });
  expect(second).toEqual({ what: 'begin', key: first?.key, attempt: 2 });
});

test('G5: the same over a restart of the system, without anybody touching the actor', async () => {
  await using troupe = await createWithJobs();
  const { start, begins } = jobOf(troupe);
  await start('hang-once');
  await eventually(begins, (lines) => lines.length === 1);
  await troupe.restart();
  const [first, second] = await eventually(begins, (lines) => lines.length === 2);
  expect(second).toEqual({ what: 'begin', key: first?.key, attempt: 2 });
  expect((await jobOf(troupe).idle()).result).toEqual({ key: first?.key, attempt: 2 });
});

test("G5: with onInterrupted 'fail' it does not run again: the machine gets ERR_EFFECT_INTERRUPTED with the key", async () => {
  await using troupe = await createWithJobs();
  const { ref, start, idle, begins } = jobOf(troupe);
  await start('hang', true);
  const [run] = await eventually(begins, (lines) => lines.length === 1);
  await troupe.endWorkerOf(ref.address);
  const { error } = await idle();
  expect(error).toMatchObject({ isError: true, code: 'ERR_EFFECT_INTERRUPTED' });
  expect((error as { message: string }).message).toContain(`Effect 'workOnce' of 'job/j' was cut off by a crash`);
  expect((error as { message: string }).message).toContain(run?.key);
  expect(begins()).toHaveLength(1);
});

test('leaving the state aborts the effect function', async () => {
  await using troupe = await createWithJobs();
  const { ref, start, begins, lines } = jobOf(troupe);
  await start('hang');
  await eventually(begins, (all) => all.length === 1);
  await ref.send({ type: 'CANCEL' });
  const aborted = await eventually(lines, (all) => all.length === 2);
  expect(aborted[1]).toMatchObject({ what: 'abort', attempt: 1 });
  expect(await ref.snapshot()).toMatchObject({ value: 'idle', context: { result: null, error: null } });
});

test('stopping the actor aborts the effect function', async () => {
  await using troupe = await createWithJobs();
  const { ref, start, begins, lines } = jobOf(troupe);
  await start('hang');
  await eventually(begins, (all) => all.length === 1);
  await ref.stop();
  await eventually(lines, (all) => all.some(({ what }) => what === 'abort'));
  await troupe.restart();
  expect(begins(), 'and nothing runs it again').toHaveLength(1);
});

test('G3, G5: what an effect function sends arrives once, however often it runs', async () => {
  await using troupe = await createWithJobs();
  const { ref, start, idle, begins } = jobOf(troupe);
  const notes = () => troupe.system.actor(recorder, 'r').ask({ type: 'LIST' });
  await start('send-then-hang-once');
  await eventually(notes, (all) => all.length === 3);
  await troupe.endWorkerOf(ref.address);
  await idle();
  expect(begins()).toHaveLength(2);
  expect((await notes()).map(({ n }) => n)).toEqual([1, 2, 3]);
});

test.each([
  {
    mode: 'date',
    error: { code: 'ERR_NOT_JSON', message: "Output of effect 'work' of 'job/j' carries a Date at 'output.when'" },
  },
  { mode: 'throw', error: { code: 'ERR_LUCK', name: 'Error', message: 'no luck' } },
] as const)(
  'an effect function that fails ($mode) reaches onError as an Error with its code',
  async ({ mode, error }) => {
    await using troupe = await createWithJobs(1);
    const { start, idle } = jobOf(troupe);
    await start(mode);
    const seen = (await idle()).error;
    expect(seen).toMatchObject({ ...error, isError: true, message: expect.stringContaining(error.message) as string });
  },
);

test('an effect function may return nothing', async () => {
  await using troupe = await createWithJobs(1);
  const { ref, start } = jobOf(troupe);
  await start('nothing');
  await eventually(
    () => ref.snapshot(),
    ({ value }) => value === 'idle',
  );
});

test('G7: an actor whose internal turn fails again and again is quarantined with its error and its state', async () => {
  await using troupe = await createWithJobs();
  const ref = troupe.system.actor(clumsy, 'c');
  await ref.send({ type: 'ADD' });
  await ref.send({ type: 'START' });
  await eventually(
    () => ref.snapshot(),
    ({ status }) => status === 'quarantined',
  );
  const error = await failureOf(ref.send({ type: 'ADD' }), 'ERR_ACTOR_QUARANTINED');
  expect(error.message).toBe(
    "'clumsy/c' is quarantined: dropped it. Its state and mailbox are kept; mend the cause, then system.revive or system.remove it.",
  );
  expect(error.cause).toMatchObject({ name: 'TypeError', message: 'dropped it' });
  const system = await troupe.restart();
  const again = await failureOf(system.actor(clumsy, 'c').send({ type: 'ADD' }), 'ERR_ACTOR_QUARANTINED');
  expect(again.cause).toMatchObject({ name: 'TypeError', message: 'dropped it' });
  expect((await system.actor(clumsy, 'c').snapshot()).context).toEqual({ count: 1 });
  expect(await system.actor(clumsy, 'd').send({ type: 'ADD' })).toBeUndefined();
});

test('G7: an effect function that ends its thread again and again leads to quarantine; other actors go on', async () => {
  await using troupe = await createWithJobs(1);
  const { ref, start, begins } = jobOf(troupe);
  await start('exit').catch(() => {});
  await eventually(
    () => ref.snapshot(),
    ({ status }) => status === 'quarantined',
  );
  expect(begins()).toHaveLength(3);
  const error = await failureOf(ref.send({ type: 'CANCEL' }), 'ERR_ACTOR_QUARANTINED');
  expect(error.message).toContain("'job/j' ended its worker thread");
  expect(await troupe.system.actor(recorder, 'r').ask({ type: 'LIST' })).toEqual([]);
});
