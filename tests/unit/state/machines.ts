/** Machines of every kind that the walker has to read, each with events that lead it through its states. */
import {
  assign,
  fromCallback,
  fromPromise,
  fromTransition,
  sendTo,
  setup,
  stopChild,
  type ActorRefFrom,
  type AnyStateMachine,
} from 'xstate';
import type { Json } from '../../../src/state/json.ts';
import { applyEdit, type Edit } from './random.ts';

/** A machine, what to send to it, and whether it ends by an error. */
export interface Scenario {
  readonly name: string;
  readonly machine: AnyStateMachine;
  readonly events: readonly { readonly type: string }[];
}

export const counter = setup({ types: { context: {} as { count: number; list: number[] } } }).createMachine({
  context: { count: 0, list: [1, 2] },
  initial: 'on',
  states: { on: { on: { OFF: 'off' } }, off: { on: { ON: 'on' } } },
  on: {
    INC: { actions: assign({ count: ({ context }) => context.count + 1 }) },
    ADD: { actions: assign({ list: ({ context }) => [...context.list, context.count] }) },
    NOTHING: { actions: stopChild('nobody') },
  },
});

/** NOTHING makes XState write a new snapshot that says the same; REENTER changes only what history remembers. */
export const parallel = setup({}).createMachine({
  type: 'parallel',
  states: {
    left: { initial: 'a', states: { a: { on: { L: 'b' } }, b: { on: { L: 'a' } } } },
    right: {
      initial: 'x',
      states: { x: { on: { R: 'y' } }, y: { initial: 'deep', states: { deep: {}, deeper: {} } } },
    },
    past: {
      initial: 'one',
      states: { one: {}, before: { type: 'history' } },
      on: { REENTER: { target: '.one', reenter: true } },
    },
  },
  on: { NOTHING: { actions: stopChild('nobody') } },
});

const historic = setup({}).createMachine({
  initial: 'work',
  states: {
    work: {
      initial: 'first',
      states: {
        first: { on: { NEXT: 'second' } },
        second: { initial: 'one', states: { one: { on: { NEXT: 'two' } }, two: {} } },
        shallow: { type: 'history' },
        deep: { type: 'history', history: 'deep' },
      },
      on: { PAUSE: 'paused' },
    },
    paused: { on: { SHALLOW: 'work.shallow', DEEP: 'work.deep' } },
  },
});

const leaf = setup({ types: { context: {} as { depth: number } } }).createMachine({
  context: { depth: 2 },
  initial: 'idle',
  states: { idle: { on: { GO: { target: 'gone', actions: assign({ depth: 3 }) } } }, gone: {} },
});

const middle = setup({ types: { context: {} as { name: string } }, actors: { leaf } }).createMachine({
  context: { name: 'middle' },
  invoke: { src: 'leaf', id: 'leaf' },
  on: { GO: { actions: sendTo('leaf', { type: 'GO' }) } },
});

const family = setup({ actors: { middle } }).createMachine({
  initial: 'with',
  states: {
    with: {
      invoke: { src: 'middle', id: 'middle', systemId: 'theMiddle', onSnapshot: {} },
      on: { GO: { actions: sendTo('middle', { type: 'GO' }) }, LEAVE: 'without' },
    },
    without: { on: { RETURN: 'with' } },
  },
});

type WorkerRef = ActorRefFrom<typeof leaf>;

/** Keeps its children by name, in a list, and among plain data. */
export const spawner = setup({
  types: {
    context: {} as { workers: Record<string, WorkerRef>; all: WorkerRef[]; next: number; notes: { text: string }[] },
  },
  actors: { leaf },
}).createMachine({
  context: { workers: {}, all: [], next: 0, notes: [{ text: 'first' }] },
  on: {
    SPAWN: {
      actions: assign(({ context, spawn }) => {
        const worker = spawn('leaf', { id: `worker-${context.next}` });
        return {
          workers: { ...context.workers, [worker.id]: worker },
          all: [...context.all, worker],
          next: context.next + 1,
        };
      }),
    },
    GO: { actions: sendTo(({ context }) => context.all[0]!, { type: 'GO' }) },
    NOTE: { actions: assign({ notes: ({ context }) => [...context.notes, { text: 'more' }] }) },
    STOP: { actions: stopChild('worker-0') },
    FORGET: { actions: assign({ workers: {}, all: [] }) },
    NOTHING: { actions: stopChild('nobody') },
  },
});

