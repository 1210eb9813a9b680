/** The store that keeps nothing: the same port over plain maps, for tests and for systems that may forget. */
import type { Address } from '../../actor/address.ts';
import { TroupeError } from '../../errors.ts';
import { DEFAULT_MAX_FAN_OUT } from '../fan-out.ts';
import { isOldestFirst, limitOf, parseCursor, toCursor } from '../queries.ts';
import type {
  BusQuery,
  DeadLetterQuery,
  DueQuery,
  HistoryQuery,
  KeyQuery,
  ListPosition,
  ListQuery,
  LogQuery,
  LooseHistory,
  LooseQuery,
  Page,
  Recoverable,
  StatesQuery,
  TallyQuery,
} from '../queries.ts';
import type {
  ActorSummary,
  Adoption,
  AdoptionResult,
  Commit,
  Cursor,
  InboxRow,
  Store,
  StoreFeatures,
  StoredDeadLetter,
} from '../store.ts';
import type { BusCount, BusScan, BusSweep } from '../topics.ts';
import { MemoryTables } from './tables.ts';
import type { ActorHead } from './tables.ts';
import { tally } from './tally.ts';

/** How to open a memory store. */
export interface MemoryStoreOptions {
  /** Most subscribers of one publication. @default 1000 */
  readonly maxFanOut?: number;
}

/** Opens an empty store. Each one is its own. */
export function createMemoryStore({ maxFanOut = DEFAULT_MAX_FAN_OUT }: MemoryStoreOptions = {}): Store {
  return createStoreOver(new MemoryTables(maxFanOut));
}

/** A store over tables that someone else has as well. */
export function createStoreOver(tables: MemoryTables): Store {
  return new MemoryStore(tables);
}

type PageQuery = { readonly afterPos?: number; readonly limit?: number };

class MemoryStore implements Store {
  readonly features: StoreFeatures = { survives: 'nothing', shares: 'nothing', packsHistory: false };
  #tables: MemoryTables | undefined;

  constructor(tables: MemoryTables) {
    this.#tables = tables;
  }

  async commit(batch: readonly Commit[]) {
    const tables = this.#open();
    return batch.map((commit) => tables.apply(commit));
  }

  async load(address: Address) {
    const entry = this.#open().actors.get(address);
    return entry && { ...entry.actor, ...entry.states.current };
  }

