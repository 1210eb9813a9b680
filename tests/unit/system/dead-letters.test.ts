/** R12, rule 10: what was given up on can be listed, replayed as a new message, or discarded. */
import { assign, emit, setup } from 'xstate';
import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { TroupeError, defineActor, reply, spawn, stop, tell } from '../../../src/index.ts';
import type { Effect, ReplyToken, StoredDeadLetter } from '../../../src/index.ts';
import { createMemoryStore } from '../../../src/store/memory/memory-store.ts';
import type { Store } from '../../../src/store/store.ts';
import { testSystem } from '../../../src/testing.ts';
import type { TestSystem } from '../../../src/testing.ts';
import { failureOf } from '../../support/harness.ts';

/** The fault in the machine, which an operator mends. */
let isBroken = true;
afterEach(() => void (isBroken = true));

type ClerkEvent =
  | { type: 'NOTE'; text: string }
  | { type: 'PASS'; to: string; text: string }
  | { type: 'HIRE' }
  | { type: 'FIRE' }
  | { type: 'READ'; replyTo: ReplyToken<number> }
  | { type: 'SAVE'; replyTo: ReplyToken<number> }
  | { type: 'END' }
  | { type: 'child.exited'; child: string };

const machine = setup({
  types: { context: {} as { notes: string[] }, events: {} as ClerkEvent, emitted: {} as Effect },
  actions: {
    fail: () => {
      if (isBroken) throw new Error('out of ink');
    },
  },
}).createMachine({
  context: { notes: [] },
  initial: 'open',
  states: { open: { on: { END: 'ended' } }, ended: { type: 'final' } },
  on: {
    NOTE: { actions: ['fail', assign({ notes: ({ context, event }) => [...context.notes, event.text] })] },
    PASS: { actions: emit(({ event: { to, text } }) => tell(to, { type: 'NOTE', text } as { type: string })) },
    HIRE: { actions: emit(() => spawn('clerk', 'junior')) },
    FIRE: { actions: emit(() => stop('clerk/junior')) },
    'child.exited': { actions: ['fail', assign({ notes: ({ context, event }) => [...context.notes, event.child] })] },
    READ: { actions: emit(({ context, event }) => reply(event.replyTo, context.notes.length)) },
    SAVE: { actions: ['fail', emit(({ event }) => reply(event.replyTo, 7))] },
  },
});

const clerk = defineActor('clerk', machine, {
  events: {
    NOTE: z.object({ text: z.string() }),
    PASS: z.object({ to: z.string(), text: z.string() }),
    HIRE: z.object({}),
    FIRE: z.object({}),
    END: z.object({}),
  },
  asks: {
    READ: { input: z.object({}), reply: z.number() },
    SAVE: { input: z.object({}), reply: z.number() },
  },
});

/** Each system has a seed of its own: with the same one a second would pass for the first. */
const open = (store?: Store, seed = 1): Promise<TestSystem> =>
  testSystem({ actors: [clerk], seed, ...(store && { openStore: async () => store }) });

/** Lets the pauses between restarts pass. */
async function pass<T>({ clock }: TestSystem, work: Promise<T>): Promise<T> {
  await clock.advance(120_000);
  return work;
}

async function lettersOf({ system }: TestSystem): Promise<readonly StoredDeadLetter[]> {
  return system.deadLetters();
}

const notesOf = async ({ system }: TestSystem, key = 'a'): Promise<unknown> =>
  (await system.actor(clerk, key).snapshot()).context.notes;

/** Makes one letter of `clerk/a`, of an event that was sent. */
async function bury(troupe: TestSystem, text = 'hello'): Promise<StoredDeadLetter> {
  await pass(troupe, failureOf(troupe.system.actor(clerk, 'a').send({ type: 'NOTE', text }), 'ERR_EVENT_FAILED'));
  const letter = (await lettersOf(troupe)).at(-1);
  if (!letter) throw new Error('no letter');
  return letter;
}

