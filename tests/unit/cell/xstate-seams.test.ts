/** Canaries: what Troupe relies on inside XState. When one fails, the installed XState no longer fits. */
import { describe, expect, test } from 'vitest';
import { assign, createActor, createMachine, emit, fromPromise, setup } from 'xstate';
import type { AnyStateMachine } from 'xstate';
import { Seams, checkSeams, pathOf } from '../../../src/cell/xstate-seams.ts';
import type { Delivery } from '../../../src/cell/xstate-seams.ts';

function watch(machine: AnyStateMachine) {
  const timers = new Map<number, () => void>();
  const held: Delivery[] = [];
  const heard: string[] = [];
  let id = 0;
  const clock = {
    setTimeout: (fire: () => void) => (timers.set(++id, fire), id),
    clearTimeout: (handle: number) => void timers.delete(handle),
  };
  const root = createActor(machine, { clock: clock as never });
  const seams = new Seams(root, {
    deliver: (delivery) => void held.push(delivery),
    emit: ({ type }) => void heard.push(type),
    schedule: () => {},
    nameTimer: () => 'named',
  });
  const fireTimers = () => {
    for (const [key, fire] of timers) {
      timers.delete(key);
      fire();
    }
  };
  const turn = (body: () => void): void => {
    seams.enter();
    try {
      body();
    } finally {
      seams.leave();
    }
  };
  return {
    root,
    seams: { turn, pass: (d: Delivery) => seams.pass(d), dispose: () => seams.dispose() },
    held,
    heard,
    fireTimers,
  };
}

const child = setup({ types: { events: {} as { type: 'PING' } } }).createMachine({
  entry: emit({ type: 'child.entered' }),
  on: { PING: { actions: emit({ type: 'child.pinged' }) } },
});

describe('seams of XState', () => {
  test('the installed XState has them', () => {
    expect(() => checkSeams()).not.toThrow();
  });

  test('a timer that fires outside a turn is held back, and passes within one', () => {
    const { root, seams, held, fireTimers } = watch(
      createMachine({ initial: 'a', states: { a: { after: { 10: 'b' } }, b: {} } }),
    );
    seams.turn(() => root.start());
    fireTimers();
    expect(root.getSnapshot().value).toBe('a');
    expect(held).toHaveLength(1);
    seams.turn(() => held.forEach((delivery) => seams.pass(delivery)));
    expect(root.getSnapshot().value).toBe('b');
  });

  test('a promise that settles is held back: neither child nor parent has moved', async () => {
    const machine = setup({ actors: { work: fromPromise(async () => 5) } }).createMachine({
      context: { got: 0 },
      invoke: { id: 'work', src: 'work', onDone: { actions: assign({ got: ({ event }) => event.output as number }) } },
    });
    const { root, seams, held } = watch(machine);
    seams.turn(() => root.start());
    await new Promise((resolve) => setImmediate(resolve));
    expect(held).toHaveLength(1);
    expect(root.getSnapshot().context).toEqual({ got: 0 });
    expect(root.getSnapshot().children['work']?.getSnapshot().status).toBe('active');
    seams.turn(() => seams.pass(held[0] as Delivery));
    expect(root.getSnapshot().context).toEqual({ got: 5 });
  });

  test('what nested actors emit is heard, invoked and spawned ones alike, from their first entry on', () => {
    const machine = setup({
      types: { events: {} as { type: 'SPAWN' } | { type: 'PING' } },
      actors: { child },
    }).createMachine({
      invoke: { id: 'invoked', src: 'child' },
      on: {
        SPAWN: { actions: ({ self }) => void self, target: '.spawning' },
        PING: { actions: ({ self }) => self.getSnapshot().children['invoked']?.send({ type: 'PING' }) },
      },
      initial: 'idle',
      states: { idle: {}, spawning: { entry: assign(({ spawn }) => void spawn('child', { id: 'spawned' }) as never) } },
    });
    const { root, seams, heard } = watch(machine);
    seams.turn(() => root.start());
    expect(heard).toEqual(['child.entered']);
    seams.turn(() => root.send({ type: 'PING' }));
    expect(heard).toEqual(['child.entered', 'child.pinged']);
    seams.turn(() => root.send({ type: 'SPAWN' }));
    expect(heard).toEqual(['child.entered', 'child.pinged', 'child.entered']);
  });

  test('the root is heard from its first entry on', () => {
    const { root, seams, heard } = watch(createMachine({ entry: emit({ type: 'root.entered' }) }));
    seams.turn(() => root.start());
    expect(heard).toEqual(['root.entered']);
  });

  test('after dispose nothing is delivered any more', () => {
    const { root, seams, held, fireTimers } = watch(
      createMachine({ initial: 'a', states: { a: { after: { 10: 'b' } }, b: {} } }),
    );
    seams.turn(() => root.start());
    seams.dispose();
    fireTimers();
    seams.turn(() => fireTimers());
    expect(held).toEqual([]);
    expect(root.getSnapshot().value).toBe('a');
  });

  test('a root that fails without any listener does not end the process', async () => {
    const uncaught: unknown[] = [];
    const note = (error: unknown): void => void uncaught.push(error);
    process.on('uncaughtException', note);
    const boom = (): never => {
      throw new Error('boom');
    };
    const { root, seams } = watch(createMachine({ on: { BOOM: { actions: boom } } }));
    seams.turn(() => root.start());
    seams.turn(() => root.send({ type: 'BOOM' } as never));
    expect(root.getSnapshot()).toMatchObject({ status: 'error', error: { message: 'boom' } });
    await new Promise((resolve) => setTimeout(resolve, 5));
    process.off('uncaughtException', note);
    expect(uncaught).toEqual([]);
  });

  test('a turn that throws closes all the same', () => {
    const { root, seams, held, fireTimers } = watch(
      createMachine({ initial: 'a', states: { a: { after: { 10: 'b' } }, b: {} } }),
    );
    expect(() =>
      seams.turn(() => {
        root.start();
        throw new Error('host');
      }),
    ).toThrow('host');
    fireTimers();
    expect(held).toHaveLength(1);
  });

  test('the path of an actor is made of the ids below its root, and outlives a restore', () => {
    const machine = setup({ actors: { child } }).createMachine({ invoke: { id: 'work', src: 'child' } });
    const { root, seams } = watch(machine);
    seams.turn(() => root.start());
    expect(pathOf(root)).toBe('');
    expect(pathOf(root.getSnapshot().children['work'])).toBe('work');
    const restored = createActor(machine, {
      snapshot: JSON.parse(JSON.stringify(root.getPersistedSnapshot())) as never,
    }).start();
    expect(pathOf(restored.getSnapshot().children['work'] as never)).toBe('work');
  });
});
