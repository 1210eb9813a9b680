/** Queue groups: one place, many members, each event to one of them. */
import { describe, expect, test } from 'vitest';
import type { BusHandler } from '../../src/index.ts';
import { failureOf } from '../support/harness.ts';
import { collector, gate, publishAll, upTo } from '../support/bus-verbs.ts';
import type { OpenBus } from './bus.ts';

const FAST = { minMs: 1, maxMs: 5 };

const sorted = (numbers: readonly unknown[]): unknown[] => numbers.toSorted((a, b) => (a as number) - (b as number));

export function busGroupsContract(open: OpenBus): void {
  describe('queue groups', () => {
    test('G20: each event goes to one member, and every member has its part', async () => {
      await using fixture = await open();
      const { system, run, until } = fixture;
      const members = upTo(3).map(() => collector());
      const slowly =
        ({ handler }: ReturnType<typeof collector>): BusHandler =>
        async (event, context) => {
          await Promise.resolve();
          handler(event, context);
        };
      for (const member of members) await run(system.bus.subscribe('job.*', slowly(member), { queue: 'workers' }));
      await publishAll(fixture, 'job.a', upTo(300));
      await until(
        () => members.reduce((sum, { seen }) => sum + seen.length, 0),
        (count) => count >= 300,
      );
      expect(sorted(members.flatMap(({ seen }) => seen))).toEqual(upTo(300));
      expect(members.map(({ seen }) => seen.length > 0)).toEqual([true, true, true]);
    });

    test('G20: members work side by side: one that is slow holds back only its own event', async () => {
      await using fixture = await open();
      const { system, run, until } = fixture;
      const { opened, open: letGo } = gate();
      const fast = collector();
      const slow: unknown[] = [];
      const both = (handle: BusHandler) => run(system.bus.subscribe('job', handle, { queue: 'workers' }));
      const handler: BusHandler = async (event, context) => {
        if (event.data !== 0) return fast.handler(event, context);
        await opened;
        slow.push(event.data);
      };
      await both(handler);
      await both(handler);
      await publishAll(fixture, 'job', upTo(20));
      await until(
        () => fast.seen.length,
        (count) => count === 19,
      );
      expect(slow).toEqual([]);
      letGo();
      await until(
        () => slow.length,
        (count) => count === 1,
      );
      expect(sorted(fast.seen)).toEqual(upTo(20).slice(1));
    });

    test('G20: an event a member fails at comes again to any of them, then becomes a dead letter of the group', async () => {
      await using fixture = await open();
      const { system, run, until } = fixture;
      const { seen, handler } = collector();
      const attempts: number[] = [];
      const fail: BusHandler = (event, context) => {
        if (event.data !== 0) return handler(event, context);
        attempts.push(event.attempt);
        throw new Error('never');
      };
      for (let n = 0; n < 2; n++)
        await run(system.bus.subscribe('job', fail, { queue: 'workers', maxAttempts: 3, backoff: FAST }));
      await publishAll(fixture, 'job', upTo(10));
      const letters = await until(
        () => system.deadLetters({ address: 'subscriber/workers' as never }),
        ({ length }) => length > 0,
      );
      expect(letters).toMatchObject([{ attempts: 3, sender: 'bus/host' }]);
      await until(
        () => seen.length,
        (count) => count === 9,
      );
      expect(sorted(seen)).toEqual(upTo(10).slice(1));
      expect(attempts).toEqual([1, 2, 3]);
    });

    test('G20: a member that hangs does not keep its event: it goes to a member again', async () => {
      await using fixture = await open();
      const { system, run, until } = fixture;
      const { seen, handler } = collector();
      const hangOnce: BusHandler = (event, context) =>
        event.data === 0 && event.attempt === 1 ? new Promise(() => undefined) : handler(event, context);
      await run(system.bus.subscribe('job', hangOnce, { queue: 'workers', handlerTimeoutMs: 100, backoff: FAST }));
      await publishAll(fixture, 'job', [0, 1]);
      await until(
        () => seen.length,
        (count) => count === 2,
      );
      expect(sorted(seen)).toEqual([0, 1]);
    });

    test('G20: a group keeps its place while it has no member', async () => {
      await using fixture = await open();
      const { seen, handler } = collector();
      const join = () => fixture.run(fixture.system.bus.subscribe('job', handler, { queue: 'workers' }));
      const [first, second] = [await join(), await join()];
      await publishAll(fixture, 'job', upTo(5));
      await fixture.until(
        () => seen.length,
        (count) => count === 5,
      );
      await fixture.run(Promise.all([first.stop(), second.stop()]));
      await publishAll(fixture, 'job', [5]);
      await fixture.restart();
      await publishAll(fixture, 'job', [6]);
      await join();
      await fixture.until(
        () => seen.length,
        (count) => count >= 7,
      );
      expect(sorted(seen)).toEqual(upTo(7));
    });

    test('a member that stops ends what it has under way, and the others go on', async () => {
      await using fixture = await open();
      const { system, run, until } = fixture;
      const { opened, open: letGo } = gate();
      const { seen, handler } = collector();
      const begun: unknown[] = [];
      const first = await run(
        system.bus.subscribe(
          'job',
          async (event, context) => {
            begun.push(event.data);
            await opened;
            handler(event, context);
          },
          { queue: 'workers' },
        ),
      );
      await publishAll(fixture, 'job', [0]);
      await until(
        () => begun.length,
        (count) => count === 1,
      );
      await run(system.bus.subscribe('job', handler, { queue: 'workers' }));
      const stopped = first.stop();
      await publishAll(fixture, 'job', [1, 2]);
      await until(
        () => seen.length,
        (count) => count === 2,
      );
      letGo();
      await run(stopped);
      await publishAll(fixture, 'job', [3]);
      await until(
        () => seen.length,
        (count) => count === 4,
      );
      expect(sorted(seen)).toEqual([0, 1, 2, 3]);
      expect(begun).toEqual([0]);
    });

    test('G20: unsubscribe ends a group and forgets its place', async () => {
      await using fixture = await open();
      const { system, run, until } = fixture;
      const { seen, handler } = collector();
      const join = () => run(system.bus.subscribe('job', handler, { queue: 'workers' }));
      await join();
      await publishAll(fixture, 'job', [0]);
      await until(
        () => seen.length,
        (count) => count === 1,
      );
      await run(system.bus.unsubscribe('workers'));
      await publishAll(fixture, 'job', [1]);
      await join();
      await publishAll(fixture, 'job', [2]);
      await until(
        () => seen.length,
        (count) => count === 2,
      );
      expect(seen).toEqual([0, 2]);
    });

    test('a member with another pattern than its group is refused', async () => {
      await using fixture = await open();
      const { system, run } = fixture;
      const { handler } = collector();
      await run(system.bus.subscribe('job.*', handler, { queue: 'workers' }));
      const failure = await failureOf(
        run(system.bus.subscribe('job.>', handler, { queue: 'workers' })),
        'ERR_OPTIONS_INVALID',
      );
      expect(failure.message).toMatch(/'workers'.*job\.\*.*job\.>/);
    });
  });
}
