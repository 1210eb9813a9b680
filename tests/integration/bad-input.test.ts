/** Bad input: each says what was wrong, of whom, and what to do next; the actor answers afterwards. */
import { expect, test } from 'vitest';
import { createMachine } from 'xstate';
import { defineActor } from '../../src/index.ts';
import { counter, oracle } from '../support/actors-basic.ts';
import { BAD_KINDS, faulty, nameless } from '../support/actors-faulty.ts';
import type { BadKind } from '../support/actors-faulty.ts';
import { BASIC, createTestSystem, failureOf } from '../support/harness.ts';
import type { TestTroupe } from '../support/harness.ts';

const FAULTY = new URL('../support/actors-faulty.ts', import.meta.url);

async function createInline(): Promise<TestTroupe> {
  return createTestSystem({ actors: [BASIC, FAULTY], threads: 0, store: 'memory' });
}

async function countOf({ system }: TestTroupe, key = 'a'): Promise<number> {
  return (await system.actor(counter, key).ask({ type: 'GET' })).count;
}

test('an unknown actor type is named with the types there are', async () => {
  await using troupe = await createInline();
  const ghost = defineActor('ghost', createMachine({}));
  const error = await failureOf((async () => troupe.system.actor(ghost, 'a'))(), 'ERR_ACTOR_TYPE_UNKNOWN');
  expect(error.message).toContain("No definition of actor type 'ghost' is loaded (loaded: ");
  expect(error.message).toContain('counter');
  expect(error.message).toContain('Export it from a module listed in createSystem({ actors })');
  expect(error.details).toEqual({ type: 'ghost' });
  expect(await countOf(troupe)).toBe(0);
});

test.each(['../x', 'a.b', '*', '>', 'x'.repeat(200), '', ' a', 'a/b', '-a'])(
  'the key %j is refused at the edge',
  async (key) => {
    await using troupe = await createInline();
    const error = await failureOf((async () => troupe.system.actor(counter, key))(), 'ERR_ADDRESS');
    expect(error.message).toContain(`Key '${key.length > 80 ? key.slice(0, 77) : key}`);
    expect(error.message).toContain("of actor type 'counter' is not valid. Use 1 to 128 characters");
    expect(error.details).toEqual({ type: 'counter', key });
    await failureOf(troupe.system.sessions.create({ user: 'ada', id: key }), 'ERR_ADDRESS');
    expect(await countOf(troupe)).toBe(0);
  },
);

test('an event that does not fit its schema carries the path', async () => {
  await using troupe = await createInline();
  const ref = troupe.system.actor(counter, 'a');
  await ref.send({ type: 'ADD', n: 1 });
  const error = await failureOf(ref.send({ type: 'ADD', n: 'two' } as never), 'ERR_EVENT_INVALID');
  expect(error.message).toMatch(
    /^Event 'ADD' for 'counter\/a' does not fit its schema at 'n': .+\. Correct it or the schema in defineActor\.$/,
  );
  expect(error.details).toMatchObject({ path: 'n', issues: [{ path: 'n' }] });
  expect(await countOf(troupe)).toBe(1);
});

test.each([
  { event: { type: 'NOPE' }, says: "Event 'NOPE' for 'counter/a' is not declared; declared are: ADD, FORWARD" },
  { event: { type: 'GET' }, says: "Event 'GET' for 'counter/a' is an ask; use ref.ask" },
  { event: { type: 'child.exited' }, says: "Event 'child.exited' for 'counter/a' is sent by the runtime only" },
  { event: {}, says: 'without a type. Send an object like' },
  { event: null, says: 'without a type. Send an object like' },
  { event: { type: 'constructor' }, says: "Event 'constructor' for 'counter/a' is not declared" },
])('the event $event is refused: $says', async ({ event, says }) => {
  await using troupe = await createInline();
  const error = await failureOf(troupe.system.actor(counter, 'a').send(event as never), 'ERR_EVENT_INVALID');
  expect(error.message).toContain(says);
  expect(error.details).toMatchObject({ address: 'counter/a', path: 'type' });
  expect(await countOf(troupe)).toBe(0);
});

test('an unknown ask names the asks there are', async () => {
  await using troupe = await createInline();
  const error = await failureOf(troupe.system.actor(counter, 'a').ask({ type: 'PEEK' } as never), 'ERR_ASK_UNKNOWN');
  expect(error.message).toBe(
    "'counter/a' cannot be asked 'PEEK' (asks: GET, IGNORED). Declare it in defineActor({ asks }).",
  );
  expect(await countOf(troupe)).toBe(0);
});

