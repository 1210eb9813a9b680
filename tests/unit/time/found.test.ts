/** Found by attack: each failed before it was mended. */
import { describe, expect, test } from 'vitest';
import { createMachine, emit, raise, setup } from 'xstate';
import { z } from 'zod';
import { defineActor, defineHandler, schedule, spawn } from '../../../src/index.ts';
import type { Effect } from '../../../src/index.ts';
import { MachineTimers } from '../../../src/cell/machine-timers.ts';
import type { MachineTimer } from '../../../src/cell/machine-timers.ts';
import { createSimulatedEnv, testSystem } from '../../../src/testing.ts';
import { failureOf } from '../../support/harness.ts';

const HOUR_MS = 3_600_000;

function createTimers(timerPolicies: Record<string, 'restart' | 'remaining'> = {}, states: readonly string[] = []) {
  const env = createSimulatedEnv();
  const due: MachineTimer[] = [];
  const onTimer = (timer: MachineTimer): void => void due.push(timer);
  const host = { address: 'waiter/a' as never, env, timerPolicies, boot: 'b', downtimeMs: 0, onTimer };
  const source = {
    id: 'waiter/a',
    _parent: undefined,
    logic: { idMap: new Map(states.map((id) => [id, id])) },
  } as never;
  return { env, due, source, timers: new MachineTimers(host) };
}

test('G11: a timer that waits for its turn while the clock is set back does not fire before its time', async () => {
  const { env, due, source, timers } = createTimers();
  timers.expect({ source, target: source, event: { type: 'LATE' }, id: 'late' });
  const timer = timers.set(() => undefined, 500) as MachineTimer;
  await env.advance(500);
  expect(due).toEqual([timer]);
  env.setClock(env.now() - HOUR_MS);
  expect(timers.take(timer)).toBe(false);
  await env.advance(HOUR_MS - 1);
  expect(due).toHaveLength(1);
  await env.advance(1);
  expect([due.length, timers.take(timer)]).toEqual([2, true]);
});

test.each([
  { id: 'xstate.after.wait.m.open', policy: 'b' },
  { id: 'xstate.after.wait.long.m.open', policy: undefined },
])('the policy of a delay is not taken for that of $id', ({ id, policy }) => {
  const { source, timers } = createTimers({ wait: 'restart' }, ['m.open']);
  timers.expect({ source, target: source, event: { type: 'LATE' }, id });
  expect(timers.set(() => undefined, 5)?.boot).toBe(policy);
});

const machine = setup({
  types: { emitted: {} as Effect, events: {} as { type: 'MANY' | 'FAR' | 'LATE'; text?: string } },
});
const hoarder = defineActor(
  'hoarder-of-timers',
  machine.createMachine({
    on: {
      MANY: {
        actions: Array.from({ length: 40 }, (_, i) =>
          raise(({ event }) => ({ type: 'LATE' as const, text: event.text ?? '' }), { delay: HOUR_MS, id: `t${i}` }),
        ),
      },
      FAR: { actions: emit(() => schedule('far', { type: 'LATE' }, { afterMs: HOUR_MS })) },
    },
  }),
  { maxStateBytes: 1024 },
);
const forgetful = defineHandler('forgetful', {
  initial: () => ({}),
  events: { X: z.object({}) },
  handle: (state) => state,
});
const parent = defineActor(
  'parent-of-none',
  machine.createMachine({ on: { FAR: { actions: emit(() => spawn('forgetful', 'c')) } } }),
);

describe('bounds and bad input', () => {
  test('G14: timers of a machine count against the cap of its state', async () => {
    await using troupe = await testSystem({ actors: [hoarder] });
    const ref = troupe.system.actor(hoarder, 'a');
    const failure = await failureOf(ref.send({ type: 'MANY', text: 'x'.repeat(100) }), 'ERR_EVENT_FAILED');
    expect(failure.message).toContain('The timers of');
  });

  test('taking back what was never scheduled creates nobody', async () => {
    await using troupe = await testSystem({ actors: [hoarder] });
    await failureOf(troupe.system.actor(hoarder, 'ghost').unschedule('k'), 'ERR_ACTOR_NOT_FOUND');
    expect((await troupe.system.list()).items).toEqual([]);
  });

  test('an id for an actor that is not stored is refused: nothing would remember it', async () => {
    await using troupe = await testSystem({ actors: [forgetful] });
    const failure = await failureOf(troupe.system.actor(forgetful, 'a').send({ type: 'X' }, { id: 'once' }));
    expect([failure.code, failure.message]).toEqual(['ERR_OPTIONS_INVALID', expect.stringContaining('forgetful/a')]);
  });

  test('a child that is not stored cannot be spawned: its parent would never hear of its end', async () => {
    await using troupe = await testSystem({ actors: [forgetful, parent] });
    const failure = await failureOf(troupe.system.actor(parent, 'p').send({ type: 'FAR' }), 'ERR_EVENT_FAILED');
    expect(failure.message).toContain('durable: false');
  });

  test.each([
    { topics: { 'a:*': 'X', 'a.*': 'Y' }, says: 'twice' },
    { topics: { '>': 'child.exited' }, says: 'only the runtime sends' },
  ])('topics $topics are refused', ({ topics, says }) => {
    expect(() => defineActor('listener', createMachine({}), { topics })).toThrow(
      expect.objectContaining({ code: 'ERR_DEFINITION_INVALID', message: expect.stringContaining(says) as string }),
    );
  });
});
