/** Bare XState: the ceiling of everything that runs machines. One thread, nothing saved, nothing sent anywhere. */
import { assign, createActor, setup } from 'xstate';
import { counterMachine } from './machines.ts';
import { measureEach, measureTogether } from './measure.ts';
import type { Figure } from './measure.ts';

/** `actor.send`, spread over `actors`. */
export function benchBareSend({ actors, sends }: { readonly actors: number; readonly sends: number }): Figure {
  const all = Array.from({ length: actors }, () => createActor(counterMachine).start());
  return measureTogether(sends, (n) => all[n % actors]?.send({ type: 'ADD', n: 1 }));
}

/** An actor is created and started. */
export function benchBareCreate(count: number): Figure {
  return measureTogether(count, () => void createActor(counterMachine).start());
}

/** An actor is created from a snapshot and started. */
export function benchBareRestore(count: number): Figure {
  const snapshot = createActor(counterMachine).start().getPersistedSnapshot();
  return measureTogether(count, () => void createActor(counterMachine, { snapshot }).start());
}

const answeringMachine = setup({
  types: {
    context: {} as { count: number },
    events: {} as { type: 'GET'; answer: (count: number) => void },
  },
}).createMachine({
  context: { count: 0 },
  on: {
    GET: {
      actions: [
        assign({ count: ({ context }) => context.count + 1 }),
        ({ context, event }) => event.answer(context.count),
      ],
    },
  },
});

/** A question that the machine answers by a callback, within `actor.send`. */
export function benchBareAsk({ actors, asks }: { readonly actors: number; readonly asks: number }): Figure {
  const all = Array.from({ length: actors }, () => createActor(answeringMachine).start());
  let answers = 0;
  const answer = (): void => void answers++;
  return measureEach(asks, (n) => all[n % actors]?.send({ type: 'GET', answer }));
}