test('an input that does not fit its schema carries the path; a good one works afterwards', async () => {
  await using troupe = await createInline();
  const error = await failureOf((async () => troupe.system.actor(oracle, 'a', { limit: 0 }))(), 'ERR_INPUT_INVALID');
  expect(error.message).toMatch(
    /^Input of 'oracle\/a' does not fit its schema at 'limit': .+ Correct it or the schema in defineActor\.$/,
  );
  expect(error.details).toMatchObject({ path: 'limit' });
  await troupe.system.actor(oracle, 'a', { limit: 1 }).send({ type: 'ANSWER', text: 'yes' });
});

test('an actor that needs input and gets none does not come to be', async () => {
  await using troupe = await createInline();
  const error = await failureOf(
    troupe.system.actor(oracle, 'a').send({ type: 'ANSWER', text: 'yes' }),
    'ERR_ACTOR_NOT_FOUND',
  );
  expect(error.message).toBe(
    "'oracle/a' does not exist, and 'oracle' cannot be created without input. Pass it: system.actor(definition, key, input).",
  );
  expect((await troupe.system.list({ type: 'oracle' })).items).toEqual([]);
});

const NAMES: Readonly<Record<BadKind, RegExp>> = {
  function: /a function/,
  'class instance': /an instance of Money/,
  Map: /a Map/,
  Date: /a Date/,
  Error: /an Error/,
  cycle: /a cycle/,
  BigInt: /a BigInt/,
  undefined: /undefined/,
};

const PLACES = ['event', 'context', 'append', 'deliver', 'tell'] as const;

test.each(PLACES.flatMap((place) => BAD_KINDS.map((kind) => ({ place, kind }))))(
  '$kind in $place is named with its path, and nothing is lost',
  async ({ place, kind }) => {
    await using troupe = await createInline();
    const { badValue } = await import('../support/actors-faulty.ts');
    const ref = troupe.system.actor(faulty, 'a');
    await ref.send({ type: 'ADD' });
    const expected = {
      event: 'value',
      context: 'context.kept[0].value',
      append: 'entry.value',
      deliver: 'payload.value',
      tell: 'value',
    }[place];
    const isEvent = place === 'event';
    const event = {
      event: { type: 'ANYTHING', value: badValue(kind) } as const,
      context: { type: 'KEEP', kind } as const,
      append: { type: 'APPEND', kind } as const,
      deliver: { type: 'DELIVER', kind } as const,
      tell: { type: 'TELL', kind, to: 'faulty/b' } as const,
    }[place];
    const error = await failureOf(ref.send(event), isEvent ? 'ERR_NOT_JSON' : 'ERR_EVENT_FAILED');
    const reason = isEvent ? error : (error.cause as typeof error);
    expect(reason).toMatchObject({ code: 'ERR_NOT_JSON' });
    const path = kind === 'cycle' ? `${expected}.self` : expected;
    expect(reason.details).toEqual({ path });
    expect(reason.message).toMatch(NAMES[kind]);
    expect(reason.message).toContain(`at '${path}', which `);
    expect(error.message).toContain("'faulty/");
    expect(error.message).toMatch(
      isEvent ? /(Pass|Leave|Refer) / : /Mend the event or the machine; the actor goes on without it\.$/,
    );
    await ref.send({ type: 'ADD' });
    expect((await ref.snapshot()).context).toEqual({ count: 2, kept: [] });
  },
);

test('a context that an action changes in place fails the event, names the property, and stays as it was', async () => {
  await using troupe = await createInline();
  const ref = troupe.system.actor(counter, 'a');
  await ref.send({ type: 'ADD', n: 1 });
  const error = await failureOf(ref.send({ type: 'MUTATE' }), 'ERR_EVENT_FAILED');
  expect(error.message).toMatch(
    /^Event '.+' failed 'counter\/a' repeatedly and is now a dead letter: Cannot add property 1, object is not extensible\. Mend/,
  );
  expect((await ref.snapshot()).context).toEqual({ count: 1, kept: null, tags: ['a'] });
});

test.each([
  { event: 'INVOKE', path: /children\.\d?.*invoking/ },
  { event: 'SPAWN', path: /children\.helper/ },
])('unnamed child logic ($event) is refused with the fix in the message', async ({ event, path }) => {
  await using troupe = await createInline();
  const ref = troupe.system.actor(nameless, 'a');
  const error = await failureOf(ref.send({ type: event }), 'ERR_EVENT_FAILED');
  const reason = error.cause as typeof error;
  expect(reason).toMatchObject({ code: 'ERR_CHILD_UNNAMED' });
  expect(reason.message).toMatch(path);
  expect(reason.message).toContain("The state of 'nameless/a' has the child");
  expect(reason.message).toContain("Name its logic in setup({ actors: { … } }) and use that name as 'src'.");
  await ref.send({ type: 'ADD' });
  expect((await ref.snapshot()).value).toBe('idle');
});
