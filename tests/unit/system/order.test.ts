/** What happens before what, in a deterministic system: the commit comes first, then everything it lets out. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { TroupeError } from '../../../src/index.ts';
import { MemoryTables } from '../../../src/store/memory/tables.ts';
import { createMemoryStore } from '../../../src/store/memory/memory-store.ts';
import type { Commit, Store } from '../../../src/store/store.ts';
import { note, step, trace } from '../../support/actors-steps.ts';
import { createSimulatedSystem, failureOf } from '../../support/harness.ts';

const createSteps = () =>
  createSimulatedSystem({ actors: [new URL('../../support/actors-steps.ts', import.meta.url)] });

beforeEach(() => {
  const apply = MemoryTables.prototype.apply;
  vi.spyOn(MemoryTables.prototype, 'apply').mockImplementation(function (this: MemoryTables, commit: Commit) {
    const result = apply.call(this, commit);
    note(`commit ${commit.address} ${commit.seq}`);
    return result;
  });
});
afterEach(() => {
  trace.length = 0;
  vi.restoreAllMocks();
});

describe('G2, G5: nothing leaves before the commit that holds its cause', () => {
  test('an effect function begins after the commit that entered its state', async () => {
    const { system, run, env } = await createSteps();
    const ref = system.actor(step, 'a');
    await run(ref.send({ type: 'GO' }));
    await env.settle();
    expect(trace).toEqual([
      'commit step/a 1',
      expect.stringMatching(/^begin step\/a#\w+\.1\.0 1$/),
      'done',
      'commit step/a 2',
    ]);
    expect((await run(ref.snapshot())).context).toEqual({ result: 7, error: null });
    await run(system.stop());
  });

  test('a tell reaches its receiver after the commit of its sender', async () => {
    const { system, run, env } = await createSteps();
    await run(system.actor(step, 'a').send({ type: 'TELL' }));
    await env.settle();
    expect(trace).toEqual(['commit step/a 1', 'told', 'commit step/b 1']);
    await run(system.stop());
  });

  test('an acknowledgement, a reply and a delivery come after the commit', async () => {
    const { system, run, env } = await createSteps();
    const ref = system.actor(step, 'a');
    system.onDelivery('out', () => note('delivered'));
    await run(ref.send({ type: 'TELL' }).then(() => note('acknowledged')));
    trace.length = 0;
    await run(ref.ask({ type: 'ASK' }).then(() => note('replied')));
    expect(trace).toEqual(['commit step/a 2', 'replied']);
    trace.length = 0;
    await run(ref.send({ type: 'DELIVER' }).then(() => note('acknowledged')));
    await env.settle();
    expect(trace[0]).toBe('commit step/a 3');
    expect(trace.slice(1).toSorted()).toEqual(['acknowledged', 'delivered']);
    await run(system.stop());
  });

  test('while the store cannot save, nothing at all leaves; when it can again, everything does', async () => {
    const { system, run, env } = await createSteps();
    const ref = system.actor(step, 'a');
    system.onDelivery('out', () => note('delivered'));
    await run(ref.send({ type: 'TOLD' }));
    const failure = new TroupeError('ERR_STORE_UNAVAILABLE', 'No room.', { details: { isOutcomeUnknown: false } });
    const down = vi.spyOn(Object.getPrototypeOf(createMemoryStore()) as Store, 'commit').mockRejectedValue(failure);
    trace.length = 0;
    const sends = ['TELL', 'DELIVER', 'GO'].map((type) => ref.send({ type } as never).then(() => note('acknowledged')));
    const asked = ref.ask({ type: 'ASK' }, { timeoutMs: 60_000 }).then(() => note('replied'));
    const before = ref.snapshot();
    await env.advance(10_000);
    expect(trace).toEqual([]);
    expect(await before, 'what is saved').toMatchObject({ seq: 1 });
    down.mockRestore();
    await env.advance(30_000);
    await run(Promise.all([...sends, asked]));
    expect((await run(ref.snapshot())).seq).toBeGreaterThan(1);
    expect(
      trace
        .filter((line) => !line.startsWith('commit'))
        .map((line) => line.replace(/#\S+/, ''))
        .toSorted(),
    ).toEqual(
      [
        'acknowledged',
        'acknowledged',
        'acknowledged',
        'begin step/a 1',
        'delivered',
        'done',
        'replied',
        'told',
      ].toSorted(),
    );
    await run(system.stop());
  });

  test('G7: of a turn that fails nothing leaves, neither effects nor state', async () => {
    const { system, run, env } = await createSteps();
    const ref = system.actor(step, 'a');
    await run(failureOf(ref.send({ type: 'BOOM' }), 'ERR_EVENT_FAILED'));
    await env.settle();
    expect(trace.filter((line) => !line.startsWith('commit step/a'))).toEqual([]);
    await run(system.stop());
  });

  test('an effect that a failing neighbour kept from beginning was not interrupted: it runs as the first attempt', async () => {
    const { system, run, env } = await createSteps();
    const ref = system.actor(step, 'a');
    await run(ref.snapshot().catch(() => undefined));
    const poison = failureOf(
      ref.send({ type: 'TELL' }).then(() => ref.send({ type: 'BOOM' })),
      'ERR_EVENT_FAILED',
    );
    await run(poison);
    const sends = [ref.send({ type: 'GO_ONCE' }), failureOf(ref.send({ type: 'BOOM' }), 'ERR_EVENT_FAILED')];
    await run(Promise.all(sends));
    await env.settle();
    expect((await run(ref.snapshot())).context).toEqual({ result: 7, error: null });
    expect(trace.filter((line) => line.startsWith('begin'))).toHaveLength(1);
    await run(system.stop());
  });

  test('after stop nothing moves any more and no timer is left', async () => {
    const { system, run, env } = await createSteps();
    const ref = system.actor(step, 'a');
    await run(ref.send({ type: 'GO' }));
    await run(system.stop());
    trace.length = 0;
    await env.advance(60_000);
    expect(trace).toEqual([]);
    expect(env.pendingTimers).toEqual([]);
  });
});
