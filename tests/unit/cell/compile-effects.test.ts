/** G2: effects become rows of the commit, or fail the turn that emitted them. */
import { describe, expect, test } from 'vitest';
import { createMachine } from 'xstate';
import { z } from 'zod';
import { defineActor } from '../../../src/actor/define.ts';
import { Definitions } from '../../../src/actor/definitions.ts';
import {
  append,
  deliver,
  publish,
  reply,
  schedule,
  spawn,
  stop,
  subscribe,
  tell,
  unschedule,
  unsubscribe,
} from '../../../src/actor/effects.ts';
import type { Effect } from '../../../src/actor/effects.ts';
import { compileEffects } from '../../../src/cell/compile-effects.ts';

const definitions = new Definitions();
const thing = defineActor('thing', createMachine({}), {
  input: z.object({ size: z.int() }),
  events: { PUT: z.object({ x: z.number() }) },
  asks: { PEEK: { input: z.object({}), reply: z.object({ n: z.number() }) } },
});
definitions.add(thing, 'test');

function compile(...effects: readonly unknown[]) {
  let n = 0;
  return compileEffects(effects as Effect[], {
    address: 'thing/a' as never,
    boot: 'boot',
    definitions,
    nextId: () => `7.${n++}`,
    now: () => 1000,
    topics: { 'fixed.*': 'FIXED' },
  });
}

const token = (more: object = {}) => ({ ask: 'boot:1', boot: 'boot', of: 'PEEK', ...more });

