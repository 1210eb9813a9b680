/** What is kept: read as a stream, sent to an actor, written to files, cleared. */
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { latecomer } from '../support/actors-topics.ts';
import { failureOf } from '../support/harness.ts';
import { allOf, atRest, collector, dataOf, publishAll, upTo } from '../support/bus-verbs.ts';
import type { OpenBus } from './bus.ts';

/** A folder that goes with the test. */
function tempFolder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'troupe-events-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

export function busLogContract(open: OpenBus): void {
  describe('the log', () => {
    test('G21: a replay streams what is kept in order, over any number of pages, and ends where the log ended when it began', async () => {
      await using fixture = await open();
      const { system, run } = fixture;
      await publishAll(fixture, 'a', upTo(1_500));
      const seen: unknown[] = [];
      const replay = async (): Promise<void> => {
        for await (const event of system.bus.replay({ topics: ['a'] })) {
          seen.push(event.data);
          if (seen.length < 3) void system.bus.publish('a', -1);
        }
      };
      await run(replay());
      expect(seen).toEqual(upTo(1_500));
      expect(dataOf(await run(allOf(system.bus.replay({ topics: ['a'], priorities: ['normal'], limit: 2 }))))).toEqual([
        0, 1,
      ]);
    });

    test('G21: a replay may be broken off, and begun again where it was', async () => {
      await using fixture = await open();
      const { system, run } = fixture;
      await publishAll(fixture, 'a', upTo(600));
      const first = async (): Promise<number> => {
        for await (const { data, seq } of system.bus.replay({ topics: ['a'] })) if (data === 99) return seq;
        return 0;
      };
      const afterSeq = await run(first());
      const rest = await run(allOf(system.bus.replay({ afterSeq, topics: ['a'] })));
      expect(dataOf(rest)).toEqual(upTo(600).slice(100));
    });

    test('G21: replayInto sends each event to an actor once, however often it is called', async () => {
      await using fixture = await open();
      const { system, run } = fixture;
      const ref = system.actor(latecomer, 'late');
      await run(ref.ask({ type: 'NOTES' }));
      for (const n of upTo(150)) await publishAll(fixture, n % 2 === 0 ? 'job.even' : 'job.odd', [{ n }]);
      expect(await run(system.bus.replayInto(ref.address, 'OTHER', { topics: ['job.even'] }))).toEqual({
        replayed: 75,
      });
      expect(await run(system.bus.replayInto(ref.address, 'OTHER', { topics: ['job.*'] }))).toEqual({ replayed: 150 });
      const notes = await run(ref.ask({ type: 'NOTES' }));
      const numbers = upTo(150);
      expect(notes.map(({ n }) => n)).toEqual([
        ...numbers.filter((n) => n % 2 === 0),
        ...numbers.filter((n) => n % 2 === 1),
      ]);
      expect(notes[1]).toEqual({ type: 'OTHER', topic: 'job.even', source: 'bus/host', n: 2 });
    });

    test('replayInto with what is no address or no type is refused', async () => {
      await using fixture = await open();
      const { system, run } = fixture;
      await publishAll(fixture, 'a', [0]);
      await failureOf(run(system.bus.replayInto('nowhere', 'OTHER')), 'ERR_ADDRESS');
      await failureOf(run(system.bus.replayInto('unknown/x', 'OTHER')), 'ERR_ACTOR_TYPE_UNKNOWN');
      await failureOf(run(system.bus.replayInto('latecomer/x', '')), 'ERR_OPTIONS_INVALID');
    });

    test('clear removes by topic and by time, and says how many; who wanted them is told', async () => {
      await using fixture = await open();
      const { system, run, until } = fixture;
      const away = await run(system.bus.subscribe('a', () => undefined, { name: 'away' }));
      await run(away.stop());
      await publishAll(fixture, 'a', upTo(5));
      await publishAll(fixture, 'b', upTo(3));
      if (fixture.other !== undefined)
        await until(
          () => system.bus.stats(),
          ({ nats }) => nats?.relay.behind === 0,
        );
      expect(await run(system.bus.clear({ topics: ['a'], before: 0 }))).toBe(0);
      expect(await run(system.bus.clear({ topics: ['a'] }))).toBe(5);
      expect(dataOf(await run(allOf(system.bus.replay({ topics: ['a', 'b'] }))))).toEqual([0, 1, 2]);
      const { subscribers } = await run(system.bus.stats());
      expect(subscribers.find(({ name }) => name === 'away')).toMatchObject({ missed: 5 });
      const { newestAt } = (await run(system.bus.stats())).kept;
      expect(await run(system.bus.clear({ before: newestAt! + 1 }))).toBeGreaterThanOrEqual(3);
      expect(await run(allOf(system.bus.replay({ topics: ['b'] })))).toEqual([]);
    });

    test('an export writes one file of CloudEvents per topic, under safe names, and writes nothing over', async () => {
      await using fixture = await open();
      const { system, run } = fixture;
      using folder = tempFolder();
      const topics = ['task.done', 'Task.done', 'a/b.é', `long.${'x'.repeat(200)}`];
      for (const topic of topics)
        await publishAll(fixture, topic, [{ topic }, 2], { attributes: { subject: 's' }, priority: 'high' });
      const path = join(folder.path, 'events');
      const { events, files } = await run(system.bus.exportTo(path, { topics: [...topics] }));
      expect(events).toBe(8);
      expect(files).toHaveLength(4);
      expect(readdirSync(path).toSorted()).toEqual(files.map((file) => file.slice(path.length + 1)).toSorted());
      for (const file of files) expect(file.slice(path.length + 1)).toMatch(/^[a-z0-9._%-]{1,200}\.jsonl$/);
      expect(new Set(files.map((file) => file.toLowerCase())).size).toBe(4);
      const [line] = readFileSync(files[0]!, 'utf8').split('\n');
      expect(JSON.parse(line!)).toEqual({
        specversion: '1.0',
        id: expect.any(String),
        source: 'bus/host',
        type: 'task.done',
        time: expect.stringMatching(/^\d{4}-.*Z$/),
        datacontenttype: 'application/json',
        priority: 'high',
        subject: 's',
        data: { topic: 'task.done' },
      });
      await failureOf(run(system.bus.exportTo(path, { topics })), 'ERR_OPTIONS_INVALID');
      writeFileSync(join(folder.path, 'file'), '');
      await failureOf(run(system.bus.exportTo(join(folder.path, 'file'))), 'ERR_OPTIONS_INVALID');
    });

    test('a system that has stopped gives no more: the loop of a replay says so', async () => {
      await using fixture = await open();
      const { system, run } = fixture;
      await publishAll(fixture, 'a', upTo(1_200));
      const { handler } = collector();
      await run(system.bus.subscribe('a', handler));
      await atRest(fixture);
      const iterator = system.bus.replay()[Symbol.asyncIterator]();
      await run(iterator.next());
      await fixture.restart();
      const rest = async (): Promise<void> => {
        for (let next = await iterator.next(); next.done !== true; next = await iterator.next());
      };
      await failureOf(run(rest()), 'ERR_SYSTEM_STOPPED');
    });
  });
}
