/** Subscriptions with a name: at least once, from where they were, whatever happens to the process. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { BusEvent } from '../../../src/bus/topic-event.ts';
import { createRandom } from '../../../src/testing.ts';
import { failureOf } from '../../support/harness.ts';
import { collector, createBusFixture, gate, upTo } from './fixture.ts';

describe('embedded bus: subscriptions with a name', () => {
  let fixture = createBusFixture();
  beforeEach(() => void (fixture = createBusFixture()));

  const publish = (...data: readonly number[]) =>
    fixture.run(Promise.all(data.map((n) => fixture.bus.publish('a', n))));

  test('a new name begins at the end', async () => {
    const { seen, handler } = collector();
    await publish(0, 1);
    await fixture.run(fixture.bus.subscribe('a', handler, { name: 'new' }));
    await publish(2);
    await fixture.env.settle();
    expect(seen).toEqual([2]);
  });

  test('G12: it goes on after a restart exactly where it was', async () => {
    const { seen, handler } = collector();
    await fixture.run(fixture.bus.subscribe('a', handler, { name: 'mine' }));
    await publish(0, 1, 2);
    await fixture.restart();
    await publish(3, 4);
    await fixture.run(fixture.bus.subscribe('a', handler, { name: 'mine' }));
    await publish(5);
    await fixture.env.settle();
    expect(seen).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test('G12: what is published after the name was taken comes even if the process is killed at once', async () => {
    const { seen, handler } = collector();
    await fixture.run(fixture.bus.subscribe('a', () => new Promise(() => undefined), { name: 'mine' }));
    fixture.kill();
    await publish(0, 1);
    await fixture.run(fixture.bus.subscribe('a', handler, { name: 'mine' }));
    await fixture.env.settle();
    expect(seen).toEqual([0, 1]);
  });

  test('G12: killed at random it sees every event, in order from where it goes on', async () => {
    const seed = Number(process.env['SEED'] ?? 4711);
    const random = createRandom(seed);
    const seen: number[] = [];
    const handler = async ({ data }: BusEvent): Promise<void> => {
      if (random() < 0.3) await Promise.resolve();
      seen.push(data as number);
    };
    let next = 0;
    for (let life = 0; life < 40; life++) {
      await fixture.run(fixture.bus.subscribe('a', handler, { name: 'mine' }));
      for (let batch = 0; batch < 3; batch++) {
        const count = Math.floor(random() * 120);
        const published = Promise.all(upTo(count).map((n) => fixture.bus.publish('a', next + n)));
        next += count;
        await fixture.run(published);
      }
      if (random() < 0.5) await fixture.restart();
      else fixture.kill();
    }
    await fixture.run(fixture.bus.subscribe('a', handler, { name: 'mine' }));
    await fixture.env.settle();
    expect(
      [...new Set(seen)].toSorted((a, b) => a - b),
      `SEED=${seed}`,
    ).toEqual(upTo(next));
    const jumps = seen.filter((n, index) => index > 0 && n > seen[index - 1]! + 1);
    expect(jumps, `SEED=${seed}`).toEqual([]);
  });

  test('5,000 events reach a slow one in order, none missed, none twice, a page in memory at a time', async () => {
    const { bus, env, run, reads, saves } = fixture;
    const seen: number[] = [];
    const slow = async ({ data }: BusEvent): Promise<void> => {
      await new Promise<void>((resolve) => env.setTimeout(resolve, 1));
      seen.push(data as number);
    };
    await run(bus.subscribe('a', slow, { name: 'slow' }));
    for (let n = 0; n < 5_000; n += 500) await publish(...upTo(500).map((i) => n + i));
    expect(seen.length).toBeLessThan(100);
    await env.advance(6_000);
    expect(seen).toEqual(upTo(5_000));
    expect(Math.max(...reads.map(({ limit }) => limit ?? Infinity))).toBe(256);
    expect(reads.length).toBeLessThan(40);
    expect(saves.length).toBeLessThan(40);
    await fixture.restart();
    await run(fixture.bus.subscribe('a', slow, { name: 'slow' }));
    await env.advance(1_000);
    expect(seen).toHaveLength(5_000);
  });

  test('one that resumes far behind holds back nobody and catches up', async () => {
    const { env, run } = fixture;
    const behind = collector();
    const live = collector();
    await run(fixture.bus.subscribe('a', behind.handler, { name: 'behind' }));
    await fixture.restart();
    await publish(...upTo(2_000));
    const { opened, open } = gate();
    await run(fixture.bus.subscribe('a', (event) => opened.then(() => behind.handler(event)), { name: 'behind' }));
    await run(fixture.bus.subscribe('a', live.handler));
    await publish(2_000);
    await env.settle();
    expect(live.seen).toEqual([2_000]);
    open();
    await env.settle();
    await publish(2_001);
    await env.settle();
    expect(behind.seen).toEqual(upTo(2_002));
    expect(live.seen).toEqual([2_000, 2_001]);
  });

  test('one whose events were swept while it was away goes on with what is left', async () => {
    const { seen, handler } = collector();
    await fixture.run(fixture.bus.subscribe('a', handler, { name: 'mine' }));
    await fixture.restart();
    await publish(0, 1);
    await fixture.store.sweepBus({ before: fixture.env.now() + 1 });
    await fixture.run(fixture.bus.subscribe('a', handler, { name: 'mine' }));
    await fixture.env.settle();
    await publish(2);
    await fixture.env.settle();
    expect(seen).toEqual([2]);
  });

  test('a handler that throws gets the event again after 100 and 200 ms', async () => {
    const { bus, env, run, store } = fixture;
    const at: number[] = [];
    const { seen, handler } = collector();
    const fail = (event: BusEvent): void => {
      if (event.data === 0) at.push(env.now());
      if (event.data === 0 && at.length < 3) throw new Error('not yet');
      handler(event);
    };
    await run(bus.subscribe('a', fail, { name: 'mine' }));
    const began = env.now();
    await publish(0, 1);
    await env.advance(1_000);
    expect(at.map((time) => time - began)).toEqual([0, 100, 300]);
    expect(seen).toEqual([0, 1]);
    expect(await store.deadLetters()).toEqual([]);
  });

  test('after three attempts the event becomes a dead letter, and the next one comes', async () => {
    const { bus, env, run, store, logs } = fixture;
    const { seen, handler } = collector();
    let attempts = 0;
    const fail = async (event: BusEvent): Promise<void> => {
      if (event.data !== 0) return handler(event);
      attempts++;
      throw new TypeError('never');
    };
    await run(bus.subscribe('a', fail, { name: 'my:name' }));
    await run(bus.publish('a', 0, { id: 'bad' }));
    await publish(1);
    await env.advance(1_000);
    expect(attempts).toBe(3);
    expect(seen).toEqual([1]);
    const [letter, ...others] = await store.deadLetters();
    expect(others).toEqual([]);
    expect(letter).toMatchObject({ address: 'subscriber/my:name', id: 'bad', sender: 'bus/host', attempts: 3 });
    expect(JSON.parse(letter!.text)).toMatchObject({ id: 'bad', topic: 'a', data: 0, priority: 'normal' });
    expect(JSON.parse(letter!.error)).toMatchObject({ name: 'TypeError', message: 'never' });
    expect(logs.map(({ level, fields }) => [level, fields['subscription']])).toEqual(
      upTo(3).map(() => ['warn', 'my:name']),
    );
    await fixture.restart();
    await run(fixture.bus.subscribe('a', fail, { name: 'my:name' }));
    await env.advance(1_000);
    expect(attempts).toBe(3);
  });

  test('a stop between two attempts loses nothing: the event comes again after the restart', async () => {
    const { env, run, store } = fixture;
    let attempts = 0;
    const fail = (): void => {
      attempts++;
      throw new Error('not yet');
    };
    await run(fixture.bus.subscribe('a', fail, { name: 'mine' }));
    await publish(0);
    await env.settle();
    expect(attempts).toBe(1);
    await fixture.restart();
    expect(env.pendingTimers.filter(({ dueAt }) => dueAt - env.now() <= 100)).toEqual([]);
    const { seen, handler } = collector();
    await run(fixture.bus.subscribe('a', handler, { name: 'mine' }));
    await env.settle();
    expect(seen).toEqual([0]);
    expect(await store.deadLetters()).toEqual([]);
  });

  test('a stop while a handler runs saves its event as done', async () => {
    const { env, run } = fixture;
    const { seen, handler } = collector();
    const { opened, open } = gate();
    await run(fixture.bus.subscribe('a', (event) => opened.then(() => handler(event)), { name: 'mine' }));
    await publish(0, 1);
    await env.settle();
    const restarted = fixture.restart();
    await env.settle();
    open();
    await restarted;
    await run(fixture.bus.subscribe('a', handler, { name: 'mine' }));
    await env.settle();
    expect(seen).toEqual([0, 1]);
  });

  test('a name that is in use is refused, and free again once the subscription has stopped', async () => {
    const { bus, run } = fixture;
    const first = bus.subscribe('a', () => undefined, { name: 'mine' });
    const failure = await failureOf(
      bus.subscribe('a', () => undefined, { name: 'mine' }),
      'ERR_OPTIONS_INVALID',
    );
    expect(failure.message).toContain("'mine' is in use");
    const subscription = await run(first);
    expect(subscription).toMatchObject({ pattern: 'a', name: 'mine' });
    await run(subscription.stop());
    await run(bus.subscribe('a', () => undefined, { name: 'mine' }));
  });

  test('a name keeps its pattern; the error names both and says what to do', async () => {
    const { bus, run } = fixture;
    await run((await run(bus.subscribe('a.*', () => undefined, { name: 'mine' }))).stop());
    const failure = await failureOf(run(bus.subscribe('b', () => undefined, { name: 'mine' })), 'ERR_OPTIONS_INVALID');
    expect(failure.message).toMatch(/'a\.\*'.*'b'.*unsubscribe\('mine'\)/);
    await run(bus.unsubscribe('mine'));
    await run(bus.subscribe('b', () => undefined, { name: 'mine' }));
  });

  test('unsubscribe ends a live subscription and forgets its place', async () => {
    const { bus, env, run, store } = fixture;
    const { seen, handler } = collector();
    await run(bus.subscribe('a', handler, { name: 'mine' }));
    await publish(0);
    await run(bus.unsubscribe('mine'));
    expect(await store.cursor('mine')).toBeUndefined();
    await publish(1);
    await run(bus.subscribe('a', handler, { name: 'mine' }));
    await publish(2);
    await env.settle();
    expect(seen).toEqual([0, 2]);
  });

  test('a handler may unsubscribe itself; its place stays forgotten', async () => {
    const { bus, env, run, store } = fixture;
    const { seen, handler } = collector();
    await run(
      bus.subscribe(
        'a',
        async (event) => {
          handler(event);
          await bus.unsubscribe('mine');
        },
        { name: 'mine' },
      ),
    );
    await publish(0, 1);
    await env.settle();
    expect(seen).toEqual([0]);
    expect(await store.cursor('mine')).toBeUndefined();
  });

  test.each([['unknown'], ['a/b']])('unsubscribe(%j) is refused', async (name) => {
    await failureOf(fixture.run(fixture.bus.unsubscribe(name)), 'ERR_OPTIONS_INVALID');
  });

  test('a place is saved when it goes idle, not for events it did not want', async () => {
    const { bus, env, run, saves } = fixture;
    await run(bus.subscribe('b', () => undefined, { name: 'mine' }));
    await publish(...upTo(50));
    await env.settle();
    expect(saves).toHaveLength(1);
    await run(bus.publish('b', 1));
    await env.settle();
    expect(saves).toHaveLength(2);
  });
});