const fetching = setup({
  actors: { fetch: fromPromise<number, { url: string }>(() => new Promise(() => {})) },
}).createMachine({
  initial: 'idle',
  states: {
    idle: { on: { FETCH: 'busy' } },
    busy: { invoke: { src: 'fetch', id: 'fetch', input: { url: 'https://x' } }, on: { CANCEL: 'idle' } },
  },
});

const helpers = setup({
  types: { context: {} as { tally: unknown } },
  actors: {
    tally: fromTransition(
      (total: { sum: number }, event: { type: string }) => {
        return event.type === 'GO' ? { sum: total.sum + 1 } : total;
      },
      { sum: 0 },
    ),
    listen: fromCallback<{ type: string }, { topic: string }>(() => {}),
  },
}).createMachine({
  context: ({ spawn }) => ({ tally: spawn('tally', { id: 'tally' }) }),
  invoke: { src: 'listen', id: 'listen', input: { topic: 'news' } },
  on: { GO: { actions: sendTo('tally', { type: 'GO' }) } },
});

const ending = setup({ types: { context: {} as { total: number }, output: {} as { sum: number } } }).createMachine({
  context: { total: 3 },
  initial: 'open',
  states: { open: { on: { END: 'closed' } }, closed: { type: 'final' } },
  output: ({ context }) => ({ sum: context.total }),
});

const failing = setup({}).createMachine({
  on: {
    FAIL: {
      actions: () => {
        throw new RangeError('out of reach');
      },
    },
  },
});

const survivor = setup({ actors: { failing, ending } }).createMachine({
  initial: 'calm',
  context: {},
  invoke: [
    { src: 'failing', id: 'failing', onError: '.warned' },
    { src: 'ending', id: 'ending', onDone: '.told' },
  ],
  states: { calm: {}, warned: {}, told: {} },
  on: {
    FAIL: { actions: sendTo('failing', { type: 'FAIL' }) },
    END: { actions: sendTo('ending', { type: 'END' }) },
  },
});

/** Holds any data and a child, and changes the data at random, at times to hold the child as well. */
export const editor = setup({
  types: {
    context: {} as { data: unknown; ref: unknown },
    events: {} as { type: 'EDIT'; change: Edit; put: boolean },
  },
  actors: { leaf },
}).createMachine({
  context: ({ spawn }) => ({ data: { list: [] }, ref: spawn('leaf', { id: 'leaf' }) }),
  on: {
    EDIT: {
      actions: assign(({ context, event: { change, put } }) => {
        const value = put ? { held: context.ref } : change.value;
        return { data: applyEdit(context.data as Json, { ...change, value: value as Json }) };
      }),
    },
  },
});

function sends(...types: string[]): readonly { readonly type: string }[] {
  return types.map((type) => ({ type }));
}

/** Every kind of machine. */
export const scenarios: readonly Scenario[] = [
  { name: 'flat', machine: counter, events: sends('INC', 'ADD', 'NOTHING', 'OFF', 'UNKNOWN', 'INC') },
  { name: 'without states', machine: setup({}).createMachine({}), events: sends('ANY') },
  { name: 'parallel', machine: parallel, events: sends('L', 'R', 'NOTHING', 'REENTER', 'NOTHING', 'L') },
  { name: 'with history', machine: historic, events: sends('NEXT', 'NEXT', 'PAUSE', 'DEEP', 'PAUSE', 'SHALLOW') },
  { name: 'with invoked machines', machine: family, events: sends('GO', 'LEAVE', 'RETURN', 'GO') },
  { name: 'with spawned machines', machine: spawner, events: sends('SPAWN', 'SPAWN', 'GO', 'NOTE', 'FORGET', 'STOP') },
  { name: 'with a promise in flight', machine: fetching, events: sends('FETCH', 'CANCEL', 'FETCH') },
  { name: 'with other logic', machine: helpers, events: sends('GO', 'GO') },
  { name: 'that ends', machine: ending, events: sends('END') },
  { name: 'that fails', machine: failing, events: sends('FAIL') },
  { name: 'whose children end and fail', machine: survivor, events: sends('FAIL', 'END') },
];
