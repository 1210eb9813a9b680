/** Handlers: actors that are a plain function. */
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { deliver, defineHandler, reply, tell } from '../../../src/index.ts';
import { testSystem } from '../../../src/testing.ts';
import { failureOf } from '../../support/harness.ts';

const counter = defineHandler('plain-counter', {
  initial: () => ({ count: 0 }),
  events: { ADD: z.object({ n: z.number() }), PASS: z.object({ to: z.string(), n: z.number() }), FAIL: z.object({}) },
  asks: { COUNT: { input: z.object({}), reply: z.object({ count: z.number() }) } },
  handle: (state, event, emit) => {
    switch (event.type) {
      case 'ADD':
        return { count: state.count + event.n };
      case 'PASS':
        emit(tell(event.to, { type: 'ADD', n: event.n } as { type: string }));
        emit(deliver('passed', event.n));
        return state;
      case 'COUNT':
        emit(reply(event.replyTo, { count: state.count }));
        return state;
      case 'FAIL':
        throw new Error('told to');
    }
  },
});

describe('a handler', () => {
  test('takes events in order, answers asks, and lets out what it asks for', async () => {
    await using troupe = await testSystem({ actors: [counter] });
    const delivered: unknown[] = [];
    troupe.system.onDelivery('passed', ({ payload }) => void delivered.push(payload));
    const [a, b] = [troupe.system.actor(counter, 'a'), troupe.system.actor(counter, 'b')];
    await Promise.all([1, 2, 3].map((n) => a.send({ type: 'ADD', n })));
    await a.send({ type: 'PASS', to: b.address, n: 5 });
    await troupe.clock.advance(0);
    expect(await a.ask({ type: 'COUNT' })).toEqual({ count: 6 });
    expect((await b.snapshot()).context).toEqual({ count: 5 });
    expect(delivered).toEqual([5]);
  });

  test('begins anew when it throws, and its sender is told why', async () => {
    await using troupe = await testSystem({ actors: [counter] });
    const a = troupe.system.actor(counter, 'a');
    await a.send({ type: 'ADD', n: 2 });
    expect((await failureOf(a.send({ type: 'FAIL' }), 'ERR_ACTOR_FAILED')).message).toContain('told to');
    expect(await a.ask({ type: 'COUNT' })).toEqual({ count: 0 });
  });

  test('checks events against its schemas', async () => {
    await using troupe = await testSystem({ actors: [counter] });
    const a = troupe.system.actor(counter, 'a');
    await failureOf(a.send({ type: 'ADD', n: 'two' as never }), 'ERR_EVENT_INVALID');
  });

  test.each([
    { field: 'handle', options: { initial: () => ({}), events: {} } },
    { field: 'initial', options: { handle: () => ({}), events: {} } },
    {
      field: 'mailbox.capacity',
      options: { initial: () => ({}), handle: () => ({}), events: {}, mailbox: { capacity: 0 } },
    },
  ])('without a usable $field it is refused', ({ field, options }) => {
    expect(() => defineHandler('bad', options as never)).toThrow(
      expect.objectContaining({
        code: 'ERR_DEFINITION_INVALID',
        details: expect.objectContaining({ path: field }) as object,
      }),
    );
  });
});
