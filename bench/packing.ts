/**
 * Histories at rest: what an event of a session takes on disk before and after it is packed, and how late event loops are while segments
 * are packed one after the other, by the chore of the system.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { join } from 'node:path';
import { ROOT, toAddress } from '../src/actor/address.ts';
import type { Address } from '../src/actor/address.ts';
import type { System } from '../src/index.ts';
import { InlinePool } from '../src/pool/inline-pool.ts';
import { PiscinaPool } from '../src/pool/piscina-pool.ts';
import type { Pool } from '../src/pool/pool.ts';
import { connectFile } from '../src/store/sqlite/connect.ts';
import { openSqliteStore } from '../src/store/sqlite/sqlite-store.ts';
import type { Commit, Store } from '../src/store/store.ts';
import type { StoreClient } from '../src/store/store-client.ts';
import { packingChores } from '../src/system/packing.ts';
import { loopWatch } from './feature-actors.ts';
import { toMessage } from './machines.ts';
import type { Figure } from './measure.ts';
import { FEATURE_ACTORS, inFolder, sleep, withSystemIn } from './support.ts';

/** Who compresses: nobody, so that nothing is packed; the calling thread; or the pool. */
export type PackedBy = 'nobody' | 'inline' | 'pool';

/** Events of the session whose bytes are counted. */
const MESSAGES = 900;

const DAY_MS = 86_400_000;

/** Pages of the file that events take, per event: of those that can be packed, as rows or packed. */
export function benchHistoryBytes(isPacked: boolean): Promise<Figure> {
  return inFolder(async (folder) => {
    const file = join(folder, 'bench.db');
    await withSystemIn(folder, async (system) => {
      const session = await system.sessions.create({ user: 'ada', id: 'long' });
      for (let n = 0; n < MESSAGES; n++) await session.say(toMessage(n).text);
    });
    if (isPacked) await packAll(file);
    return bytesPerEvent(file, isPacked);
  });
}

async function packAll(file: string): Promise<void> {
  const store = openSqliteStore({ file });
  try {
    await packOnce(toCalls(store), new InlinePool());
  } finally {
    await store.close();
  }
}

function toCalls(store: Store): Pick<StoreClient, 'call'> {
  const call = (method: keyof Store, ...args: unknown[]) =>
    (store[method] as (...given: unknown[]) => unknown)(...args);
  return { call: call as StoreClient['call'] };
}

/** As the system does it a day later, when everything is at rest. */
async function packOnce(store: Pick<StoreClient, 'call'>, pool: Pick<Pool, 'compress'>): Promise<void> {
  for (const { run } of packingChores(store, pool)) await run(Date.now() + DAY_MS);
}

const NOTHING = { events: 0, bytes: 0 };

function bytesPerEvent(file: string, isPacked: boolean): Figure {
  const db = connectFile(file);
  try {
    db.exec('VACUUM');
    const tables = isPacked ? "'segments', 'sqlite_autoindex_segments_1'" : "'history', 'deltas'";
    const events = isPacked ? 'sum(last_seq + 1 - first_seq) FROM segments' : 'count(*) FROM history';
    const sql = `SELECT (SELECT ${events}) AS events, (SELECT sum(pgsize) FROM dbstat WHERE name IN (${tables})) AS bytes`;
    const { events: samples, bytes } = db.prepare<[], { events: number; bytes: number }>(sql).get() ?? NOTHING;
    return { samples, bytes: bytes / samples };
  } finally {
    db.close();
  }
}

/** Which event loop is looked at. */
export type LoopOf = 'main' | 'actor';

const ACTORS = 200;
const EVENTS = 600;
/** As long as nobody packs, which takes about as long as packing all. */
const IDLE_MS = 3_000;

/** How late an event loop is while the chore packs one segment after the other until nothing is left. */
export function benchPackingDelay(loop: LoopOf, by: PackedBy): Promise<Figure> {
  return inFolder(async (folder) => {
    await fill(join(folder, 'bench.db'));
    const options = { actors: [FEATURE_ACTORS] };
    return withSystemIn(folder, (system) => watchWhilePacking(system, loop, by), options);
  });
}

async function watchWhilePacking(system: System, loop: LoopOf, by: PackedBy): Promise<Figure> {
  const watch = system.actor(loopWatch, 'a');
  await using pool = by === 'inline' ? new InlinePool() : new PiscinaPool();
  await pool.compress('starts its thread');
  const main = monitorEventLoopDelay({ resolution: 1 });
  await watch.send({ type: 'START' });
  main.enable();
  if (by === 'nobody') await sleep(IDLE_MS);
  else await packUntilDone(system.store, pool);
  main.disable();
  const ofMain = { samples: main.count, p50: main.percentile(50), p99: main.percentile(99) };
  const { samples, p50, p99 } = loop === 'main' ? ofMain : await watch.ask({ type: 'GET' });
  return { samples, latencyMs: { p50: p50 / 1e6, p99: p99 / 1e6 } };
}

async function packUntilDone(store: Pick<StoreClient, 'call'>, pool: Pick<Pool, 'compress'>): Promise<void> {
  const before = Date.now() + DAY_MS;
  while ((await store.call('looseHistory', { minEvents: 64, before })).run) await packOnce(store, pool);
}

/** Actors that nobody runs, with histories like those of sessions and a snapshot for each hundred events. */
async function fill(file: string): Promise<void> {
  const store = openSqliteStore({ file });
  try {
    for (let n = 0; n < ACTORS; n++) {
      const address = toAddress('diary', String(n));
      await store.commit(Array.from({ length: EVENTS }, (_, index) => toCommit(address, index + 1)));
    }
  } finally {
    await store.close();
  }
}

function toCommit(address: Address, seq: number): Commit {
  const event = { type: 'SAY', message: toMessage(seq) };
  const causes = [{ kind: 'send', event }];
  const text = JSON.stringify([['a', ['context', 'messages'], [event.message]]]);
  const isWhole = seq % 100 === 1;
  return {
    address,
    epoch: 0,
    seq,
    at: seq,
    version: 1,
    status: 'active',
    state: { kind: isWhole ? 'snapshot' : 'delta', text, checksum: seq },
    history: { text: JSON.stringify({ v: 1, status: 'active', causes, effects: [] }), checksum: seq },
    ...(seq === 1 && { actor: { type: 'diary', parent: ROOT, meta: '{}' } }),
  };
}