describe('compileEffects', () => {
  test('each effect becomes its row, in the order the machine asked', () => {
    const rows = compile(
      tell('thing/b', { type: 'PUT', x: 1 } as never),
      spawn(thing, 'c', { size: 1 }),
      append({ said: 'hi' }),
      deliver('out', [1]),
      stop('thing/d'),
      reply(token() as never, { n: 1 }),
      schedule('later', { type: 'PUT', x: 2 } as never, { afterMs: 0.5 }),
      unschedule('never'),
      publish('task.done', { n: 1 }, { priority: 'high', attributes: { subject: 'order-7', urgent: true } }),
      subscribe('task:*', 'TASK'),
      unsubscribe('other.>'),
    );
    expect(rows).toEqual({
      inbox: [
        { receiver: 'thing/b', kind: 'event', id: '7.0', text: '{"type":"PUT","x":1}' },
        { receiver: 'thing/c', kind: 'create', id: '7.1', text: '{"parent":"thing/a","input":{"size":1}}' },
        { receiver: 'thing/d', kind: 'stop', id: '7.3', text: '{}' },
      ],
      outbox: [
        { kind: 'deliver', id: '7.2', target: 'out', text: '[1]' },
        { kind: 'reply', id: '7.4', target: 'boot:1', boot: 'boot', text: '{"n":1}' },
      ],
      log: ['{"said":"hi"}'],
      replies: [],
      schedules: new Map([
        ['later', { key: 'later', dueAt: 1001, text: '{"type":"PUT","x":2}' }],
        ['never', null],
      ]),
      publish: [
        {
          id: 'thing/a#7.5',
          topic: 'task.done',
          priority: 'high',
          text: '{"n":1}',
          attributes: '{"subject":"order-7","urgent":true}',
        },
      ],
      subscriptions: new Map([
        ['task.*', 'TASK'],
        ['other.>', null],
      ]),
    });
  });

  test.each([
    { effect: schedule('k', { type: 'PUT', x: 1 } as never, { afterMs: -1 }), code: 'ERR_SCHEDULE_INVALID' },
    { effect: schedule('k', { type: 'PUT', x: 1 } as never, { afterMs: Number.NaN }), code: 'ERR_SCHEDULE_INVALID' },
    { effect: schedule('', { type: 'PUT', x: 1 } as never, { afterMs: 1 }), code: 'ERR_SCHEDULE_INVALID' },
    { effect: schedule('k', { type: 'PUT', x: 'no' } as never, { afterMs: 1 }), code: 'ERR_EVENT_INVALID' },
    { effect: unschedule(7 as never), code: 'ERR_SCHEDULE_INVALID' },
    { effect: publish('task.*', {}), code: 'ERR_TOPIC_INVALID' },
    { effect: publish('a', { when: new Date() }), code: 'ERR_NOT_JSON' },
    { effect: publish('a', {}, { priority: 'urgent' as never }), code: 'ERR_EFFECT_INVALID' },
    { effect: publish('a', {}, { attributes: { id: 'mine' } }), code: 'ERR_EFFECT_INVALID' },
    { effect: subscribe('a..b', 'X'), code: 'ERR_TOPIC_INVALID' },
    { effect: subscribe('a', ''), code: 'ERR_EFFECT_INVALID' },
    { effect: subscribe('a', 'child.exited'), code: 'ERR_EFFECT_INVALID' },
    { effect: unsubscribe('fixed.*'), code: 'ERR_EFFECT_INVALID' },
  ])('$effect.type that cannot work is refused with $code', ({ effect, code }) => {
    expect(() => compile(effect)).toThrow(expect.objectContaining({ code }));
  });

  test.each([
    { name: 'without an id, of this boot: goes out', of: token(), outbox: 1, replies: 0 },
    { name: 'without an id, of an older boot: nobody waits', of: token({ boot: 'old' }), outbox: 0, replies: 0 },
    { name: 'with an id, of this boot: goes out and is kept', of: token({ id: 'q' }), outbox: 1, replies: 1 },
    {
      name: 'with an id, of an older boot: the same, for whoever asked again',
      of: token({ id: 'q', boot: 'old' }),
      outbox: 1,
      replies: 1,
    },
  ])('a reply $name', ({ of, outbox, replies }) => {
    const rows = compile(reply(of as never, { n: 1 }));
    expect(rows.outbox).toHaveLength(outbox);
    expect(rows.replies).toHaveLength(replies);
    expect(rows.outbox.every(({ boot }) => boot === 'boot')).toBe(true);
  });

  test.each([
    { effect: tell('nowhere', { type: 'PUT' }), code: 'ERR_ADDRESS' },
    { effect: tell('thing/../b', { type: 'PUT' }), code: 'ERR_ADDRESS' },
    { effect: tell('ghost/b', { type: 'PUT' }), code: 'ERR_ACTOR_TYPE_UNKNOWN' },
    { effect: tell('thing/b', { type: 'PUT' }), code: 'ERR_EVENT_INVALID' },
    { effect: tell('thing/b', { type: 'PEEK' }), code: 'ERR_EVENT_INVALID' },
    { effect: tell('thing/b', null as never), code: 'ERR_EVENT_INVALID' },
    { effect: spawn('ghost', 'b'), code: 'ERR_ACTOR_TYPE_UNKNOWN' },
    { effect: spawn('thing', 'b.c'), code: 'ERR_ADDRESS' },
    { effect: spawn('thing', 'b'), code: 'ERR_INPUT_INVALID' },
    { effect: spawn('thing', 'b', { size: 'x' }), code: 'ERR_INPUT_INVALID' },
    { effect: append(undefined as never), code: 'ERR_NOT_JSON' },
    { effect: append({ when: new Date(0) } as never), code: 'ERR_NOT_JSON' },
    { effect: deliver('', 1), code: 'ERR_EFFECT_INVALID' },
    { effect: deliver(7 as never, 1), code: 'ERR_EFFECT_INVALID' },
    { effect: deliver('out', undefined as never), code: 'ERR_NOT_JSON' },
    { effect: stop('*'), code: 'ERR_ADDRESS' },
    { effect: stop(undefined as never), code: 'ERR_ADDRESS' },
    { effect: reply(undefined as never, 1), code: 'ERR_EFFECT_INVALID' },
    { effect: reply({ ask: 'x' } as never, 1), code: 'ERR_EFFECT_INVALID' },
    { effect: reply(token() as never, { n: 'x' }), code: 'ERR_REPLY_INVALID' },
    { effect: { type: 'troupe.publish', topic: 'x' }, code: 'ERR_EFFECT_INVALID' },
  ])('$effect is refused with $code, and nothing of the turn goes out', ({ effect, code }) => {
    expect(() => compile(append('first'), effect)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(/\.$/) }),
    );
  });
});
