/** Durable subscriptions, and handlers that fail, hang or never end. */
import { describe, expect, test } from 'vitest';
import type { BusHandler, HandlerContext } from '../../src/index.ts';
import { failureOf } from '../support/harness.ts';
import { atRest, collector, gate, publishAll, upTo } from '../support/bus-verbs.ts';
import type { BusFixture, OpenBus } from './bus.ts';

const FAST = { minMs: 1, maxMs: 5 };

/** Dead letters of a subscription, once there are so many. */
function lettersOf({ system, until }: BusFixture, name: string, count: number) {
  const address = `subscriber/${name}` as never;
  return until(
    () => system.deadLetters({ address }),
    (letters) => letters.length >= count,
  );
}

export function busAttemptsContract(open: OpenBus): void {
  describe('durable subscriptions and failures', () => {
    test('G20: a named subscription goes on after a restart where it was, and misses nothing', async () => {
      await using fixture = await open();
      const { seen, handler } = collector();
      await fixture.run(fixture.system.bus.subscribe('a', handler, { name: 'mine' }));
      await publishAll(fixture, 'a', [0, 1]);
      await atRest(fixture);
      await fixture.restart();
      await publishAll(fixture, 'a', [2, 3]);
      await fixture.run(fixture.system.bus.subscribe('a', handler, { name: 'mine' }));
      await publishAll(fixture, 'a', [4]);
      await atRest(fixture);
      expect(seen).toEqual([0, 1, 2, 3, 4]);
    });

    test('G20: unsubscribe forgets the place: the next one of the name begins anew', async () => {
      await using fixture = await open();
      const { system, run } = fixture;
      const { seen, handler } = collector();
      await run(system.bus.subscribe('a', handler, { name: 'mine' }));
      await publishAll(fixture, 'a', [0]);
      await atRest(fixture);
      await run(system.bus.unsubscribe('mine'));
      await publishAll(fixture, 'a', [1]);
      await run(system.bus.subscribe('a', handler, { name: 'mine' }));
      await publishAll(fixture, 'a', [2]);
      await atRest(fixture);
      expect(seen).toEqual([0, 2]);
    });

    test('without a name an event whose handler throws is skipped, once', async () => {
      await using fixture = await open();
      const { system, run } = fixture;
      const { seen, handler } = collector();
      const fail: BusHandler = (event, context) => {
        handler(event, context);
        if (event.data === 0) throw new Error('no');
      };
      await run(system.bus.subscribe('a', fail));
      await publishAll(fixture, 'a', [0, 1]);
      await atRest(fixture);
      expect(seen).toEqual([0, 1]);
    });

    test('G20: with a name it comes again, with its number, until the handler takes it; later ones wait', async () => {
      await using fixture = await open();
      const { system, run } = fixture;
      const tries: unknown[] = [];
      const fail: BusHandler = ({ data, attempt }) => {
        tries.push([data, attempt]);
        if (data === 0 && attempt < 4) throw new Error('not yet');
      };
      await run(system.bus.subscribe('a', fail, { name: 'mine', maxAttempts: 5, backoff: FAST }));
      await publishAll(fixture, 'a', [0, 1]);
      await atRest(fixture);
      expect(tries).toEqual([
        [0, 1],
        [0, 2],
        [0, 3],
        [0, 4],
        [1, 1],
      ]);
      expect(await run(system.bus.stats())).toMatchObject({ handled: 2, failed: 3, redelivered: 3, buried: 0 });
    });

    test('G20: an event that fails every time becomes a dead letter, and the next one comes', async () => {
      await using fixture = await open();
      const { system, run } = fixture;
      const { seen, handler } = collector();
      const fail: BusHandler = (event, context) => {
        if (event.data === 0) throw new TypeError('never');
        handler(event, context);
      };
      await run(system.bus.subscribe('a', fail, { name: 'my:name', maxAttempts: 2, backoff: FAST }));
      await publishAll(fixture, 'a', [0], { id: 'poison', attributes: { subject: 's' } });
      await publishAll(fixture, 'a', [1]);
      const [letter, ...others] = await lettersOf(fixture, 'my:name', 1);
      expect(others).toEqual([]);
      expect(letter).toMatchObject({ id: 'poison', sender: 'bus/host', attempts: 2 });
      expect(JSON.parse(letter!.text)).toEqual({
        id: 'poison',
        topic: 'a',
        source: 'bus/host',
        time: expect.any(Number),
        priority: 'normal',
        data: 0,
        attributes: { subject: 's' },
      });
      expect(JSON.parse(letter!.error)).toMatchObject({ name: 'TypeError', message: 'never' });
      await atRest(fixture);
      expect(seen).toEqual([1]);
      expect((await run(system.bus.stats())).buried).toBe(1);
    });

    test('a handler that hangs without a name: its signal aborts, the event is skipped, the next one comes', async () => {
      await using fixture = await open();
      const { system, run, until } = fixture;
      const { seen, handler } = collector();
      const reasons: unknown[] = [];
      const hang: BusHandler = (event, context) => {
        if (event.data !== 0) return handler(event, context);
        const { signal } = context;
        return new Promise((_, reject) =>
          signal.addEventListener('abort', () => {
            reasons.push(signal.reason);
            reject(signal.reason as Error);
          }),
        );
      };
      await run(system.bus.subscribe('a', hang, { handlerTimeoutMs: 100 }));
      await publishAll(fixture, 'a', [0, 1]);
      await until(
        () => seen.length,
        (count) => count === 1,
      );
      expect(seen).toEqual([1]);
      expect(reasons).toMatchObject([{ code: 'ERR_HANDLER_TIMEOUT' }]);
    });

    test('G20: a handler that never ends, with a name: tried again and told that an earlier one still runs, then a dead letter; nobody waits for it for ever', async () => {
      await using fixture = await open();
      const { system, run } = fixture;
      const { seen, handler } = collector();
      const contexts: HandlerContext[] = [];
      const hang: BusHandler = (event, context) => {
        if (event.data !== 0) return handler(event, context);
        contexts.push(context);
        return new Promise(() => undefined);
      };
      await run(
        system.bus.subscribe('a', hang, { name: 'mine', handlerTimeoutMs: 100, maxAttempts: 3, backoff: FAST }),
      );
      await publishAll(fixture, 'a', [0, 1]);
      const [letter] = await lettersOf(fixture, 'mine', 1);
      expect(JSON.parse(letter!.error)).toMatchObject({ code: 'ERR_HANDLER_TIMEOUT' });
      await atRest(fixture);
      expect(seen).toEqual([1]);
      expect(contexts.map(({ unfinished, signal }) => [unfinished, signal.aborted])).toEqual([
        [0, true],
        [1, true],
        [2, true],
      ]);
      const { subscribers } = await run(system.bus.stats());
      expect(subscribers.find(({ name }) => name === 'mine')).toMatchObject({ isStalled: true, failed: 3 });
    });

    test('a handler that hung and ends at last: its subscription counts as stalled no longer', async () => {
      await using fixture = await open();
      const { system, run, until } = fixture;
      const { opened, open: letGo } = gate();
      await run(system.bus.subscribe('a', () => opened, { handlerTimeoutMs: 100 }));
      await publishAll(fixture, 'a', [0]);
      const isStalled = async () =>
        (await system.bus.stats()).subscribers.find(({ pattern }) => pattern === 'a')?.isStalled;
      await until(isStalled, (is) => is === true);
      letGo();
      await until(isStalled, (is) => is === false);
    });

    test('a name that is in use, or kept for another pattern, is refused', async () => {
      await using fixture = await open();
      const { system, run } = fixture;
      const { handler } = collector();
      const first = await run(system.bus.subscribe('a', handler, { name: 'mine' }));
      const inUse = await failureOf(run(system.bus.subscribe('a', handler, { name: 'mine' })), 'ERR_OPTIONS_INVALID');
      expect(inUse.message).toContain("'mine' is in use");
      await failureOf(run(system.bus.subscribe('a', handler, { queue: 'mine' })), 'ERR_OPTIONS_INVALID');
      await run(first.stop());
      const other = await failureOf(run(system.bus.subscribe('b', handler, { name: 'mine' })), 'ERR_OPTIONS_INVALID');
      expect(other.message).toMatch(/'a'.*'b'.*unsubscribe\('mine'\)/);
    });

    test('statistics tell what was published and handled, what is kept, and how far those are who are away', async () => {
      await using fixture = await open();
      const { system, run } = fixture;
      const { handler } = collector();
      const away = await run(system.bus.subscribe('a', handler, { name: 'away' }));
      await run(away.stop());
      const before = await run(system.bus.stats());
      await run(system.bus.subscribe('a', handler));
      await publishAll(fixture, 'a', upTo(120));
      await atRest(fixture);
      const stats = await run(system.bus.stats());
      expect(stats.published - before.published).toBe(120);
      expect(stats.handled - before.handled).toBe(120);
      expect(stats.latency.count - before.latency.count).toBe(120);
      expect(stats.perSecond).toBeGreaterThanOrEqual(2);
      expect(stats.kept.events - before.kept.events).toBeGreaterThanOrEqual(120);
      expect(stats.subscribers.find(({ name }) => name === 'away')).toMatchObject({
        members: 0,
        behind: 120,
      });
    });
  });
}
