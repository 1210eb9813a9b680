/** Everything a store has, as plain data that can be compared: with another store, or with itself at another time. */
import type { Address } from '../../src/actor/address.ts';
import type { StateRow, Store } from '../../src/store/store.ts';

const ALL = { limit: 1_000 } as const;

/** What to look for besides what a store lists by itself. */
export interface DumpOptions {
  readonly addresses: readonly Address[];
  readonly ids?: readonly string[];
  readonly cursors?: readonly string[];
  readonly now?: number;
}

/** Reads everything there is. */
export async function dumpStore(store: Store, { addresses, ids = [], cursors = [], now = 0 }: DumpOptions) {
  const { bytes: _bytes, ...stats } = await store.stats();
  const keys = await store.kvKeys({ prefix: '', now, ...ALL });
  return {
    stats,
    actors: await inTurn(addresses, async (address) => dumpActor(store, address, ids)),
    list: (await store.list({ ...ALL, order: 'oldest' })).items,
    recoverable: await store.recoverable(ALL),
    outbox: await store.outbox(ALL),
    deadLetters: await store.deadLetters(ALL),
    due: await store.due({ until: Number.MAX_SAFE_INTEGER, ...ALL }),
    busEvents: await store.busEvents(ALL),
    lastBus: { pos: await store.lastBusPos() },
    busCounts: await store.busCounts(),
    cursors: await inTurn(cursors, async (name) => (await store.cursor(name)) ?? null),
    places: await store.cursors(),
    kv: await inTurn(keys, async (key) => [key, await store.kvGet(key, now)] as const),
    loose: await store.looseSnapshots({ minChars: 5_000, before: Number.MAX_SAFE_INTEGER, ...ALL }),
  };
}

/** What a dump says. */
export type StoreDump = Awaited<ReturnType<typeof dumpStore>>;

async function dumpActor(store: Store, address: Address, ids: readonly string[]) {
  const actor = await store.load(address);
  const history = await store.history(address, ALL);
  const commits = [...new Set([...history.map(({ seq }) => seq), ...(actor ? [actor.seq] : [])])];
  return {
    address,
    actor: actor ? { ...actor, snapshot: plain(actor.snapshot), deltas: actor.deltas.map(plain) } : null,
    inbox: await store.inbox(address, ALL),
    log: await store.log(address, ALL),
    history,
    states: await inTurn(commits, async (until) => states(store, address, until)),
    scheduled: await store.scheduled(address, ALL),
    idempotency: await inTurn(ids, async (id) => (await store.idempotency(address, id)) ?? null),
  };
}

async function states(store: Store, address: Address, until: number) {
  const read = async (before?: number) => {
    const rows = await store.states(address, { until, ...(before !== undefined && { before }) });
    return rows ? [rows.snapshot, ...rows.deltas].map(plain) : null;
  };
  const now = await read();
  return { until, now, former: now?.[0] ? await read(now[0].seq) : null };
}

/** Bytes as text, so that every adapter's compare. */
function plain({ seq, text, checksum }: StateRow) {
  return { seq, checksum, text: typeof text === 'string' ? text : Buffer.from(text).toString('base64') };
}

/** One after the other: what is read is one moment only if nobody else writes. */
export async function inTurn<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const item of items) results.push(await work(item));
  return results;
}

const POSITIONS = new Set(['pos', 'previousPos', 'spawned', 'lastPos', 'reachedPos']);
const LISTS = new Set(['outboxPositions']);

/** The same with positions replaced by their rank, for stores that count from elsewhere or leave gaps. 0 stays 0. */
export function toRanks<T>(value: T): T {
  const found = new Set<number>();
  walk(value, (pos) => (found.add(pos), pos));
  const ranks = new Map([...found].toSorted((a, b) => a - b).map((pos, index) => [pos, index + 1]));
  return walk(value, (pos) => ranks.get(pos) ?? 0) as T;
}

function walk(value: unknown, visit: (pos: number) => number, isPosition = false): unknown {
  if (typeof value === 'number') return isPosition && value !== 0 ? visit(value) : value;
  if (Array.isArray(value)) return value.map((item) => walk(item, visit, isPosition));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, walk(inner, visit, POSITIONS.has(key) || LISTS.has(key))]),
  );
}
