/** G5: effect functions of one cell: when they begin, under which key, and what becomes of their outcome. */
import { describe, expect, test } from 'vitest';
import { toAddress } from '../../../src/actor/address.ts';
import type { EffectStart, InterruptedPolicy } from '../../../src/actor/from-effect.ts';
import { EffectRuns } from '../../../src/cell/effect-runs.ts';
import type { EffectHost, InFlightRow } from '../../../src/cell/effect-runs.ts';
import { createRealEnv } from '../../../src/env.ts';

const root = { id: 'job/a' };
const childOf = (id: string) => ({ id, _parent: root }) as never;

type Run = EffectStart['run'];

function setUp(restored: readonly InFlightRow[] = []) {
  const settled: { type: string; data: unknown }[] = [];
  const sent: { to: string; id: string }[] = [];
  const marks: (string | undefined)[] = [];
  const begun: { key: string; attempt: number; signal: AbortSignal }[] = [];
  let n = 0;
  const host: EffectHost = {
    address: toAddress('job', 'a'),
    env: createRealEnv(),
    stallMs: Infinity,
    onStalled: () => {},
    onSettled: (_, event) => void settled.push(event as never),
    sendFromEffect: async (to, _, id) => void sent.push({ to, id }),
    markEffect: (key) => void marks.push(key),
    runEffect: (_, run) => run(),
  };
  const runs = new EffectRuns(host, restored);
  const start = (actor: never, run: Run = () => 1, onInterrupted: InterruptedPolicy = 'retry'): EffectStart => ({
    actor,
    input: undefined,
    onInterrupted,
    run: (args) => {
      begun.push(args);
      return run(args);
    },
  });
  const enter = (...starts: readonly EffectStart[]) => runs.apply(starts, [], () => `job/a#1.${n++}`);
  return { runs, start, enter, settled, sent, marks, begun };
}

const rowsOf = (runs: EffectRuns): unknown => JSON.parse(runs.toText() ?? 'null');
const rest = () => new Promise((resolve) => setImmediate(resolve));

describe('EffectRuns', () => {
  test('entering stores a row and begins nothing; begin runs it once, marked for the beat', async () => {
    const { runs, start, enter, settled, marks, begun } = setUp();
    const actor = childOf('work');
    expect(enter(start(actor))).toEqual([actor]);
    expect(rowsOf(runs)).toEqual([{ path: 'work', key: 'job/a#1.0', attempt: 1 }]);
    await rest();
    expect(begun).toEqual([]);
    runs.begin(actor);
    runs.begin(actor);
    await rest();
    expect(begun).toMatchObject([{ key: 'job/a#1.0', attempt: 1 }]);
    expect(marks).toEqual(['job/a#1.0', undefined]);
    expect(settled).toEqual([{ type: 'troupe.effect.resolve', data: 1 }]);
  });

  test('ending removes the row; leaving aborts, settling does not', async () => {
    const { runs, start, enter, begun } = setUp();
    const [left, done] = [childOf('left'), childOf('done')];
    enter(
      start(left, () => new Promise(() => {})),
      start(done),
    );
    for (const actor of [left, done]) runs.begin(actor);
    await rest();
    expect(runs.apply([], [left, done], () => 'unused')).toEqual([]);
    expect(runs.toText()).toBeNull();
    expect(begun.map(({ signal }) => signal.aborted)).toEqual([true, false]);
  });

  test('left before the commit came back: never begins', async () => {
    const { runs, start, enter, begun, settled } = setUp();
    const actor = childOf('work');
    enter(start(actor));
    runs.apply([], [actor], () => 'unused');
    runs.begin(actor);
    await rest();
    expect([begun, settled]).toEqual([[], []]);
  });

  test('nothing changed: nothing to store', () => {
    const { runs } = setUp();
    expect(runs.apply([], [childOf('stranger')], () => 'unused')).toBeUndefined();
  });

  test('a restored effect keeps its key and counts its attempt; a forgotten one starts anew', async () => {
    const { runs, start, enter, begun } = setUp([
      { path: 'work', key: 'job/a#0.9', attempt: 2 },
      { path: 'gone', key: 'job/a#0.8', attempt: 1 },
    ]);
    enter(start(childOf('work')));
    runs.forgetRestored();
    enter(start(childOf('gone')));
    expect(rowsOf(runs)).toEqual([
      { path: 'work', key: 'job/a#0.9', attempt: 3 },
      { path: 'gone', key: 'job/a#1.0', attempt: 1 },
    ]);
    expect(begun).toEqual([]);
  });

  test("onInterrupted 'fail' fails a restored run and not a first one", async () => {
    const { runs, start, enter, begun, settled } = setUp([{ path: 'work', key: 'k', attempt: 1 }]);
    const [restored, fresh] = [childOf('work'), childOf('fresh')];
    enter(start(restored, undefined, 'fail'), start(fresh, undefined, 'fail'));
    for (const actor of [restored, fresh]) runs.begin(actor);
    await rest();
    expect(begun).toMatchObject([{ attempt: 1 }]);
    expect(settled).toMatchObject([
      {
        type: 'troupe.effect.reject',
        data: { code: 'ERR_EFFECT_INTERRUPTED', details: { address: 'job/a', path: 'work', key: 'k' } },
      },
      { type: 'troupe.effect.resolve' },
    ]);
  });

  test.each([
    {
      name: 'throws',
      run: () => {
        throw new Error('no');
      },
      data: { message: 'no' },
    },
    { name: 'rejects', run: async () => Promise.reject(new Error('later')), data: { message: 'later' } },
    {
      name: 'returns what is not JSON',
      run: () => ({ map: new Map() }),
      data: { code: 'ERR_NOT_JSON', details: { path: 'output.map' } },
    },
  ])('a function that $name rejects', async ({ run, data }) => {
    const { runs, start, enter, settled } = setUp();
    const actor = childOf('work');
    enter(start(actor, run));
    runs.begin(actor);
    await rest();
    expect(settled).toMatchObject([{ type: 'troupe.effect.reject', data }]);
  });

  test('G3: sends carry ids made of the key, the same in every attempt', async () => {
    const run: Run = async ({ send }) => {
      await send('a/b', { type: 'X' });
      await send('a/b', { type: 'X' });
    };
    const first = setUp();
    first.enter(first.start(childOf('work'), run));
    first.runs.begin(childOf('nobody'));
    const actor = childOf('work');
    const again = setUp([{ path: 'work', key: 'job/a#1.0', attempt: 1 }]);
    again.enter(again.start(actor, run));
    again.runs.begin(actor);
    await rest();
    expect(again.sent).toEqual([
      { to: 'a/b', id: 'job/a#1.0.0' },
      { to: 'a/b', id: 'job/a#1.0.1' },
    ]);
  });

  test('after abortAll outcomes are dropped', async () => {
    const { runs, start, enter, settled, begun } = setUp();
    const actor = childOf('work');
    enter(start(actor, ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(1)))));
    runs.begin(actor);
    runs.abortAll();
    await rest();
    expect(begun[0]?.signal.aborted).toBe(true);
    expect(settled).toEqual([]);
  });
});
