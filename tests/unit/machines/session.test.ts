/** The session machine by itself, and sessions in a simulated system: hours pass, sweeps count. */
import { expect, test } from 'vitest';
import { SimulatedClock, createActor } from 'xstate';
import { session } from '../../../actors/session.ts';
import { sessionMachine } from '../../../machines/session.ts';
import { Sessions } from '../../../src/sessions/sessions.ts';
import { createSimulatedSystem, failureOf } from '../../support/harness.ts';
import type { SimulatedTroupe } from '../../support/harness.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const ACTIVITIES = [
  { type: 'SAY', author: 'user', text: 'hello' },
  { type: 'AGENT.STATE', agent: 'a', state: 1 },
  { type: 'METADATA', metadata: { a: 1 } },
  { type: 'GROUP.OPEN', key: 'g', input: {} },
] as const;
const OTHERS = [
  { type: 'DESCRIBE', replyTo: {} as never },
  { type: 'child.exited', child: 'group/g', reason: 'done' } as never,
] as const;

function startMachine() {
  const clock = new SimulatedClock();
  const input = { user: 'ada', title: '', metadata: {}, idleAfterMs: 10, expireAfterMs: 100 };
  const actor = createActor(sessionMachine, { clock, input }).start();
  return { clock, actor, lifecycle: () => actor.getSnapshot().context.lifecycle };
}

test('a session without activity is idle, then expired, and has ended then', () => {
  const { clock, actor, lifecycle } = startMachine();
  clock.increment(9);
  expect(lifecycle()).toBe('active');
  clock.increment(1);
  expect(lifecycle()).toBe('idle');
  clock.increment(89);
  expect(lifecycle()).toBe('idle');
  clock.increment(1);
  expect({ lifecycle: lifecycle(), status: actor.getSnapshot().status }).toEqual({
    lifecycle: 'expired',
    status: 'done',
  });
});

test.each(ACTIVITIES)('$type makes an idle session active, and both times begin anew', (event) => {
  const { clock, actor, lifecycle } = startMachine();
  clock.increment(99);
  expect(lifecycle()).toBe('idle');
  actor.send(event);
  expect(lifecycle()).toBe('active');
  clock.increment(9);
  expect(lifecycle()).toBe('active');
  clock.increment(90);
  expect(lifecycle()).toBe('idle');
  clock.increment(1);
  expect(lifecycle()).toBe('expired');
});

test.each(OTHERS)('$type is no activity', (event) => {
  const { clock, actor, lifecycle } = startMachine();
  clock.increment(50);
  actor.send(event);
  expect(lifecycle()).toBe('idle');
  clock.increment(50);
  expect(lifecycle()).toBe('expired');
});

test('a group that is opened twice is listed once', () => {
  const { actor } = startMachine();
  for (let i = 0; i < 2; i++) actor.send({ type: 'GROUP.OPEN', key: 'g', input: {} });
  expect(actor.getSnapshot().context.groups).toEqual(['group/g']);
});

test.each([
  { idleAfterMs: 999 },
  { idleAfterMs: 0 },
  { idleAfterMs: Number.NaN },
  { idleAfterMs: 1000.5 },
  { expireAfterMs: -1 },
  { expireAfterMs: 31_536_000_001 },
  { expireAfterMs: '1h' },
])('%j is refused, with the path of the wrong part', (times) => {
  const parsed = session.input.safeParse({ user: 'ada', ...times });
  expect(parsed.error?.issues.map(({ path }) => path.join('.'))).toEqual(Object.keys(times));
});

test('half an hour and a day are the times of a session that names none', () => {
  expect(session.input.parse({ user: 'ada' })).toMatchObject({ idleAfterMs: 1_800_000, expireAfterMs: 86_400_000 });
});

const lifecyclesOf = async ({ run, system }: SimulatedTroupe) =>
  Object.fromEntries((await run(system.sessions.list())).items.map(({ id, lifecycle }) => [id, lifecycle]));

/** Without the system's own sweeps, for a day. */
const createUnswept = () => createSimulatedSystem({ sessionSweepEveryMs: 24 * HOUR_MS });

test('lists tell and filter by lifecycle as the hours pass', async () => {
  await using troupe = await createUnswept();
  const { run, env, system } = troupe;
  const { sessions } = system;
  const quick = { user: 'ada', idleAfterMs: MINUTE_MS, expireAfterMs: HOUR_MS };
  await run(sessions.create({ ...quick, id: 'quick' }));
  const kept = await run(sessions.create({ ...quick, id: 'kept' }));
  await run(sessions.create({ user: 'bob', id: 'usual' }));
  expect(await lifecyclesOf(troupe)).toEqual({ quick: 'active', kept: 'active', usual: 'active' });
  await env.advance(31 * MINUTE_MS);
  await run(kept.say('still here'));
  expect(await lifecyclesOf(troupe)).toEqual({ quick: 'idle', kept: 'active', usual: 'idle' });
  await env.advance(30 * MINUTE_MS);
  expect(await lifecyclesOf(troupe)).toEqual({ quick: 'expired', kept: 'idle', usual: 'idle' });
  const idle = await run(sessions.list({ user: 'ada', lifecycle: 'idle' }));
  expect(idle.items.map(({ id }) => id)).toEqual(['kept']);
  await env.advance(30 * MINUTE_MS);
  expect(await lifecyclesOf(troupe)).toEqual({ quick: 'expired', kept: 'expired', usual: 'idle' });
});

