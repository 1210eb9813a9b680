import fc from 'fast-check';
import {
  assign,
  createActor,
  createMachine,
  fromPromise,
  sendTo,
  setup,
  spawnChild,
  type AnyActor,
  type AnyStateMachine,
} from 'xstate';
import { describe, expect, test } from 'vitest';
import { createWalker } from '../../../src/cell/walker.ts';
import { isTroupeError, type TroupeError } from '../../../src/errors.ts';
import { applyDeltaInPlace, diff } from '../../../src/state/delta.ts';
import type { Json } from '../../../src/state/json.ts';
import { toXStateSnapshot, type PersistedState } from '../../../src/state/persisted.ts';
import { counter, editor, parallel, scenarios, spawner, type Scenario } from '../state/machines.ts';
import { edit, runs } from '../state/random.ts';

/** Starts an actor whose failure is expected and not reported. */
function start(machine: AnyStateMachine, snapshot?: PersistedState): AnyActor {
  const options = snapshot === undefined ? {} : { snapshot: toXStateSnapshot(snapshot) };
  const actor = createActor(machine, options);
  actor.subscribe({ error: () => {} });
  return actor.start();
}

/** JSON as XState means it: its `syncSnapshot: false` says nothing, and it writes errors as {}. */
function asJson(value: unknown): unknown {
  const text = JSON.stringify(value, (key, part: unknown) => {
    if (key === 'syncSnapshot' && part === false) return undefined;
    return part instanceof Error ? { name: part.name, message: part.message } : part;
  });
  return JSON.parse(text);
}

function throughText(state: PersistedState): PersistedState {
  return JSON.parse(JSON.stringify(state)) as PersistedState;
}

function failure(walk: () => unknown): TroupeError {
  try {
    walk();
  } catch (error) {
    if (isTroupeError(error)) return error;
    throw error;
  }
  throw new Error('Nothing was thrown');
}

function eachStep({ machine, events }: Scenario, check: (actor: AnyActor, step: string) => void): void {
  const actor = start(machine);
  check(actor, 'start');
  for (const [i, event] of events.entries()) {
    actor.send(event);
    check(actor, `${i} ${event.type}`);
  }
  actor.stop();
}

describe.each(scenarios)('a machine $name', (scenario) => {
  test('canary: is read as XState persists it, at every step', () => {
    const walker = createWalker('a/x');
    eachStep(scenario, (actor, step) => {
      const xstates = asJson(actor.getPersistedSnapshot());
      expect(asJson(toXStateSnapshot(walker.walk(actor))), step).toEqual(xstates);
      expect(asJson(toXStateSnapshot(createWalker('a/x').walk(actor))), `${step}, read anew`).toEqual(xstates);
    });
  });

  test('canary: is restored as it was, at every step', () => {
    eachStep(scenario, (actor, step) => {
      const stored = throughText(createWalker('a/x').walk(actor));
      const restored = createActor(scenario.machine, { snapshot: toXStateSnapshot(stored) });
      expect(asJson(restored.getPersistedSnapshot()), step).toEqual(asJson(actor.getPersistedSnapshot()));
      expect(diff(stored, createWalker('a/x').walk(restored)), step).toBeUndefined();
    });
  });

  test('gives the identical state when nothing happened, and frozen ones always', () => {
    const walker = createWalker('a/x');
    eachStep(scenario, (actor, step) => {
      const state = walker.walk(actor);
      expect(walker.walk(actor), step).toBe(state);
      expectFrozen(state, step);
    });
  });
});

function expectFrozen(value: unknown, step: string): void {
  if (typeof value !== 'object' || value === null) return;
  expect(Object.isFrozen(value), `${step}: ${JSON.stringify(value)}`).toBe(true);
  for (const part of Object.values(value)) expectFrozen(part, step);
}