test('R12: a replayed letter is processed as a new message, and is gone', async () => {
  await using troupe = await open();
  const { pos } = await bury(troupe);
  isBroken = false;
  await troupe.system.actor(clerk, 'a').send({ type: 'NOTE', text: 'meanwhile' });
  await pass(troupe, troupe.system.replayDeadLetter(pos));
  expect(await notesOf(troupe)).toEqual(['meanwhile', 'hello']);
  expect(await lettersOf(troupe)).toEqual([]);
  const again = await failureOf(troupe.system.replayDeadLetter(pos), 'ERR_DEAD_LETTER_UNKNOWN');
  expect(again.message).toContain(`No dead letter has position ${pos}`);
  expect(again.details).toEqual({ pos });
});

test('R12: letters of asks, tells, schedules and ends of children go as they were accepted', async () => {
  await using troupe = await open();
  const { system } = troupe;
  const ref = system.actor(clerk, 'a');
  await ref.send({ type: 'HIRE' });
  await pass(troupe, failureOf(ref.ask({ type: 'SAVE' }, { timeoutMs: 3_600_000 }), 'ERR_EVENT_FAILED'));
  await pass(troupe, system.actor(clerk, 'b').send({ type: 'PASS', to: ref.address, text: 'told' }));
  await pass(troupe, ref.schedule('later', { type: 'NOTE', text: 'scheduled' }, { afterMs: 10 }));
  await pass(troupe, system.actor(clerk, 'junior').send({ type: 'END' }));
  const letters = await lettersOf(troupe);
  expect(letters.map(({ text }) => JSON.parse(text) as object)).toMatchObject([
    { type: 'SAVE', replyTo: { of: 'SAVE' } },
    { type: 'NOTE', text: 'told' },
    { type: 'NOTE', text: 'scheduled' },
    { type: 'child.exited', child: 'clerk/junior', reason: 'done' },
  ]);
  isBroken = false;
  for (const { pos } of letters) await pass(troupe, system.replayDeadLetter(pos));
  expect(await notesOf(troupe)).toEqual(['told', 'scheduled', 'clerk/junior']);
  expect(await system.stats()).toMatchObject({ deadLetters: 0, outboxRows: 0, inboxRows: 0 });
});

test('R12: the letter of an ask is replayed after a restart too, when nobody waits for the reply', async () => {
  const store = keep(createMemoryStore());
  const first = await open(store);
  const asked = first.system.actor(clerk, 'a').ask({ type: 'SAVE' }, { id: 'ask-1', timeoutMs: 3_600_000 });
  await pass(first, failureOf(asked, 'ERR_EVENT_FAILED'));
  await first.stop();
  isBroken = false;
  await using second = await open(store, 2);
  const [letter] = await lettersOf(second);
  await pass(second, second.system.replayDeadLetter(letter!.pos));
  await second.clock.advance(10_000);
  expect(await second.system.stats()).toMatchObject({ deadLetters: 0, outboxRows: 0 });
});

test('R12: an event that fails again stays one letter, under its position, and the error says so', async () => {
  await using troupe = await open();
  const letter = await bury(troupe);
  const error = await pass(troupe, failureOf(troupe.system.replayDeadLetter(letter.pos), 'ERR_EVENT_FAILED'));
  expect(error.message).toMatch(
    new RegExp(`^Dead letter ${letter.pos} of 'clerk/a' stays where it is: Event .* failed 'clerk/a' repeatedly`),
  );
  expect(error.details).toMatchObject({ address: 'clerk/a', pos: letter.pos });
  expect(await lettersOf(troupe)).toEqual([letter]);
  isBroken = false;
  await troupe.clock.advance(120_000);
  await pass(troupe, troupe.system.replayDeadLetter(letter.pos));
  expect(await notesOf(troupe)).toEqual(['hello']);
});

test('R12: with an actor that has ended the letter stays', async () => {
  await using troupe = await open();
  const letter = await bury(troupe);
  isBroken = false;
  await troupe.system.actor(clerk, 'a').send({ type: 'END' });
  const error = await failureOf(troupe.system.replayDeadLetter(letter.pos), 'ERR_ACTOR_STOPPED');
  expect(error.message).toMatch(/^Dead letter \d+ of 'clerk\/a' stays where it is: 'clerk\/a' has ended \(done\)/);
  expect(await lettersOf(troupe)).toEqual([letter]);
});