test('a session that expires before it idles is never idle', async () => {
  await using troupe = await createSimulatedSystem();
  await troupe.run(troupe.system.sessions.create({ user: 'ada', id: 's', expireAfterMs: 1000 }));
  await troupe.env.advance(999);
  expect(await lifecyclesOf(troupe)).toEqual({ s: 'active' });
  await troupe.env.advance(1);
  expect(await lifecyclesOf(troupe)).toEqual({ s: 'expired' });
});

test('an expired session says so to whoever speaks, asks or opens a group; its history stays readable', async () => {
  await using troupe = await createUnswept();
  const { run, env, system } = troupe;
  const members = ['a', 'b'].map((name) => ({ agent: { type: 'agent' }, name, skill: 'echo' }));
  const s = await run(system.sessions.create({ user: 'ada', id: 's', expireAfterMs: HOUR_MS }));
  await run(system.groups.create({ id: 'g', session: 's', members }));
  await run(s.say('hello', { id: 'first' }));
  await env.advance(HOUR_MS);
  const error = await run(failureOf(s.say('anyone?'), 'ERR_SESSION_EXPIRED'));
  expect(error.message).toBe(
    "Session 's' has expired and takes nothing more. Create another; its history can be read until a sweep removes it.",
  );
  expect(error.details).toEqual({ id: 's' });
  const again = await run(system.sessions.get('s'));
  await run(failureOf(again.describe(), 'ERR_SESSION_EXPIRED'));
  await run(failureOf(system.groups.create({ id: 'late', session: 's', members }), 'ERR_SESSION_EXPIRED'));
  expect((await run(again.history())).map(({ text }) => text)).toEqual(['hello']);
  expect((await run(system.groups.list())).items).toMatchObject([{ id: 'g', status: 'stopped' }]);
});

test('a session that was ended says that it has ended, not that it expired', async () => {
  await using troupe = await createSimulatedSystem();
  const s = await troupe.run(troupe.system.sessions.create({ user: 'ada' }));
  await troupe.run(s.end());
  await troupe.run(failureOf(s.say('hello'), 'ERR_ACTOR_STOPPED'));
});

test('the system sweeps by itself; whoever still holds the session is told that it is gone', async () => {
  await using troupe = await createSimulatedSystem();
  const { run, env, system } = troupe;
  const s = await run(system.sessions.create({ user: 'ada', id: 's', expireAfterMs: HOUR_MS }));
  await env.advance(HOUR_MS + 6 * MINUTE_MS);
  await run(failureOf(s.say('anyone?'), 'ERR_SESSION_NOT_FOUND'));
  await run(failureOf(s.describe(), 'ERR_SESSION_NOT_FOUND'));
  expect((await run(system.sessions.list())).items).toEqual([]);
});

test('a sweep removes what has expired, groups and agents too, by pages, and returns how many', async () => {
  await using troupe = await createUnswept();
  const { run, env, system } = troupe;
  const { sessions } = system;
  const members = ['a', 'b'].map((name) => ({ agent: { type: 'agent' }, name, skill: 'echo' }));
  for (let i = 0; i < 205; i++) await run(sessions.create({ user: 'ada', id: `old-${i}`, expireAfterMs: HOUR_MS }));
  await run(system.groups.create({ id: 'g', session: 'old-7', members }));
  const ended = await run(sessions.create({ user: 'ada', id: 'ended', expireAfterMs: HOUR_MS }));
  await run(ended.end());
  await run(sessions.create({ user: 'ada', id: 'alive' }));
  expect(await run(sessions.sweep())).toBe(0);
  await env.advance(2 * HOUR_MS);
  expect(await run(sessions.sweep())).toBe(205);
  expect(await run(sessions.sweep())).toBe(0);
  await env.settle();
  const left = (await run(system.list())).items.map(({ address }) => address).toSorted();
  expect(left).toEqual(['session/alive', 'session/ended']);
});

test('a sweep leaves alone what took the id of an expired session meanwhile, and does not mind one that is gone', async () => {
  await using troupe = await createUnswept();
  const { run, env, system } = troupe;
  const { sessions } = system;
  for (const id of ['gone', 'anew', 'old']) await run(sessions.create({ user: 'ada', id, expireAfterMs: HOUR_MS }));
  await env.advance(2 * HOUR_MS);
  const listed = await run(sessions.list({ lifecycle: 'expired' }));
  expect(listed.items.length).toBe(3);
  await run(Promise.all([sessions.delete('gone'), sessions.delete('anew')]));
  await run(sessions.create({ user: 'bob', id: 'anew' }));
  // The list a sweep works on is older than what stands in the store.
  class StaleSessions extends Sessions {
    override list() {
      return Promise.resolve(listed);
    }
  }
  expect(await run(new StaleSessions(system).sweep())).toBe(1);
  expect(await run(new StaleSessions(system).sweep())).toBe(0);
  expect((await run(sessions.list())).items).toMatchObject([{ id: 'anew', user: 'bob', lifecycle: 'active' }]);
});
