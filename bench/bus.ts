/** The bus of one system: from a publication to the function that handles it, and reading again what was published. */
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import type { System } from '../src/index.ts';
import { listener } from './feature-actors.ts';
import { measure, measureBulk, measureRounds, runAll } from './measure.ts';
import type { Figure } from './measure.ts';
import { drained, FEATURE_ACTORS, inFolder, MemoryWatch, openTally, withSystem } from './support.ts';

/** The topic of these measurements. */
export const TOPIC = 'bench.host';

const OPTIONS = { actors: [FEATURE_ACTORS] };

/** Who publishes and who hears it: one system, or two that share a server. */
export interface Ends {
  readonly from: System;
  readonly to: System;
}

/** One at a time, from the call of `publish` to the call of a function that subscribes. */
export async function measureHeard({ from, to }: Ends, count: number): Promise<Figure> {
  const heard = await listen(to);
  let next = 0;
  return measure({ count, inFlight: 1 }, (_n, done) => {
    const n = next++;
    heard.on(n, done);
    void from.bus.publish(TOPIC, { n });
  });
}

/** With 64 in flight, until a function has handled all of them: throughput. */
export async function measureManyHeard({ from, to }: Ends, publications: number): Promise<Figure> {
  const heard = await listen(to);
  let next = 0;
  return measureBulk(publications, async (count) => {
    const last = next + count - 1;
    const all = new Promise<void>((resolve) => heard.on(last, resolve));
    await runAll(count, 64, (_n, done) => void from.bus.publish(TOPIC, { n: next++ }).then(done));
    await all;
  });
}

/** Within one system. */
export function benchHeard(count: number): Promise<Figure> {
  return withSystem((system) => measureHeard({ from: system, to: system }, count), OPTIONS);
}

/** Within one system. */
export function benchManyHeard(publications: number): Promise<Figure> {
  return withSystem((system) => measureManyHeard({ from: system, to: system }, publications), OPTIONS);
}

/** Subscribes with a function; `on` tells it what to call when it hears a number. */
async function listen(system: System): Promise<{ on(n: number, done: () => void): void }> {
  const waiting = new Map<number, () => void>();
  await system.bus.subscribe(TOPIC, ({ data }) => {
    const { n } = data as { readonly n: number };
    const done = waiting.get(n);
    waiting.delete(n);
    done?.();
  });
  return { on: (n, done) => void waiting.set(n, done) };
}

export interface ReplayOptions {
  readonly count: number;
  readonly rounds: number;
}

/** Reads everything that was published: time of it all, and the most memory it took. */
export function benchReplay({ count, rounds }: ReplayOptions): Promise<Figure> {
  return withLog(count, async (system) => {
    const watch = new MemoryWatch();
    const figure = await measureRounds({ count, rounds }, async () => {
      let left = count;
      for await (const { data } of system.bus.replay({ topics: [TOPIC] })) {
        if ((data as { readonly n: number }).n >= 0) left--;
        watch.look();
      }
      if (left !== 0) throw new Error(`The replay left out ${left} of ${count} events.`);
    });
    return { ...figure, bytes: watch.grownBytes };
  });
}

/** Sends everything that was published to an actor, a new one each time, until it has handled all of it. */
export function benchReplayInto({ count, rounds }: ReplayOptions): Promise<Figure> {
  openTally();
  return withLog(count, (system) =>
    measureRounds({ count, rounds }, async (round) => {
      const actor = system.actor(listener, `r${round}`, {});
      await system.bus.replayInto(actor.address, 'SAID', { topics: [TOPIC] });
      await drained(system);
    }),
  );
}

/** The limit of it: as many rows read from a bare table on this thread and parsed, and as many durable sends to one actor, 64 in flight. */
export function benchScanAndSend({ count, rounds }: ReplayOptions): Promise<Figure> {
  openTally();
  return inBareTable(count, (scan) =>
    withSystem((system) => measureRounds({ count, rounds }, (round) => sendAll(system, `r${round}`, scan())), OPTIONS),
  );
}

/** The limit of reading: as many rows from a bare table on this thread, parsed. */
export function benchScan({ count, rounds }: ReplayOptions): Promise<Figure> {
  return inBareTable(count, (scan) =>
    measureRounds({ count, rounds }, async () => {
      if (scan().length !== count) throw new Error('The bare table has lost rows.');
    }),
  );
}

/** Sends events to a new actor as a subscription would bring them, 64 in flight, until it has handled all of them. */
export async function sendAll(system: System, key: string, numbers: readonly number[]): Promise<void> {
  const ref = system.actor(listener, key, {});
  const send = (n: number): Promise<void> =>
    ref.send({
      type: 'SAID',
      id: `e${n}`,
      topic: TOPIC,
      source: 'bus/host',
      time: Date.now(),
      priority: 'normal',
      data: { n },
    });
  await runAll(numbers.length, 64, (i, done) => void send(numbers[i] ?? 0).then(done));
  await drained(system);
}

/** Runs `work` with a system in whose log there are so many events. */
export function withLog<T>(count: number, work: (system: System) => Promise<T>): Promise<T> {
  return withSystem(async (system) => {
    await fillLog(system, count);
    return work(system);
  }, OPTIONS);
}

const PER_COMMIT = 250;

/** Publishes in commits of many: one by one a million would take a minute. */
export async function fillLog(system: System, count: number): Promise<void> {
  const orphan = { address: system.actor(listener, 'filler').address, seq: 0, epoch: 1, version: 1 } as const;
  await runAll(Math.ceil(count / PER_COMMIT), 16, (commit, done) => {
    const from = commit * PER_COMMIT;
    const publish = Array.from({ length: Math.min(PER_COMMIT, count - from) }, (_, i) => ({
      id: `00000000-0000-4000-8000-${String(from + i).padStart(12, '0')}`,
      topic: TOPIC,
      priority: 'normal' as const,
      text: `{"n":${from + i}}`,
    }));
    system.store.post({ ...orphan, at: Date.now(), status: 'active', publish }, done);
  });
}

function inBareTable<T>(count: number, work: (scan: () => readonly number[]) => Promise<T>): Promise<T> {
  return inFolder(async (folder) => {
    const db = new BetterSqlite3(join(folder, 'bare.db'));
    db.pragma('journal_mode = WAL');
    db.exec('CREATE TABLE events (pos INTEGER PRIMARY KEY, id TEXT, topic TEXT, source TEXT, at INTEGER, text TEXT)');
    const insert = db.prepare('INSERT INTO events (id, topic, source, at, text) VALUES (?, ?, ?, ?, ?)');
    db.transaction(() => {
      for (let n = 0; n < count; n++)
        insert.run(
          `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
          TOPIC,
          'bus/host',
          Date.now(),
          `{"n":${n}}`,
        );
    })();
    const select = db.prepare('SELECT * FROM events ORDER BY pos');
    const scan = (): readonly number[] =>
      (select.all() as { readonly text: string }[]).map(({ text }) => (JSON.parse(text) as { readonly n: number }).n);
    try {
      return await work(scan);
    } finally {
      db.close();
    }
  });
}