describe('sharing', () => {
  test('a context without references is the live context itself', () => {
    const actor = start(counter);
    const walker = createWalker('a/x');
    expect(walker.walk(actor).context).toBe(actor.getSnapshot().context);
    actor.send({ type: 'INC' });
    expect(walker.walk(actor).context).toBe(actor.getSnapshot().context);
  });

  test.each([
    ['a flat machine', counter],
    ['regions', parallel],
    ['a machine with children', spawner],
  ])('an event that changes nothing gives the identical state: %s', (_what, machine) => {
    const actor = start(machine);
    const walker = createWalker('a/x');
    for (const type of ['REENTER', 'SPAWN']) actor.send({ type });
    const [before, snapshot] = [walker.walk(actor), actor.getSnapshot() as unknown];
    actor.send({ type: 'NOTHING' });
    expect(actor.getSnapshot()).not.toBe(snapshot);
    expect(walker.walk(actor)).toBe(before);
  });

  test('what only history remembers is a change', () => {
    const actor = start(parallel);
    const walker = createWalker('a/x');
    const before = walker.walk(actor);
    actor.send({ type: 'REENTER' });
    const after = walker.walk(actor);
    expect(after.value).toBe(before.value);
    expect(diff(before, after)?.map(([kind, path]) => [kind, path])).toEqual([['s', ['historyValue']]]);
  });

  test('an untouched child keeps its object while its sibling changes', () => {
    const actor = start(spawner);
    const walker = createWalker('a/x');
    actor.send({ type: 'SPAWN' });
    actor.send({ type: 'SPAWN' });
    const before = walker.walk(actor);
    actor.send({ type: 'GO' });
    const after = walker.walk(actor);
    expect(after.children?.['worker-0']).not.toBe(before.children?.['worker-0']);
    expect(after.children?.['worker-1']).toBe(before.children?.['worker-1']);
    expect(after.context).toBe(before.context);
    expect(diff(before, after)).toEqual([
      ['s', ['children', 'worker-0', 'state', 'value'], 'gone'],
      ['s', ['children', 'worker-0', 'state', 'context', 'depth'], 3],
    ]);
  });

  test('in a context with references, what did not change keeps its object', () => {
    const actor = start(spawner);
    const walker = createWalker('a/x');
    actor.send({ type: 'SPAWN' });
    const before = walker.walk(actor);
    actor.send({ type: 'NOTE' });
    const after = walker.walk(actor);
    const parts = (state: PersistedState): Record<string, unknown> => state.context as Record<string, unknown>;
    expect(parts(after)['workers']).toBe(parts(before)['workers']);
    expect(parts(after)['notes']).toBe((actor.getSnapshot().context as { notes: unknown }).notes);
    expect(diff(before, after)).toEqual([['a', ['context', 'notes'], [{ text: 'more' }]]]);
  });

  test('a child that comes is one step, whatever the size of the context', () => {
    const actor = start(spawner);
    const walker = createWalker('a/x');
    const before = walker.walk(actor);
    actor.send({ type: 'SPAWN' });
    const paths = diff(before, walker.walk(actor))?.map(([kind, path]) => `${kind} ${path.join('.')}`);
    expect(paths).toEqual(['s context.workers.worker-0', 'a context.all', 's context.next', 's children']);
  });

  test('a child that is replaced under its id is read anew', () => {
    const child = setup({ types: { input: {} as number, context: {} as { n: number } } }).createMachine({
      context: ({ input }) => ({ n: input }),
    });
    const machine = setup({ types: { context: {} as { n: number } }, actors: { child } }).createMachine({
      context: { n: 1 },
      initial: 'on',
      states: { on: { invoke: { src: 'child', id: 'child', input: ({ context }) => context.n } } },
      on: { AGAIN: { target: '.on', reenter: true, actions: assign({ n: ({ context }) => context.n + 1 }) } },
    });
    const actor = start(machine);
    const walker = createWalker('a/x');
    expect(walker.walk(actor).children?.['child']?.state.context).toEqual({ n: 1 });
    actor.send({ type: 'AGAIN' });
    expect(walker.walk(actor).children?.['child']?.state.context).toEqual({ n: 2 });
  });
});

