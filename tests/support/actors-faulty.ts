/** Actors that do what cannot be saved. */
import { assign, createMachine, emit, fromPromise, setup, spawnChild } from 'xstate';
import { append, defineActor, deliver, tell } from '../../src/index.ts';
import type { Effect } from '../../src/index.ts';

/** Values JSON would lose, by name. */
export function badValue(kind: BadKind): unknown {
  switch (kind) {
    case 'function':
      return () => 1;
    case 'class instance':
      return new (class Money {
        readonly cents = 5;
      })();
    case 'Map':
      return new Map([['a', 1]]);
    case 'Date':
      return new Date(0);
    case 'Error':
      return new Error('kept');
    case 'BigInt':
      return 5n;
    case 'undefined':
      return undefined;
    case 'cycle': {
      const loop: Record<string, unknown> = {};
      loop['self'] = loop;
      return loop;
    }
  }
}

export const BAD_KINDS = [
  'function',
  'class instance',
  'Map',
  'Date',
  'Error',
  'cycle',
  'BigInt',
  'undefined',
] as const;
export type BadKind = (typeof BAD_KINDS)[number];

type FaultyEvent =
  | { type: 'ADD' }
  | { type: 'ANYTHING'; value: unknown }
  | { type: 'KEEP'; kind: BadKind }
  | { type: 'APPEND'; kind: BadKind }
  | { type: 'DELIVER'; kind: BadKind }
  | { type: 'TELL'; kind: BadKind; to: string };

const faultyMachine = setup({
  types: {
    context: {} as { count: number; kept: { value: unknown }[] },
    events: {} as FaultyEvent,
    emitted: {} as Effect,
  },
}).createMachine({
  context: { count: 0, kept: [] },
  on: {
    ADD: { actions: assign({ count: ({ context }) => context.count + 1 }) },
    KEEP: { actions: assign({ kept: ({ event }) => [{ value: badValue(event.kind) }] }) },
    APPEND: { actions: emit(({ event }) => append({ value: badValue(event.kind) } as never)) },
    DELIVER: { actions: emit(({ event }) => deliver('out', { value: badValue(event.kind) } as never)) },
    TELL: { actions: emit(({ event }) => tell(event.to, { type: 'ANYTHING', value: badValue(event.kind) } as never)) },
  },
});

/** Takes any event; no schemas. */
export const faulty = defineActor('faulty', faultyMachine);

/** Has children whose logic no restart could find. */
export const nameless = defineActor(
  'nameless',
  createMachine({
    initial: 'idle',
    states: {
      idle: {
        on: { INVOKE: 'invoking', SPAWN: { actions: spawnChild(createMachine({}), { id: 'helper' }) }, ADD: {} },
      },
      invoking: { invoke: { src: fromPromise(async () => 1) } },
    },
  }),
);
