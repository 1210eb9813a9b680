/** G17: what is kept of an actor's past, and its state at any event of it. */
import { assign, emit, setup } from 'xstate';
import { describe, expect, test } from 'vitest';
import { append, defineActor, fromEffect, publish, schedule, tell } from '../../../src/index.ts';
import type { Effect } from '../../../src/index.ts';
import { testSystem } from '../../../src/testing.ts';

interface Context {
  readonly total: number;
  readonly list: readonly string[];
}

type Event =
  | { readonly type: 'ADD'; readonly n: number }
  | { readonly type: 'NOTE'; readonly text: string }
  | { readonly type: 'LATER' }
  | { readonly type: 'DUE' }
  | { readonly type: 'WORK' }
  | { readonly type: 'NOTHING' };

const machine = setup({
  types: { context: {} as Context, events: {} as Event, emitted: {} as Effect },
  actors: { work: fromEffect(async () => 'worked') },
}).createMachine({
  context: { total: 0, list: [] },
  initial: 'idle',
  on: {
    ADD: { actions: assign({ total: ({ context, event }) => context.total + event.n }) },
    NOTE: {
      actions: [
        assign({ list: ({ context, event }) => [...context.list, event.text] }),
        emit(({ event }) => append({ text: event.text })),
        emit(({ event }) => publish('notes.made', { text: event.text })),
        emit(() => tell('keeper/other', { type: 'ADD', n: 1 } as { type: string })),
      ],
    },
    LATER: { actions: emit(() => schedule('due', { type: 'DUE' }, { afterMs: 1000 })) },
    DUE: { actions: assign({ total: ({ context }) => context.total + 100 }) },
    NOTHING: {},
  },
  states: {
    idle: { on: { WORK: 'working' } },
    working: {
      invoke: { src: 'work', id: 'work', onDone: 'idle' },
      after: { 60_000: 'idle' },
    },
  },
});

const keeper = defineActor('keeper', machine, { history: { keep: 1000 } });
const brief = defineActor('brief', machine, { history: { keep: 5 } });
const dated = defineActor('dated', machine, { history: { keepMs: 10_000 } });
const plain = defineActor('plain', machine);

const start = () => testSystem({ actors: [keeper, brief, dated, plain] });

describe('history', () => {
  test('G17: each event stands there with what it changed and what it led to', async () => {
    await using t = await start();
    const ref = t.system.actor(keeper, 'a');
    await ref.send({ type: 'ADD', n: 2 }, { id: 'first' });
    await ref.send({ type: 'NOTE', text: 'hello' });
    await ref.send({ type: 'NOTHING' });
    const [created, added, noted, nothing] = await ref.history();
    expect(created).toMatchObject({ seq: 1, causes: [{ kind: 'create', parent: 'system/root' }], changes: [] });
    expect(added).toMatchObject({
      seq: 2,
      at: t.clock.now(),
      causes: [{ kind: 'send', id: 'first', event: { type: 'ADD', n: 2 } }],
      changes: [{ op: 'set', path: ['context', 'total'], value: 2 }],
      effects: [],
      version: 1,
      status: 'active',
    });
    expect(noted).toMatchObject({
      causes: [{ kind: 'send', event: { type: 'NOTE', text: 'hello' } }],
      changes: [{ op: 'append', path: ['context', 'list'], items: ['hello'] }],
      effects: [
        { kind: 'tell', to: 'keeper/other', event: { type: 'ADD', n: 1 } },
        { kind: 'append', entry: { text: 'hello' } },
        { kind: 'publish', topic: 'notes.made', data: { text: 'hello' } },
      ],
    });
    expect(nothing).toMatchObject({ causes: [{ kind: 'send', event: { type: 'NOTHING' } }], changes: [], effects: [] });
  });

  test('G17: tells, scheduled events, timers and outcomes of effect functions are told apart', async () => {
    await using t = await start();
    const ref = t.system.actor(keeper, 'a');
    await ref.send({ type: 'LATER' });
    await t.system.actor(keeper, 'b').send({ type: 'NOTE', text: 'x' });
    await t.clock.advance(2000);
    await ref.send({ type: 'WORK' });
    await t.clock.advance(1000);
    const own = (await ref.history()).flatMap(({ causes }) => causes.map(({ kind }) => kind));
    expect(own).toEqual(['create', 'send', 'schedule', 'send', 'effect']);
    const [, told] = await t.system.actor(keeper, 'other').history();
    expect(told?.causes).toMatchObject([{ kind: 'tell', from: 'keeper/b', event: { type: 'ADD', n: 1 } }]);
  });

  test('G17: many events sent at once are told one by one, and `at` gives the state after each', async () => {
    await using t = await start();
    const ref = t.system.actor(keeper, 'a');
    await Promise.all(Array.from({ length: 200 }, (_, n) => ref.send({ type: 'ADD', n })));
    const entries = await ref.history({ limit: 1000 });
    expect(entries).toHaveLength(201);
    let total = 0;
    for (const { seq, causes } of entries) {
      const [cause] = causes;
      if (cause?.kind === 'send') total += (cause.event as { n: number }).n;
      expect((await ref.at(seq)).context).toMatchObject({ total });
    }
  });

  test('pages follow one another both ways', async () => {
    await using t = await start();
    const ref = t.system.actor(keeper, 'a');
    for (let n = 0; n < 9; n++) await ref.send({ type: 'ADD', n });
    const all = (await ref.history()).map(({ seq }) => seq);
    const forward = [await ref.history({ limit: 4 }), await ref.history({ after: 4, limit: 100 })].flat();
    expect(forward.map(({ seq }) => seq)).toEqual(all);
    const backward = await ref.history({ direction: 'backward', limit: 3 });
    expect(backward.map(({ seq }) => seq)).toEqual(all.slice(-3));
    expect((await ref.history({ before: 3 })).map(({ seq }) => seq)).toEqual([1, 2]);
  });

  test.each([
    [{ limit: 0 }, "Option 'limit' of history() is 0"],
    [{ limit: 1001 }, 'from 1 to 1000'],
    [{ after: 'x' }, "Option 'after' of history() is 'x'"],
    [{ direction: 'up' }, "'forward' or 'backward'"],
    [{ beforePos: 3 }, "Option 'beforePos' of history() is unknown"],
  ])('a query that makes no sense is refused: %j', async (query, said) => {
    await using t = await start();
    const asked = t.system.actor(keeper, 'a').history(query as never);
    await expect(asked).rejects.toMatchObject({ code: 'ERR_OPTIONS_INVALID', message: expect.stringContaining(said) });
  });
});