describe('freezing', () => {
  function mutating(change: (context: { list: number[]; inner: { n: number } }) => void): AnyStateMachine {
    return setup({ types: { context: {} as { list: number[]; inner: { n: number } } } }).createMachine({
      context: () => ({ list: [], inner: { n: 0 } }),
      on: {
        CHANGE: {
          actions: assign(({ context }) => {
            change(context);
            return {};
          }),
        },
      },
    });
  }

  test.each([
    ['an array', mutating((context) => void context.list.push(1))],
    ['an object', mutating((context) => void (context.inner.n += 1))],
    ['the context', mutating((context) => void (context.list = []))],
  ])('a change in place to %s fails the turn', (_what, machine) => {
    const actor = start(machine);
    createWalker('a/x').walk(actor);
    actor.send({ type: 'CHANGE' });
    expect(actor.getSnapshot()).toMatchObject({ status: 'error', error: expect.any(TypeError) });
  });

  test('a change in place after a restore fails the turn too', () => {
    const machine = mutating((context) => void context.list.push(1));
    const stored = throughText(createWalker('a/x').walk(start(machine)));
    const restored = start(machine, stored);
    expect(diff(stored, createWalker('a/x').walk(restored))).toBeUndefined();
    restored.send({ type: 'CHANGE' });
    expect(restored.getSnapshot().status).toBe('error');
    expect(stored.context).toEqual({ list: [], inner: { n: 0 } });
  });

  test('references are neither frozen nor entered, but the list that holds them is frozen', () => {
    const actor = start(spawner);
    actor.send({ type: 'SPAWN' });
    createWalker('a/x').walk(actor);
    const { all } = actor.getSnapshot().context as { all: AnyActor[] };
    expect(Object.isFrozen(all)).toBe(true);
    expect(Object.isFrozen(all[0])).toBe(false);
    actor.send({ type: 'GO' });
    expect(all[0]?.getSnapshot().value).toBe('gone');
  });

  test('an initial context that actors share can be walked for each of them', () => {
    const [first, second] = [start(counter), start(counter)];
    createWalker('a/x').walk(first);
    createWalker('a/y').walk(second);
    second.send({ type: 'INC' });
    expect(createWalker('a/y').walk(second).context).toEqual({ count: 1, list: [1, 2] });
    expect(createWalker('a/x').walk(first).context).toEqual({ count: 0, list: [1, 2] });
  });
});

describe('what would be lost', () => {
  const child = setup({ types: { context: {} as { x: unknown } } }).createMachine({
    context: { x: 1 },
    on: { SPOIL: { actions: assign({ x: () => new Map() }) } },
  });
  const parent = setup({ types: { context: {} as { items: unknown[] } }, actors: { research: child } }).createMachine({
    context: { items: [1, { when: null }] },
    invoke: { src: 'research', id: 'research' },
    on: {
      SPOIL: { actions: assign({ items: [1, 2, 3, { when: new Date(0) }] }) },
      SPOIL_CHILD: { actions: sendTo('research', { type: 'SPOIL' }) },
    },
  });

  test('in the context is named by its path', () => {
    const actor = start(parent);
    const walker = createWalker('session/x');
    walker.walk(actor);
    actor.send({ type: 'SPOIL' });
    const error = failure(() => walker.walk(actor));
    expect(error.code).toBe('ERR_NOT_JSON');
    expect(error.message).toMatch(/^The state of 'session\/x' carries a Date at 'context.items\[3\].when', which /);
    expect(
      failure(() => walker.walk(actor)),
      'the fault is not forgotten',
    ).toMatchObject({ code: 'ERR_NOT_JSON' });
  });

  test("in a child's context is named by the path of the child", () => {
    const actor = start(parent);
    const walker = createWalker('session/x');
    walker.walk(actor);
    actor.send({ type: 'SPOIL_CHILD' });
    expect(failure(() => walker.walk(actor)).details).toEqual({ path: 'children.research.context.x' });
  });

  test('in the input of a promise is named', () => {
    const waiting = setup({ actors: { job: fromPromise<number, unknown>(() => new Promise(() => {})) } });
    const dated = waiting.createMachine({ invoke: { src: 'job', id: 'job', input: { at: new Date(0) } } });
    expect(failure(() => createWalker('a/x').walk(start(dated))).details).toEqual({ path: 'children.job.input.at' });
    const told = waiting.createMachine({
      invoke: { src: 'job', id: 'job', input: ({ self }: { self: unknown }) => self },
    });
    expect(failure(() => createWalker('a/x').walk(start(told))).details).toEqual({ path: 'children.job.input' });
  });

  test('in the output is named', () => {
    const machine = setup({}).createMachine({
      initial: 'end',
      states: { end: { type: 'final' } },
      output: { result: new Set() },
    });
    expect(failure(() => createWalker('a/x').walk(start(machine))).details).toEqual({ path: 'output.result' });
  });

  test('references to itself, to a parent or to a stranger', () => {
    const keeper = setup({ types: { input: {} as unknown, context: {} as { ref: unknown } } }).createMachine({
      context: ({ input, self }) => ({ ref: input === 'self' ? self : input }),
    });
    const holder = setup({ actors: { keeper } }).createMachine({
      invoke: { src: 'keeper', id: 'keeper', input: ({ self }: { self: unknown }) => self },
    });
    const toSelf = createActor(keeper, { input: 'self' }).start();
    const toStranger = createActor(keeper, { input: start(counter) }).start();
    for (const actor of [toSelf, toStranger]) {
      const error = failure(() => createWalker('a/x').walk(actor));
      expect(error.message).toMatch(/carries a reference to actor 'x:\d+' at 'context.ref', which would be lost/);
    }
    expect(failure(() => createWalker('a/x').walk(start(holder))).details).toEqual({
      path: 'children.keeper.context.ref',
    });
  });

  test('fields of home-made logic that have no place', () => {
    const snapshot = { status: 'active' as const, output: undefined, error: undefined, secret: 1 };
    const logic = {
      transition: (state: typeof snapshot) => state,
      getInitialSnapshot: () => snapshot,
      getPersistedSnapshot: (state: typeof snapshot) => state,
    };
    const machine = setup({ actors: { logic } }).createMachine({ invoke: { src: 'logic', id: 'own' } });
    expect(failure(() => createWalker('a/x').walk(start(machine))).details).toEqual({ path: 'children.own.secret' });
  });
});

