/** Replay to subscriptions: by policy and window, before live events, none missed and none twice. */
import { describe, expect, test } from 'vitest';
import type { BusHandler, ReplayPolicy, ReplayWindow } from '../../src/index.ts';
import { atRest, collector, dataOf, gate, publishAll, upTo } from '../support/bus-verbs.ts';
import type { BusFixture, OpenBus } from './bus.ts';

/** Eight events on two topics, the odd ones critical. */
async function publishMixed(fixture: BusFixture): Promise<void> {
  for (const n of upTo(8))
    await publishAll(fixture, n < 4 ? 'a.x' : 'a.y', [n], { priority: n % 2 === 1 ? 'critical' : 'normal' });
}

export function busReplayContract(open: OpenBus): void {
  describe('replay to subscriptions', () => {
    test.each<[string, ReplayPolicy | ReplayWindow | undefined, readonly number[]]>([
      ['without a replay', undefined, []],
      ["'none'", 'none', []],
      ["'full'", 'full', upTo(8)],
      ["'critical-only'", 'critical-only', [1, 3, 5, 7]],
      ['a window without a policy', {}, [1, 3, 5, 7]],
      ['topics', { policy: 'full', topics: ['a.y'] }, [4, 5, 6, 7]],
      ['priorities', { policy: 'full', priorities: ['normal'] }, [0, 2, 4, 6]],
      ['priorities without a critical one, by the default policy', { priorities: ['normal'] }, []],
      ['a limit: the first ones', { policy: 'full', limit: 3 }, [0, 1, 2]],
      ['topics and a limit of critical ones', { topics: ['a.y', 'b'], limit: 1 }, [5]],
    ])(
      'G21: %s: what was published before comes as chosen, what is live comes whole',
      async (_name, replay, wanted) => {
        await using fixture = await open();
        const { system, run } = fixture;
        await publishMixed(fixture);
        const { seen, handler } = collector();
        await run(system.bus.subscribe('a.*', handler, replay === undefined ? {} : { replay }));
        await publishAll(fixture, 'a.x', [8, 9]);
        await atRest(fixture);
        expect(seen).toEqual([...wanted, 8, 9]);
      },
    );

    test('G21: by position and by time', async () => {
      await using fixture = await open();
      const { system, run, until } = fixture;
      const all = collector();
      await run(system.bus.subscribe('a.*', all.handler));
      await publishMixed(fixture);
      await atRest(fixture);
      const lastTime = all.events.at(-1)!.time;
      const since = await until(
        () => system.bus.stats().then(({ kept }) => Math.max(kept.newestAt!, lastTime) + 1),
        Boolean,
      );
      const byPosition = collector();
      await run(
        system.bus.subscribe('a.*', byPosition.handler, { replay: { policy: 'full', afterSeq: all.events[5]!.seq } }),
      );
      const untilThen = collector();
      await run(
        system.bus.subscribe('a.*', untilThen.handler, {
          replay: { policy: 'full', until: new Date(lastTime), since: all.events[0]!.time },
        }),
      );
      const tooLate = collector();
      await run(system.bus.subscribe('a.*', tooLate.handler, { replay: { policy: 'full', since } }));
      await atRest(fixture);
      expect(byPosition.seen).toEqual([6, 7]);
      expect(untilThen.seen).toEqual(upTo(8));
      expect(tooLate.seen).toEqual([]);
    });

    test('G21: events published during a replay come after it, none missed and none twice', async () => {
      await using fixture = await open();
      const { system, run, until } = fixture;
      await publishAll(fixture, 'a', upTo(700));
      const { seen, handler } = collector();
      const { opened, open: letGo } = gate();
      const slow: BusHandler = async (event, context) => {
        if (event.data === 100) await opened;
        handler(event, context);
      };
      await run(system.bus.subscribe('a', slow, { replay: 'full' }));
      await until(
        () => seen.length,
        (count) => count === 100,
      );
      await publishAll(
        fixture,
        'a',
        upTo(300).map((n) => 700 + n),
      );
      letGo();
      await until(
        () => seen.length,
        (count) => count >= 1_000,
      );
      await publishAll(fixture, 'a', [1_000]);
      await until(
        () => seen.length,
        (count) => count >= 1_001,
      );
      await atRest(fixture);
      expect(seen).toEqual(upTo(1_001));
    });

    test.each<[ReplayPolicy | ReplayWindow | undefined, readonly number[]]>([
      [undefined, [2, 3, 4, 5]],
      ['full', [2, 3, 4, 5]],
      ['critical-only', [3, 5]],
      ['none', [5]],
      [{ policy: 'full', limit: 1 }, [2, 5]],
    ])(
      'G21: a name that goes on with replay %j gets of what it missed what that chooses, then what is live',
      async (replay, wanted) => {
        await using fixture = await open();
        const first = collector();
        await fixture.run(fixture.system.bus.subscribe('a', first.handler, { name: 'mine' }));
        await publishAll(fixture, 'a', [0, 1]);
        await atRest(fixture);
        await fixture.restart();
        for (const n of [2, 3, 4]) await publishAll(fixture, 'a', [n], { priority: n === 3 ? 'critical' : 'low' });
        const { seen, handler } = collector();
        const subscribe = () =>
          fixture.system.bus.subscribe('a', handler, { name: 'mine', ...(replay !== undefined && { replay }) });
        await fixture.run(subscribe());
        await publishAll(fixture, 'a', [5]);
        await atRest(fixture);
        expect(first.seen).toEqual([0, 1]);
        expect(seen).toEqual(wanted);
      },
    );

    test('G21: a new name with a replay begins there, and goes on from its place afterwards', async () => {
      await using fixture = await open();
      await publishAll(fixture, 'a', upTo(3));
      const { seen, events, handler } = collector();
      const subscribe = () => fixture.run(fixture.system.bus.subscribe('a', handler, { name: 'mine', replay: 'full' }));
      const first = await subscribe();
      await atRest(fixture);
      await fixture.run(first.stop());
      await publishAll(fixture, 'a', [3]);
      await subscribe();
      await atRest(fixture);
      expect(seen).toEqual(upTo(4));
      expect(events.map(({ seq }) => seq)).toEqual(events.map(({ seq }) => seq).toSorted((a, b) => a - b));
    });

    test('G21: a group that begins with a replay shares it among its members', async () => {
      await using fixture = await open();
      const { system, run, until } = fixture;
      await publishAll(fixture, 'a', upTo(40));
      const members = [collector(), collector()];
      for (const { handler } of members)
        await run(system.bus.subscribe('a', handler, { queue: 'late', replay: 'full' }));
      await publishAll(fixture, 'a', [40]);
      await until(
        () => members.flatMap(({ events }) => dataOf(events)).length,
        (count) => count >= 41,
      );
      const all = members.flatMap(({ events }) => dataOf(events)) as number[];
      expect(all.toSorted((a, b) => a - b)).toEqual(upTo(41));
    });
  });
}
