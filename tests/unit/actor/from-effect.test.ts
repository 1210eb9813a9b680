/** Effect functions under plain XState, without Troupe. */
import { describe, expect, test } from 'vitest';
import { assign, createActor, setup, toPromise, waitFor } from 'xstate';
import type { EffectArgs } from '../../../src/actor/from-effect.ts';
import { fromEffect } from '../../../src/actor/from-effect.ts';

function machineOf(run: (args: EffectArgs<{ n: number }>) => Promise<number> | number) {
  return setup({
    types: { context: {} as { got: number | null; error: string | null } },
    actors: { work: fromEffect(run) },
  }).createMachine({
    context: { got: null, error: null },
    initial: 'working',
    states: {
      working: {
        on: { LEAVE: 'left' },
        invoke: {
          src: 'work',
          input: { n: 20 },
          onDone: { target: 'over', actions: assign({ got: ({ event }) => event.output }) },
          onError: { target: 'over', actions: assign({ error: ({ event }) => (event.error as Error).message }) },
        },
      },
      left: { type: 'final' },
      over: { type: 'final' },
    },
    output: ({ context }) => context,
  });
}

describe('fromEffect with plain XState', () => {
  test('runs with a random key and attempt 1, and its result is the output', async () => {
    const seen: EffectArgs<{ n: number }>[] = [];
    const work = machineOf((args) => (seen.push(args), args.progress(), args.input.n + 1));
    expect(await Promise.all([toPromise(createActor(work).start()), toPromise(createActor(work).start())])).toEqual([
      { got: 21, error: null },
      { got: 21, error: null },
    ]);
    expect(seen.map(({ attempt }) => attempt)).toEqual([1, 1]);
    expect(seen[0]?.key).toMatch(/^[\w-]{22}$/);
    expect(seen[0]?.key).not.toBe(seen[1]?.key);
  });

  test('a function that throws reaches onError', async () => {
    const work = machineOf(() => {
      throw new Error('no luck');
    });
    expect(await toPromise(createActor(work).start())).toEqual({ got: null, error: 'no luck' });
  });

  test('sending says that there is no system', async () => {
    const work = machineOf(async ({ send }) => send('a/b', { type: 'X' }).then(() => 1));
    expect(await toPromise(createActor(work).start())).toMatchObject({
      error: expect.stringContaining("send to 'a/b'"),
    });
  });

  test('leaving the state aborts it, and a late result is dropped', async () => {
    let finish: (value: number) => void = () => {};
    let signal: AbortSignal | undefined;
    const work = machineOf((args) => {
      signal = args.signal;
      return new Promise((resolve) => (finish = resolve));
    });
    const actor = createActor(work).start();
    await Promise.resolve();
    actor.send({ type: 'LEAVE' });
    await waitFor(actor, ({ status }) => status === 'done');
    expect(signal?.aborted).toBe(true);
    finish(1);
    await Promise.resolve();
    expect(actor.getSnapshot().context).toEqual({ got: null, error: null });
  });

  test('a persisted effect in flight runs again when XState restores it', async () => {
    let runs = 0;
    const work = machineOf(() => (++runs === 1 ? new Promise<number>(() => {}) : 5));
    const actor = createActor(work).start();
    await Promise.resolve();
    const snapshot = JSON.parse(JSON.stringify(actor.getPersistedSnapshot())) as never;
    actor.stop();
    expect(await toPromise(createActor(work, { snapshot }).start())).toEqual({ got: 5, error: null });
  });
});