  async inbox(address: Address, { afterPos = 0, limit }: PageQuery = {}) {
    const rows = [...(this.#open().inboxes.get(address)?.rows.values() ?? [])];
    return rows.filter((row) => row.pos > afterPos).slice(0, limitOf('inbox', limit));
  }

  async fence(address: Address): Promise<number> {
    const tables = this.#open();
    const entry = tables.actors.get(address);
    if (!entry) return 0;
    tables.touch(address);
    entry.actor = { ...entry.actor, epoch: entry.actor.epoch + 1 };
    return entry.actor.epoch;
  }

  async idempotency(address: Address, id: string) {
    return this.#open().actors.get(address)?.idempotency.get(id);
  }

  async sweepIdempotency(before: number): Promise<number> {
    const tables = this.#open();
    const { actors, removed } = tables;
    let swept = 0;
    for (const [address, { idempotency }] of actors) {
      const old = [...idempotency.values()].filter(({ at }) => at < before);
      for (const { id } of old) idempotency.delete(id);
      if (old.length > 0) tables.touch(address);
      swept += old.length;
    }
    for (const [address, { at }] of removed) if (at < before) removed.delete(address);
    return swept;
  }

  async log(address: Address, { after = 0, before = Infinity, limit, direction }: LogQuery = {}) {
    const rows =
      this.#open()
        .actors.get(address)
        ?.log.filter(({ n }) => n > after && n < before)
        .map(({ n, at, text }) => ({ n, at, text })) ?? [];
    const count = limitOf('log', limit);
    return direction === 'backward' ? rows.slice(-count) : rows.slice(0, count);
  }

  async history(address: Address, query?: HistoryQuery) {
    limitOf('history', query?.limit);
    return this.#open().actors.get(address)?.states.list(query) ?? [];
  }

  async states(address: Address, query: StatesQuery) {
    return this.#open().actors.get(address)?.states.states(query);
  }

  async sweepHistory(type: string, before: number): Promise<number> {
    const tables = this.#open();
    let count = 0;
    for (const [address, { states }] of tables.actors) {
      if (!address.startsWith(`${type}/`) || !states.hasEventBefore(before)) continue;
      tables.touch(address);
      count += states.trim(Infinity, { beforeAt: before });
    }
    return count;
  }

  async adopt(batch: readonly Adoption[]): Promise<AdoptionResult> {
    return this.#open().adopt(batch);
  }

  async looseSnapshots({ minChars, before, limit }: LooseQuery) {
    const found = [...this.#open().actors].flatMap(([address, { states }]) =>
      states.snapshots.flatMap(({ seq, at, text }) =>
        typeof text === 'string' && text.length >= minChars && at < before ? [{ address, seq, at, text }] : [],
      ),
    );
    const page = found
      .sort((a, b) => a.at - b.at || compareText(a.address, b.address) || a.seq - b.seq)
      .slice(0, limitOf('snapshots', limit));
    return page.map(({ address, seq, text }) => ({ address, seq, text }));
  }

  async packSnapshot(address: Address, seq: number, packed: Uint8Array): Promise<boolean> {
    const tables = this.#open();
    tables.touch(address);
    return tables.actors.get(address)?.states.pack(seq, packed) ?? false;
  }

  async looseHistory(): Promise<LooseHistory> {
    this.#open();
    return {};
  }

  async packHistory(): Promise<boolean> {
    this.#open();
    return false;
  }

  async list(query: ListQuery = {}): Promise<Page<ActorSummary>> {
    const limit = limitOf('list', query.limit);
    const from = query.cursor === undefined ? undefined : parseCursor(query.cursor);
    const sign = isOldestFirst(query.order) ? 1 : -1;
    const compare = (a: ListPosition, b: ListPosition): number => sign * (a.createdAt - b.createdAt || a.n - b.n);
    const found = [...this.#open().actors.values()]
      .filter(({ actor }) => matches(actor, query))
      .map(({ actor, n }) => ({ actor, n, createdAt: actor.createdAt }))
      .filter((row) => !from || compare(row, from) > 0)
      .sort(compare);
    const last = found[limit - 1];
    const items = found.slice(0, limit).map(({ actor }) => toSummary(actor));
    return found.length > limit && last ? { items, nextCursor: toCursor(last) } : { items };
  }

  async recoverable({ afterAddress, limit }: { readonly afterAddress?: Address; readonly limit?: number } = {}) {
    const { actors, inboxes } = this.#open();
    const busy = new Set(inboxes.keys());
    for (const [address, { actor }] of actors) if (actor.inFlight !== null) busy.add(address);
    const page = [...busy].filter((address) => address > (afterAddress ?? '')).sort(compareText);
    return page.slice(0, limitOf('recoverable', limit)).map((address) => toRecoverable(this.#open(), address));
  }

  async outbox({ afterPos = 0, limit }: PageQuery = {}) {
    return [...this.#open().outbox.values()].filter((row) => row.pos > afterPos).slice(0, limitOf('outbox', limit));
  }

  async settleOutbox(positions: readonly number[]): Promise<void> {
    for (const pos of positions) this.#open().outbox.delete(pos);
  }

  async dropReplies(exceptBoot: string): Promise<number> {
    const { outbox } = this.#open();
    const stale = [...outbox.values()].filter((row) => row.kind === 'reply' && row.boot !== exceptBoot);
    for (const { pos } of stale) outbox.delete(pos);
    return stale.length;
  }

  async deadLetters({ address, id, pos, afterPos = 0, limit }: DeadLetterQuery = {}) {
    const isWanted = (letter: StoredDeadLetter): boolean =>
      letter.pos > afterPos &&
      (pos === undefined || letter.pos === pos) &&
      (address === undefined || (letter.address === address && (id === undefined || letter.id === id)));
    const letters = this.#open().deadLetters.filter(isWanted);
    return letters.slice(0, limitOf('deadLetters', limit));
  }

  async deleteDeadLetter(pos: number): Promise<boolean> {
    const tables = this.#open();
    const before = tables.deadLetters.length;
    tables.deadLetters = tables.deadLetters.filter((letter) => letter.pos !== pos);
    return tables.deadLetters.length < before;
  }

  async due(query: DueQuery) {
    const { actors, timetable } = this.#open();
    return timetable.due(query, (address) => actors.get(address)?.actor.status === 'active');
  }

  async scheduled(address: Address, query: { readonly until?: number; readonly limit?: number } = {}) {
    return this.#open().timetable.list(address, query);
  }

  async busEvents(query: BusQuery = {}) {
    return this.#open().topics.log.events(query);
  }

  async lastBusPos(): Promise<number> {
    return this.#open().topics.log.lastPos;
  }

  async scanBus(query: BusScan = {}) {
    return this.#open().topics.log.scan(query);
  }

  async sweepBus(sweep: BusSweep) {
    return this.#open().topics.sweep(sweep);
  }

  async countBus(query: BusCount) {
    return this.#open().topics.log.count(query);
  }

  async busCounts() {
    return this.#open().topics.log.counts;
  }

  async cursor(name: string) {
    return this.#open().topics.cursors.get(name);
  }

  async cursors() {
    return this.#open().topics.places();
  }

  async setCursor(name: string, { pattern, pos }: Cursor): Promise<void> {
    this.#open().topics.cursors.set(name, { pattern, pos });
  }

  async deleteCursor(name: string): Promise<boolean> {
    return this.#open().topics.cursors.delete(name);
  }

  async rise(now: number): Promise<number> {
    const { host } = this.#open();
    host.downtimeMs += Math.max(0, now - (host.aliveAt ?? now));
    host.aliveAt = now;
    return host.downtimeMs;
  }

  async markAlive(now: number): Promise<void> {
    this.#open().host.aliveAt = now;
  }

  async kvGet(key: string, now: number) {
    return this.#open().kv.get(key, now);
  }

  async kvSet(key: string, value: string, expiresAt?: number): Promise<void> {
    this.#open().kv.set(key, value, expiresAt);
  }

  async kvDelete(key: string, now: number): Promise<boolean> {
    return this.#open().kv.delete(key, now);
  }

  async kvKeys(query: KeyQuery) {
    return this.#open().kv.keys(query);
  }

  async kvClear(prefix: string, now: number): Promise<number> {
    return this.#open().kv.clear(prefix, now);
  }

  async sweepKv(now: number): Promise<number> {
    return this.#open().kv.sweep(now);
  }

  async tally(query: TallyQuery) {
    return tally(this.#open(), query);
  }

  async stats() {
    const { actors, inboxes, outbox, deadLetters, timetable, topics } = this.#open();
    return {
      actors: actors.size,
      inboxRows: [...inboxes.values()].reduce((sum, inbox) => sum + inbox.rows.size, 0),
      outboxRows: outbox.size,
      deadLetters: deadLetters.length,
      scheduled: timetable.size,
      subscriptions: topics.subscriptions.size,
      busEvents: topics.log.size,
      historyRows: [...actors.values()].reduce((sum, { states }) => sum + states.events, 0),
      bytes: 0,
    };
  }

  async idle(): Promise<void> {
    // Nothing to tidy up.
  }

  async close(): Promise<void> {
    this.#tables = undefined;
  }

  #open(): MemoryTables {
    if (this.#tables) return this.#tables;
    throw new TroupeError('ERR_STORE_UNAVAILABLE', "Store 'memory:' is closed. Open another.", {
      details: { isOutcomeUnknown: false },
    });
  }
}

function toRecoverable({ actors, inboxes }: MemoryTables, address: Address): Recoverable {
  const actor = actors.get(address)?.actor;
  const oldest = inboxes.get(address)?.rows.values().next().value;
  return {
    address,
    hasInFlight: (actor?.inFlight ?? null) !== null,
    ...(oldest && { oldest: { pos: oldest.pos, at: oldest.at } }),
    ...(actor && { status: actor.status }),
    ...(actor?.status === 'quarantined' && hasOrder(inboxes.get(address)?.rows.values()) && { hasOrder: true }),
  };
}

function hasOrder(rows: Iterable<InboxRow> = []): boolean {
  return [...rows].some(({ kind }) => kind === 'stop' || kind === 'restart');
}

function matches(actor: ActorHead, query: ListQuery): boolean {
  const { address, type, parent, statuses, createdAfter = -Infinity, createdBefore = Infinity, meta = {} } = query;
  const { updatedAfter = -Infinity, updatedBefore = Infinity } = query;
  return (
    (address === undefined || actor.address === address) &&
    (type === undefined || actor.type === type) &&
    (parent === undefined || actor.parent === parent) &&
    (statuses === undefined || statuses.includes(actor.status)) &&
    actor.createdAt > createdAfter &&
    actor.createdAt < createdBefore &&
    actor.updatedAt > updatedAfter &&
    actor.updatedAt < updatedBefore &&
    hasFields(actor.meta, Object.entries(meta))
  );
}

function hasFields(meta: string, wanted: readonly (readonly [string, string])[]): boolean {
  if (wanted.length === 0) return true;
  try {
    const fields = new Map(Object.entries(JSON.parse(meta) as Record<string, unknown>));
    return wanted.every(([key, value]) => fields.get(key) === value);
  } catch {
    return false;
  }
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function toSummary(actor: ActorHead): ActorSummary {
  const { address, type, parent, status, seq, version, meta, error, spawned, createdAt, updatedAt } = actor;
  return { address, type, parent, status, seq, version, meta, error, spawned, createdAt, updatedAt };
}
