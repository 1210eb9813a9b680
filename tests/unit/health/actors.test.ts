/** H3, H4, G16: agents that are actors of the system. What their cells say is said by the test. */
import { expect, test } from 'vitest';
import type { Monitor } from '../../../src/health/monitor.ts';
import { failure, lastingStore, watched, worker } from './fixture.ts';
import type { Watched } from './fixture.ts';

async function withWorker(options: Parameters<Watched['system']['health']['register']>[1] = {}) {
  const run = await watched();
  const ref = run.system.actor(worker, 'w');
  await ref.send({ type: 'GO' } as never);
  await run.system.health.register('worker/w', options);
  const say: Watched['system']['announce'] = (topic, data) => run.system.announce(topic, data);
  return { run, health: run.system.health, clock: run.clock, say };
}

test('an actor needs no heartbeats: it is healthy for as long as nothing is wrong', async () => {
  const { run, health, clock } = await withWorker();
  await using _ = run;
  await clock.advance(600_000);
  expect(health.of('worker/w')).toMatchObject({ kind: 'actor', state: 'healthy' });
});

test('while its supervision makes it anew it is recovering, then healthy', async () => {
  const { run, health, clock, say } = await withWorker();
  await using _ = run;
  say('system.actor.failed', failure('worker/w'));
  await clock.advance(0);
  expect(health.of('worker/w')).toMatchObject({ state: 'recovering', reason: expect.stringContaining("'retry'") });
  say('system.actor.restarted', { address: 'worker/w', cause: 'failure', recoveryMs: 3 });
  await clock.advance(0);
  expect(health.of('worker/w').state).toBe('healthy');
});

test('without further news it counts as well again', async () => {
  const { run, health, clock, say } = await withWorker();
  await using _ = run;
  say('system.actor.failed', failure('worker/w'));
  await clock.advance(11_000);
  expect(health.of('worker/w').state).toBe('healthy');
});

test('H4: a quarantined actor is restarted, and is healthy then', async () => {
  const { run, health, clock, say } = await withWorker();
  await using _ = run;
  say('system.actor.failed', failure('worker/w', 'quarantine'));
  say('system.actor.quarantined', { address: 'worker/w', parent: 'system/root', error: { message: 'no' } });
  await clock.advance(0);
  expect(health.of('worker/w').state).toBe('healthy');
  expect(run.changes('worker/w')).toEqual(['healthy>disconnected', 'disconnected>recovering', 'recovering>healthy']);
  expect(run.recoveries('worker/w')).toMatchObject([{ strategy: 'restart', attempt: 1, isRecovered: true }]);
});

test('H4: with alert it is left down, and said so; a revival brings it back', async () => {
  const { run, health, clock, say } = await withWorker({ strategy: 'alert' });
  await using _ = run;
  say('system.actor.quarantined', { address: 'worker/w', parent: 'system/root', error: { message: 'no' } });
  await clock.advance(60_000);
  expect(health.of('worker/w').state).toBe('failed');
  expect(run.logs.some(({ level, text }) => level === 'error' && text.includes('agent is out'))).toBe(true);
  say('system.actor.released', { address: 'worker/w', how: 'revived' });
  await clock.advance(0);
  expect(health.of('worker/w').state).toBe('healthy');
});

test('H3: an actor whose events wait too long is a zombie', async () => {
  const { run, health, clock, say } = await withWorker({ strategy: 'alert' });
  await using _ = run;
  say('system.actor.overdue', { address: 'worker/w', what: 'event', ageMs: 70_000 });
  await clock.advance(0);
  expect(run.changes('worker/w')).toEqual(['healthy>zombie', 'zombie>failed']);
  expect(health.of('worker/w').reason).toContain('an event has waited for 70000 ms');
});

/** Looks of a recovery loop that the test plays: the position of what waits first, at each of them. */
async function playLooks(zombieAfterMs: number) {
  const run = await watched({ recoverEveryMs: 600_000, overdueAfterMs: 3_600_000 });
  const { system, clock } = run;
  await system.actor(worker, 'w').send({ type: 'GO' } as never);
  await system.health.register('worker/w', { strategy: 'alert', zombieAfterMs });
  const look = (pos: number): void => (system.health as Monitor).noteWaiting(new Map([['worker/w', pos]]));
  return { run, look, clock, state: () => system.health.of('worker/w').state };
}