describe('retention', () => {
  test('G17: no more than asked for is kept, but for some that go later, and the current state is never lost', async () => {
    await using t = await start();
    const ref = t.system.actor(brief, 'a');
    for (let n = 1; n <= 200; n++) await ref.send({ type: 'NOTE', text: `${n}`.repeat(40) });
    const kept = await ref.history({ limit: 1000 });
    expect(kept.length).toBeGreaterThanOrEqual(5);
    expect(kept.length).toBeLessThanOrEqual(5 + 64);
    for (const { seq } of kept) {
      const { context } = await ref.at(seq);
      expect((context as Context).list, `at ${seq}`).toHaveLength(seq - 1);
    }
    await t.clock.advance(600_000);
    expect((await ref.snapshot()).context.list).toHaveLength(200);
  });

  test('G17: what is older than asked for goes, also when nothing happens any more', async () => {
    await using t = await start();
    const ref = t.system.actor(dated, 'a');
    for (let n = 1; n <= 3; n++) await ref.send({ type: 'ADD', n });
    await t.clock.advance(3_700_000);
    expect(await ref.history()).toEqual([]);
    expect((await ref.snapshot()).context.total).toBe(6);
    await ref.send({ type: 'ADD', n: 4 });
    const [last] = await ref.history();
    expect((await ref.at(last!.seq)).context).toMatchObject({ total: 10 });
  });

  test('an actor without a history has none, and says how to get one', async () => {
    await using t = await start();
    const ref = t.system.actor(plain, 'a');
    await ref.send({ type: 'ADD', n: 1 });
    expect(await ref.history()).toEqual([]);
    await expect(ref.at(1)).rejects.toMatchObject({
      code: 'ERR_HISTORY_UNKNOWN',
      message: expect.stringContaining('its definition asks for no history'),
    });
  });

  test.each([
    [99, 'ERR_HISTORY_UNKNOWN', 'kept are those from 1 to 2'],
    [0, 'ERR_OPTIONS_INVALID', 'whole number from 1 on'],
    [1.5, 'ERR_OPTIONS_INVALID', 'whole number from 1 on'],
  ])('an event that is not there is refused: %d', async (seq, code, said) => {
    await using t = await start();
    const ref = t.system.actor(keeper, 'a');
    await ref.send({ type: 'ADD', n: 1 });
    await expect(ref.at(seq)).rejects.toMatchObject({ code, message: expect.stringContaining(said) });
  });

  test('removal takes the history along', async () => {
    await using t = await start();
    const ref = t.system.actor(keeper, 'a');
    await ref.send({ type: 'ADD', n: 1 });
    await t.system.remove(ref.address);
    expect(await ref.history()).toEqual([]);
    expect(await t.system.stats()).toMatchObject({ historyRows: 0 });
  });
});
