/** What durable subscriptions and groups hold on to when places are lost, processes die and handlers hang. */
import { beforeEach, describe, expect, test } from 'vitest';
import { toAddress } from '../../../src/actor/address.ts';
import type { BusHandler } from '../../../src/index.ts';
import { createRandom } from '../../../src/testing.ts';
import { failureOf } from '../../support/harness.ts';
import { collector, createBusFixture, gate, upTo } from './fixture.ts';

const HOUR_MS = 3_600_000;

describe('durable subscriptions', () => {
  let fixture = createBusFixture();
  beforeEach(() => void (fixture = createBusFixture()));

  const publish = (...data: readonly number[]) =>
    fixture.run(Promise.all(data.map((n) => fixture.bus.publish('a', n))));

  test.each([{ name: 'mine' }, { queue: 'mine' }])(
    'G20: with %j what is read again after a lost place is not handled twice within one process',
    async (durable) => {
      const { bus, env, run, failSaves } = fixture;
      const { seen, handler } = collector();
      const first = await run(bus.subscribe('a', handler, durable));
      failSaves(true);
      await publish(...upTo(300));
      await env.settle();
      await run(first.stop());
      failSaves(false);
      await run(bus.subscribe('a', handler, durable));
      await publish(300);
      await env.settle();
      expect(seen).toEqual(upTo(301));
    },
  );

  test('G20: ids nobody met for an hour are forgotten, with no timer once there is none', async () => {
    const { bus, env, run } = fixture;
    const { seen, handler } = collector();
    await run(bus.subscribe('a', handler, { name: 'mine' }));
    const sweeps = () => env.pendingTimers.filter(({ dueAt }) => dueAt > env.now() + 1_000);
    expect(sweeps()).toEqual([]);
    await publish(0, 1);
    await env.settle();
    expect(sweeps()).toHaveLength(1);
    await env.advance(2 * HOUR_MS + 1);
    expect(sweeps()).toEqual([]);
    expect(seen).toEqual([0, 1]);
  });

  test('G20: unsubscribe forgets what was handled: a replay of the new name begins at the first event', async () => {
    const { bus, env, run } = fixture;
    const { seen, handler } = collector();
    await run(bus.subscribe('a', handler, { name: 'mine' }));
    await publish(0, 1);
    await env.settle();
    await run(bus.unsubscribe('mine'));
    await run(bus.subscribe('a', handler, { name: 'mine', replay: 'full' }));
    await env.settle();
    expect(seen).toEqual([0, 1, 0, 1]);
  });

  test.each([{ name: 'mine' }, { queue: 'mine' }])(
    'G20: with %j unsubscribed by its own handler: the new name begins at the very event that handler had',
    async (durable) => {
      const { bus, env, run } = fixture;
      const { seen, handler } = collector();
      const leave: BusHandler = async (event) => {
        await bus.unsubscribe('mine');
        handler(event);
      };
      await run(bus.subscribe('a', leave, durable));
      await publish(0);
      await env.settle();
      await run(bus.subscribe('a', handler, { ...durable, replay: 'full' }));
      await env.settle();
      expect(seen).toEqual([0, 0]);
    },
  );

  test('a thenable that throws or settles twice has failed or is done once, and nothing counts as running on', async () => {
    const { bus, env, run } = fixture;
    // oxlint-disable-next-line unicorn/no-thenable -- what such a handler returns is what is tested
    const thenable = (then: (done: () => void) => void) => Object.defineProperty({}, 'then', { value: then });
    const rude = thenable(() => {
      throw new Error('no');
    });
    const twice = thenable((done) => [done(), done()]);
    const handler = ({ data }: { data: unknown }) => (data === 0 ? rude : twice) as unknown as Promise<void>;
    await run(bus.subscribe('a', handler, { name: 'mine', maxAttempts: 1 }));
    await publish(0, 1);
    await env.advance(60_000);
    const { subscribers } = await run(bus.stats());
    expect(subscribers).toMatchObject([{ handled: 1, failed: 1, isStalled: false }]);
  });

  test('an event that is damaged on disk harms no other: with a name or in a group it becomes a dead letter', async () => {
    const { bus, env, run, store } = fixture;
    const [named, grouped, plain] = [collector(), collector(), collector()];
    await run(bus.subscribe('a', named.handler, { name: 'mine' }));
    await run(bus.subscribe('a', grouped.handler, { queue: 'group' }));
    await run(bus.subscribe('a', plain.handler));
    const publish = [{ id: 'bad', topic: 'a', priority: 'normal', text: '{"n":' }] as const;
    const commit = { address: toAddress('bus', 'host'), seq: 0, epoch: 1, version: 1, status: 'active' } as const;
    await store.commit([{ ...commit, at: env.now(), publish }]);
    await run(bus.publish('a', 1));
    await env.advance(10_000);
    expect([named.seen, grouped.seen, plain.seen]).toEqual([[1], [1], [1]]);
    const letters = await store.deadLetters();
    expect(letters.map(({ address }) => address).toSorted()).toEqual(['subscriber/group', 'subscriber/mine']);
    expect(letters.map(({ text }) => (JSON.parse(text) as { data: unknown }).data)).toEqual(['{"n":', '{"n":']);
    await expect(run(bus.replay()[Symbol.asyncIterator]().next())).rejects.toMatchObject({ code: 'ERR_DATA_CORRUPT' });
    await expect(run(bus.replayInto('a/b', 'TASK'))).rejects.toMatchObject({ code: 'ERR_DATA_CORRUPT' });
  });

  test.each([{ name: 'mine' }, { queue: 'mine' }])(
    'G20: %j that is taken while it is given up keeps its place, or is refused',
    async (durable) => {
      const { bus, run, store } = fixture;
      await run(bus.subscribe('a', () => undefined, durable));
      let isGone = false;
      const gone = bus.unsubscribe('mine').finally(() => void (isGone = true));
      let taken: unknown;
      const take = async (): Promise<void> => {
        for (taken = 'refused'; taken === 'refused' && !isGone; await new Promise(setImmediate))
          for (let again = 0; taken === 'refused' && again < 20; again++)
            taken = await bus.subscribe('a', () => undefined, durable).catch(() => 'refused');
      };
      await run(Promise.all([gone, take()]));
      if (taken === 'refused') await run(bus.subscribe('a', () => undefined, durable));
      expect(await store.cursor('mine')).toEqual({ pattern: 'a', pos: 0 });
    },
  );

  test('a stop waits for a handler that hangs until its time is up, and no longer', async () => {
    const { bus, env, run } = fixture;
    const hang: BusHandler = () => new Promise(() => undefined);
    const subscription = await run(bus.subscribe('a', hang, { name: 'mine', handlerTimeoutMs: 5_000 }));
    await publish(0);
    await env.settle();
    let isStopped = false;
    const stopped = subscription.stop().then(() => void (isStopped = true));
    await env.advance(4_999);
    expect(isStopped).toBe(false);
    await env.advance(1);
    await stopped;
    expect((await fixture.store.cursor('mine'))?.pos).toBe(0);
  });

  test('a bus that stops aborts the signals of handlers that do not end in time', async () => {
    const { bus, env, run } = fixture;
    const signals: AbortSignal[] = [];
    const hang: BusHandler = (_event, { signal }) => {
      signals.push(signal);
      return new Promise(() => undefined);
    };
    await run(bus.subscribe('a', hang));
    await run(bus.subscribe('a', hang, { queue: 'group' }));
    await publish(0);
    await env.settle();
    const stopped = bus.stop({ timeoutMs: 100 });
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false]);
    await env.advance(100);
    await stopped;
    expect(signals.map(({ reason }) => (reason as { code?: string }).code)).toEqual([
      'ERR_SYSTEM_STOPPED',
      'ERR_SYSTEM_STOPPED',
    ]);
  });

  test('the time of a handler is 30 s unless it is said', async () => {
    const { bus, env, run, logs } = fixture;
    await run(bus.subscribe('a', () => new Promise(() => undefined)));
    await publish(0);
    await env.advance(29_999);
    expect(logs).toEqual([]);
    await env.advance(1);
    expect(logs).toMatchObject([
      { level: 'warn', text: 'a subscriber failed; the event is skipped', fields: { stillRunning: 1 } },
    ]);
  });

  test('G20: events that go by retention before a name came to them are counted and said', async () => {
    const { bus, env, run, logs } = fixture;
    const { handler } = collector();
    for (const durable of [{ name: 'away' }, { queue: 'group' }])
      await run((await run(bus.subscribe('a', handler, durable))).stop());
    await run((await run(bus.subscribe('b', handler, { name: 'other' }))).stop());
    await publish(...upTo(7));
    expect(await run(bus.sweep(env.now() + 1))).toBe(7);
    const { subscribers } = await run(bus.stats());
    expect(subscribers.map(({ name, missed, members }) => [name, missed, members])).toEqual([
      ['away', 7, 0],
      ['group', 7, 0],
      ['other', 0, 0],
    ]);
    expect(logs.map(({ text, fields }) => [text.slice(0, 29), fields['subscription'], fields['events']])).toEqual([
      ['events were past their time b', 'away', 7],
      ['events were past their time b', 'group', 7],
    ]);
  });

  test.each([{ name: 'mine' }, { queue: 'mine' }])(
    'G20: with %j what was handled does not count as missed when it is cleared before the place was saved',
    async (durable) => {
      const { bus, env, run, logs } = fixture;
      const { seen, handler } = collector();
      const clear: BusHandler = async (event) => {
        handler(event);
        if (event.data === 9) await bus.clear({ topics: ['a'] });
      };
      await run(bus.subscribe('a', clear, durable));
      await publish(...upTo(10));
      await env.settle();
      expect(seen).toEqual(upTo(10));
      const { subscribers } = await run(bus.stats());
      // It is not done with the event of the handler that clears.
      expect(subscribers).toMatchObject([{ handled: 10, missed: 1 }]);
      expect(logs.map(({ fields }) => fields['events'])).toEqual([1]);
    },
  );

  test('G20: a group killed at random loses no event, and handles none twice within a life', async () => {
    const seed = Number(process.env['SEED'] ?? 4711);
    const random = createRandom(seed);
    const lives: number[][] = [];
    let next = 0;
    for (let life = 0; life < 30; life++) {
      const seen: number[] = [];
      lives.push(seen);
      const handler: BusHandler = async ({ data }) => {
        if (random() < 0.3) await new Promise<void>((resolve) => fixture.env.setTimeout(resolve, random() * 40));
        if (random() < 0.05) throw new Error('not yet');
        seen.push(data as number);
      };
      const options = { queue: 'workers', maxAttempts: 20, backoff: { minMs: 1, maxMs: 20 } };
      for (let member = 0; member < 3; member++) await fixture.run(fixture.bus.subscribe('a', handler, options));
      const count = Math.floor(random() * 300);
      await publish(...upTo(count).map((n) => next + n));
      next += count;
      if (random() < 0.3) await fixture.env.advance(random() * 500);
      if (random() < 0.7) fixture.kill();
      else await fixture.run(Promise.all([fixture.restart(), fixture.env.advance(5_000)]));
    }
    const seen: number[] = [];
    lives.push(seen);
    await fixture.run(fixture.bus.subscribe('a', ({ data }) => void seen.push(data as number), { queue: 'workers' }));
    await fixture.env.advance(5_000);
    const all = [...new Set(lives.flat())].toSorted((a, b) => a - b);
    expect(all, `SEED=${seed}`).toEqual(upTo(next));
    for (const one of lives) expect(new Set(one).size, `SEED=${seed}`).toBe(one.length);
  });

  test('G20: one event that takes long holds back the place of its group, not its members', async () => {
    const { bus, env, run, store } = fixture;
    const { seen, handler } = collector();
    const { opened, open } = gate();
    const mixed: BusHandler = (event) => (event.data === 0 ? opened : handler(event));
    for (let member = 0; member < 2; member++) await run(bus.subscribe('a', mixed, { queue: 'workers' }));
    await publish(...upTo(1_000));
    await env.settle();
    expect(seen).toHaveLength(999);
    expect((await store.cursor('workers'))?.pos).toBe(0);
    open();
    await env.settle();
    expect((await store.cursor('workers'))?.pos).toBe(1_000);
  });

  test('a handler of a group may unsubscribe the group, or stop its own member; the name is free afterwards', async () => {
    const { bus, env, run, store } = fixture;
    const { seen, handler } = collector();
    const unsubscribe: BusHandler = async (event) => {
      handler(event);
      await bus.unsubscribe('workers');
    };
    for (let member = 0; member < 2; member++) await run(bus.subscribe('a', unsubscribe, { queue: 'workers' }));
    await publish(0);
    await env.settle();
    expect(await store.cursor('workers')).toBeUndefined();
    const member = await run(
      bus.subscribe(
        'a',
        async (event) => {
          handler(event);
          await member.stop();
        },
        { queue: 'workers' },
      ),
    );
    await publish(1, 2);
    await env.settle();
    expect(seen).toEqual([0, 1]);
    await run(bus.subscribe('a', handler, { name: 'workers' }));
    await env.settle();
    expect(seen).toEqual([0, 1, 2]);
  });

  test('a group that is joined while its last member leaves goes on, or begins anew where it was', async () => {
    const { bus, env, run } = fixture;
    const { seen, handler } = collector();
    const { opened, open } = gate();
    const first = await run(bus.subscribe('a', (event) => opened.then(() => handler(event)), { queue: 'workers' }));
    await publish(0);
    await env.settle();
    const stopped = first.stop();
    const second = await run(bus.subscribe('a', handler, { queue: 'workers' }));
    open();
    await run(stopped);
    const [, third] = await run(Promise.all([second.stop(), bus.subscribe('a', handler, { queue: 'workers' })]));
    await publish(1);
    await env.settle();
    expect(seen).toEqual([0, 1]);
    await run(third.stop());
    expect((await fixture.store.cursor('workers'))?.pos).toBe(2);
  });

  test('a subscription that opens while the bus stops is refused, a member as well', async () => {
    const { bus, run } = fixture;
    const opening = [{ name: 'mine' }, { queue: 'workers' }].map((durable) =>
      bus.subscribe('a', () => undefined, durable),
    );
    const refused = Promise.all(opening.map((one) => failureOf(one, 'ERR_SYSTEM_STOPPED')));
    await run(Promise.all([refused, bus.stop()]));
  });
});