test('H3, G16: an actor that works through a backlog is well, however long that takes; one that stops at an event is a zombie', async () => {
  const { run, look, clock, state } = await playLooks(10_000);
  await using _ = run;
  for (let pos = 1; pos <= 60; pos++) {
    look(pos);
    await clock.advance(2000);
  }
  expect(state()).toBe('healthy');
  for (let looks = 0; looks < 5; looks++) {
    look(60);
    await clock.advance(2000);
  }
  expect(run.changes('worker/w')).toEqual(['healthy>zombie', 'zombie>failed']);
  expect(run.system.health.of('worker/w').reason).toMatch(/something has waited for \d+ ms/);
});

test('H3, G16: between two looks of the recovery loop nobody is accused, whether it moves is not known then', async () => {
  const { run, look, clock, state } = await playLooks(1000);
  await using _ = run;
  for (let pos = 1; pos <= 10; pos++) {
    look(pos);
    await clock.advance(2000);
  }
  expect(state()).toBe('healthy');
});

test('H3, G16: a wall clock that is set forward makes no zombie', async () => {
  const { run, look, clock, state } = await playLooks(60_000);
  await using _ = run;
  look(7);
  await clock.set(clock.now() + 3_600_000);
  look(7);
  await clock.advance(1000);
  expect(state()).toBe('healthy');
});

test('H3, G16: time in which the store could not save is none that an event has waited', async () => {
  const { run, look, clock, state } = await playLooks(10_000);
  await using _ = run;
  const monitor = run.system.health as Monitor;
  look(7);
  await clock.advance(1000);
  monitor.storeTrouble(true);
  await clock.advance(60_000);
  look(7);
  monitor.storeTrouble(false);
  await clock.advance(8000);
  look(7);
  await clock.advance(1000);
  expect(state()).toBe('healthy');
  await clock.advance(2000);
  look(7);
  await clock.advance(1000);
  expect(state()).toBe('failed');
});

test('H4: an actor that fails again and again right after its recovery is given up on', async () => {
  const { run, health, clock, say } = await withWorker({ maxAttempts: 3 });
  await using _ = run;
  for (let i = 0; i < 4; i++) {
    say('system.actor.quarantined', { address: 'worker/w', parent: 'system/root', error: { message: 'no' } });
    await clock.advance(10_000);
  }
  expect(health.of('worker/w')).toMatchObject({ state: 'failed', reason: expect.stringContaining('does not stay up') });
});

test('H1: while monitoring is stopped nothing is done; what became of actors is seen when it goes on', async () => {
  const { run, health, clock, say } = await withWorker();
  await using _ = run;
  await health.stop();
  say('system.actor.quarantined', { address: 'worker/w', parent: 'system/root', error: { message: 'no' } });
  await clock.advance(10_000);
  expect([health.of('worker/w').state, run.recoveries('worker/w')]).toEqual(['healthy', []]);
  await run.system.actor(worker, 'w').stop();
  await health.start();
  await clock.advance(0);
  expect(health.of('worker/w')).toMatchObject({ state: 'failed', reason: "its status is 'stopped'" });
});

test('an actor that has come to its end is failed, and nothing is tried', async () => {
  const { run, health, clock, say } = await withWorker();
  await using _ = run;
  say('system.actor.failed', failure('worker/w', 'end'));
  await clock.advance(60_000);
  expect(health.of('worker/w').state).toBe('failed');
  expect(run.recoveries('worker/w')).toEqual([]);
});

test('when its thread ends it is recovering until there is another, without a word for each agent', async () => {
  const { run, health, clock, say } = await withWorker();
  await using _ = run;
  const thread = run.system.threads.indexOf('worker/w' as never) ?? 0;
  say('system.thread.ended', { thread: thread + 1, end: 'exit' });
  await clock.advance(0);
  expect(health.of('worker/w').state).toBe('healthy');
  say('system.thread.ended', { thread, end: 'hang' });
  await clock.advance(0);
  expect(health.of('worker/w').state).toBe('recovering');
  say('system.thread.replaced', { thread, recoveryMs: 40 });
  await clock.advance(0);
  expect(health.of('worker/w').state).toBe('healthy');
  expect(run.changes('worker/w')).toEqual([]);
});

test('G16: a registration outlives the system, and what the store says of the actor counts', async () => {
  const openStore = lastingStore();
  {
    await using run = await watched({ openStore });
    for (const key of ['well', 'stopped']) {
      await run.system.actor(worker, key).send({ type: 'GO' } as never);
      await run.system.health.register(`worker/${key}`, { strategy: 'alert' });
    }
    await run.system.actor(worker, 'stopped').stop();
  }
  await using run = await watched({ openStore });
  await run.clock.advance(0);
  expect(run.system.health.all().map(({ agent, state, strategy }) => [agent, state, strategy])).toEqual([
    ['worker/well', 'healthy', 'alert'],
    ['worker/stopped', 'failed', 'alert'],
  ]);
});