test('R12: with an actor that is held the letter stays, until the actor is revived', async () => {
  const store = keep(createMemoryStore());
  const first = await open(store);
  const letter = await bury(first);
  await first.stop();
  const { address, epoch, seq, version } = (await store.load(letter.address))!;
  const held = { address, epoch, seq: seq + 1, version, at: 1, status: 'quarantined', error: null } as const;
  expect(await store.commit([held])).toMatchObject([{ outcome: 'done' }]);
  isBroken = false;
  await using second = await open(store, 2);
  const error = await failureOf(second.system.replayDeadLetter(letter.pos), 'ERR_ACTOR_QUARANTINED');
  expect(error.message).toContain('stays where it is');
  expect(await lettersOf(second)).toEqual([letter]);
  await second.system.revive(address);
  await pass(second, second.system.replayDeadLetter(letter.pos));
  expect([await notesOf(second), await lettersOf(second)]).toEqual([['hello'], []]);
});

test('R12, G6: a crash between the processing and the removal processes nothing twice', async () => {
  const store = keep(createMemoryStore());
  const first = await open(store);
  const { pos } = await bury(first);
  isBroken = false;
  store.deleteDeadLetter = () => Promise.reject(new TroupeError('ERR_STORE_UNAVAILABLE', 'The disk is full.'));
  const error = await failureOf(first.system.replayDeadLetter(pos), 'ERR_STORE_UNAVAILABLE');
  expect(error.message).toContain('was processed, and could not be removed. Replay it again');
  await first.stop();
  Reflect.deleteProperty(store, 'deleteDeadLetter');
  await using second = await open(store, 2);
  expect(await notesOf(second)).toEqual(['hello']);
  await pass(second, second.system.replayDeadLetter(pos));
  expect([await notesOf(second), await lettersOf(second)]).toEqual([['hello'], []]);
});

test('R12, G6: two replays of one letter at once process it once', async () => {
  await using troupe = await open();
  const { pos } = await bury(troupe);
  isBroken = false;
  await pass(troupe, Promise.all([1, 2, 3].map(() => troupe.system.replayDeadLetter(pos))));
  expect([await notesOf(troupe), await lettersOf(troupe)]).toEqual([['hello'], []]);
});

test('R12: a letter is discarded for good', async () => {
  await using troupe = await open();
  const { pos } = await bury(troupe);
  const other = await bury(troupe, 'other');
  await troupe.system.discardDeadLetter(pos);
  expect(await lettersOf(troupe)).toEqual([other]);
  expect(await troupe.system.deadLetters({ afterPos: other.pos })).toEqual([]);
  expect(await troupe.system.deadLetters({ pos: other.pos })).toEqual([other]);
  await failureOf(troupe.system.discardDeadLetter(pos), 'ERR_DEAD_LETTER_UNKNOWN');
});

test('R12: the letter of a subscription cannot be sent to an actor; the error says what to do', async () => {
  await using troupe = await open();
  const { bus } = troupe.system;
  await bus.subscribe('a.b', () => Promise.reject(new Error('no')), { name: 'ledger' });
  await pass(troupe, bus.publish('a.b', { n: 1 }));
  const [letter] = await lettersOf(troupe);
  expect(letter?.address).toBe('subscriber/ledger');
  const error = await failureOf(troupe.system.replayDeadLetter(letter!.pos), 'ERR_OPTIONS_INVALID');
  expect(error.message).toContain("the subscription 'ledger' of the host program, which is no actor");
  expect(error.message).toContain(`system.discardDeadLetter(${letter!.pos})`);
  await troupe.system.discardDeadLetter(letter!.pos);
  expect(await lettersOf(troupe)).toEqual([]);
});

test.each([0, -1, 1.5, Number.NaN, Infinity, '1', undefined, null, {}])('the position %o is refused', async (pos) => {
  await using troupe = await open();
  for (const call of ['replayDeadLetter', 'discardDeadLetter'] as const) {
    const error = await failureOf(troupe.system[call](pos as number), 'ERR_OPTIONS_INVALID');
    expect(error.message).toContain('The position of a dead letter is');
  }
});

test('R12: an unknown position is named', async () => {
  await using troupe = await open();
  await failureOf(troupe.system.replayDeadLetter(4_711), 'ERR_DEAD_LETTER_UNKNOWN');
  await failureOf(troupe.system.discardDeadLetter(4_711), 'ERR_DEAD_LETTER_UNKNOWN');
});

/** The same store for several systems: it outlives them. */
function keep(store: Store): Store {
  store.close = async () => {};
  return store;
}