describe('a reference to a child that has ended', () => {
  test('is stored, and taken out on restore', () => {
    const actor = start(spawner);
    for (const type of ['SPAWN', 'SPAWN', 'STOP']) actor.send({ type });
    const stored = throughText(createWalker('a/x').walk(actor));
    expect(stored.context).toMatchObject({ all: [{ id: 'worker-0' }, { id: 'worker-1' }] });
    const before = JSON.stringify(stored);
    const state = createWalker('a/x').walk(start(spawner, stored));
    expect(JSON.stringify(stored), 'the stored state is left alone').toBe(before);
    expect(state.context).toMatchObject({ all: [null, { id: 'worker-1' }] });
    expect(Object.keys((state.context as { workers: object }).workers)).toEqual(['worker-1']);
  });
});

describe('children that cannot be restored', () => {
  const job = fromPromise(() => new Promise(() => {}));
  const named = setup({ types: { context: {} as { ref: unknown } }, actors: { job } });
  const waiting = setup({ actors: { job } });
  test.each<[string, AnyStateMachine, RegExp]>([
    ['invoked inline', createMachine({ invoke: { src: job, id: 'job' } }), /setup\(\{ actors/],
    ['spawned inline', createMachine({ entry: spawnChild(job, { id: 'job' }) }), /setup\(\{ actors/],
    [
      'spawned without an id',
      named.createMachine({ context: ({ spawn }) => ({ ref: spawn('job') }) }),
      /Spawn it with an 'id'/,
    ],
    ['started without an id', waiting.createMachine({ entry: spawnChild('job') }), /Spawn it with an 'id'/],
    ['of a dangerous id', waiting.createMachine({ entry: spawnChild('job', { id: '__proto__' }) }), /with an 'id'/],
  ])('%s fail the first walk with the fix', (_how, machine, fix) => {
    const error = failure(() => createWalker('session/x').walk(start(machine)));
    expect(error.code).toBe('ERR_CHILD_UNNAMED');
    expect(error.message).toContain("The state of 'session/x' has the child 'children.");
    expect(error.message).toMatch(fix);
  });
});

test('a child whose state no longer fits its machine is read as failed', () => {
  const child = setup({}).createMachine({ initial: 'a', states: { a: {} } });
  const machine = setup({ actors: { child } }).createMachine({ invoke: { src: 'child', id: 'c', onError: {} } });
  const state = throughText(createWalker('a/x').walk(start(machine)));
  const changed = {
    ...state,
    children: { c: { src: 'child', state: { status: 'active', value: 'gone' } } },
  } as const;
  const read = createWalker('a/x').walk(createActor(machine, { snapshot: toXStateSnapshot(changed) }));
  expect(read.children?.['c']?.state).toMatchObject({ status: 'error', error: { name: 'Error' } });
});

test('any sequence of changes to a context with references is followed, at every step', () => {
  const changes = fc.array(fc.tuple(edit, fc.boolean()), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(changes, (list) => {
      const actor = createActor(editor).start();
      const walker = createWalker('a/x');
      let state = walker.walk(actor);
      let replayed: Json = throughText(state);
      for (const [change, put] of list) {
        actor.send({ type: 'EDIT', change, put });
        const next = walker.walk(actor);
        const delta = diff(state, next);
        if (delta !== undefined) replayed = applyDeltaInPlace(replayed, JSON.parse(JSON.stringify(delta)));
        expect(JSON.stringify(replayed)).toBe(JSON.stringify(next));
        expect(asJson(toXStateSnapshot(next))).toEqual(asJson(actor.getPersistedSnapshot()));
        state = next;
      }
    }),
    runs(1_000),
  );
});
