/** Definitions: what is checked where, and with which path. */
import { describe, expect, test } from 'vitest';
import { assign, createMachine, setup } from 'xstate';
import { z } from 'zod';
import { defineActor } from '../../../src/actor/define.ts';
import { Definitions } from '../../../src/actor/definitions.ts';

const machine = createMachine({});
const A = 'thing/a' as never;

const thing = defineActor('thing', machine, {
  input: z.object({ size: z.int(), tags: z.array(z.string()).default([]) }),
  events: { PUT: z.object({ at: z.object({ x: z.number() }) }), EMPTY: z.object({}) },
  asks: { PEEK: { input: z.object({ deep: z.boolean() }), reply: z.object({ n: z.number() }) } },
});
const anything = defineActor('anything', machine);

function load(...definitions: Parameters<Definitions['add']>[0][]): Definitions {
  const loaded = new Definitions();
  for (const definition of definitions) loaded.add(definition, 'test.ts');
  return loaded;
}

const failing = (code: string, path: string) =>
  expect.objectContaining({ code, details: expect.objectContaining({ path }) });

describe('definitions', () => {
  const definitions = load(thing, anything);

  test('events, asks and inputs become JSON text, with defaults filled in and unknown keys dropped', () => {
    expect(definitions.encodeEvent(A, { type: 'PUT', at: { x: 1 }, extra: 2 })).toBe('{"type":"PUT","at":{"x":1}}');
    expect(definitions.encodeEvent(A, { type: 'EMPTY' })).toBe('{"type":"EMPTY"}');
    expect(definitions.encodeAsk(A, { type: 'PEEK', deep: true })).toBe('{"type":"PEEK","deep":true}');
    expect(definitions.encodeInput(A, { size: 1 })).toBe('{"size":1,"tags":[]}');
    expect(definitions.encodeReply(A, 'PEEK', { n: 1 })).toBe('{"n":1}');
  });

  test('errors carry the path of the wrong part', () => {
    expect(() => definitions.encodeEvent(A, { type: 'PUT', at: { x: 'no' } })).toThrow(
      failing('ERR_EVENT_INVALID', 'at.x'),
    );
    expect(() => definitions.encodeAsk(A, { type: 'PEEK' })).toThrow(failing('ERR_EVENT_INVALID', 'deep'));
    expect(() => definitions.encodeInput(A, { size: 1, tags: ['a', 2] })).toThrow(
      failing('ERR_INPUT_INVALID', 'tags.1'),
    );
    expect(() => definitions.encodeReply(A, 'PEEK', { n: 'x' })).toThrow(failing('ERR_REPLY_INVALID', 'n'));
    expect(() => definitions.encodeEvent('anything/a' as never, { type: 'X', at: [new Date(0)] })).toThrow(
      failing('ERR_NOT_JSON', 'at[0]'),
    );
  });

  test('asks and events are told apart', () => {
    expect(() => definitions.encodeEvent(A, { type: 'PEEK', deep: true })).toThrow(/is an ask; use ref\.ask/);
    expect(() => definitions.encodeAsk(A, { type: 'EMPTY' })).toThrow(
      expect.objectContaining({ code: 'ERR_ASK_UNKNOWN' }),
    );
    expect(() => definitions.encodeEvent(A, { type: 'child.exited' })).toThrow(/is sent by the runtime only/);
    expect(() => definitions.encodeAsk(A, { type: 'toString' })).toThrow(
      expect.objectContaining({ code: 'ERR_ASK_UNKNOWN' }),
    );
  });

  test('without schemas every event is taken if it is JSON, and input may be left out', () => {
    expect(definitions.encodeEvent('anything/a' as never, { type: 'X', deep: [{}] })).toBe('{"type":"X","deep":[{}]}');
    expect(definitions.encodeInput('anything/a' as never, undefined)).toBeUndefined();
    expect(definitions.acceptsNoInput('anything')).toBe(true);
    expect(definitions.acceptsNoInput('thing')).toBe(false);
  });

  test('a type belongs to one definition; the same object may come again', () => {
    const loaded = load(thing, thing);
    expect(() => loaded.add(defineActor('thing', machine), 'other.ts')).toThrow(
      expect.objectContaining({ code: 'ERR_DEFINITION_DUPLICATE', details: { type: 'thing', origin: 'other.ts' } }),
    );
    expect(loaded.addModule({ anything, helper: () => 1, nothing: null }, 'module.ts')).toBe(1);
  });

  test('prints are equal for the same machine and differ with its shape, not with the source of its functions', () => {
    const hashOf = (config: object): string | undefined =>
      load(defineActor('x', createMachine(config as never))).prints()[0]?.hash;
    const one = { initial: 'a', states: { a: { on: { GO: { actions: () => 1 } } } } };
    const rewritten = { initial: 'a', states: { a: { on: { GO: { actions: () => 2 } } } } };
    const other = { initial: 'a', states: { a: { on: { STAY: { actions: () => 1 } } } } };
    expect(hashOf(rewritten)).toBe(hashOf(one));
    expect(hashOf(other)).not.toBe(hashOf(one));
    expect(
      load(thing, anything)
        .prints()
        .map(({ type }) => type),
    ).toEqual(['anything', 'thing']);
  });

  test('machines with functions, references to themselves and children have a print', () => {
    const child = createMachine({});
    const parent = setup({ actors: { child } }).createMachine({
      invoke: { src: 'child' },
      entry: assign({}),
      context: {},
    });
    expect(load(defineActor('p', parent)).prints()).toMatchObject([
      { type: 'p', version: 1, hash: expect.stringMatching(/^[0-9a-f]{8}$/) },
    ]);
  });
});

describe('defineActor', () => {
  test.each([
    { policy: { version: 0 }, path: 'version' },
    { policy: { version: 1.5 }, path: 'version' },
    { policy: { supervise: { maxRestarts: 3 } }, path: 'supervise.maxRestarts' },
    { policy: { supervise: { withinMs: 0 } }, path: 'supervise.withinMs' },
    { policy: { supervise: { onGiveUp: 'panic' } }, path: 'supervise.onGiveUp' },
    { policy: { maxStateBytes: 1 }, path: 'maxStateBytes' },
    { policy: { events: { A: {} } }, path: 'events.A' },
    { policy: { asks: { A: { input: z.object({}) } } }, path: 'asks.A.reply' },
    { policy: { meta: 'name' }, path: 'meta' },
    { policy: { hibernate: true }, path: '' },
  ])('a policy that cannot work is refused at $path', ({ policy, path }) => {
    expect(() => defineActor('thing', machine, policy as never)).toThrow(
      expect.objectContaining({
        code: 'ERR_DEFINITION_INVALID',
        message: expect.stringContaining("Definition 'thing'"),
        details: { type: 'thing', path },
      }),
    );
  });

  test('a name in events and in asks, a wrong type and no machine are refused', () => {
    const events = { A: z.object({}) };
    expect(() =>
      defineActor('thing', machine, { events, asks: { A: { input: z.object({}), reply: z.null() } } }),
    ).toThrow(/lists 'A' both in events and in asks/);
    expect(() => defineActor('a b', machine)).toThrow(expect.objectContaining({ code: 'ERR_ADDRESS' }));
    expect(() => defineActor('thing', {} as never)).toThrow(/has no XState machine/);
    expect(() => defineActor('thing', null as never)).toThrow(
      expect.objectContaining({ code: 'ERR_DEFINITION_INVALID' }),
    );
  });
});
