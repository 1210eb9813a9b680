/** Reads on the store's connection, prepared once. What they return is what the port describes, nothing parsed. */
import type { Database, Statement } from 'better-sqlite3';
import type { Address } from '../../actor/address.ts';
import { limitOf } from '../queries.ts';
import type { DeadLetterQuery, IdempotencyRow, LogQuery, LogRow, Recoverable, StoreStats } from '../queries.ts';
import type {
  ActorStatus,
  InboxRow,
  OutboxRow,
  StateRow,
  StoredActor,
  StoredDeadLetter,
  Subscription,
} from '../store.ts';
import { EXTRA_DELTAS, EXTRA_SNAPSHOT, EXTRA_SUBSCRIPTIONS } from './schema.ts';
import { unseal } from './seal.ts';
import type { Sealed } from './seal.ts';
import { sealOfInbox, sealOfLog } from './side-rows.ts';

type ActorColumns = Omit<StoredActor, 'snapshot' | 'deltas' | 'subscriptions'> & {
  readonly extra: number;
  readonly checksum: number;
  readonly snapshot: string | null;
  readonly snapshotSeq: number;
};

/** Receivers with waiting rows after an address, one index seek each, however many rows wait. */
const WAITING = `
  WITH RECURSIVE waiting (receiver) AS (
    SELECT min(receiver) FROM inbox WHERE receiver > @after
    UNION ALL
    SELECT (SELECT min(receiver) FROM inbox WHERE inbox.receiver > waiting.receiver) FROM waiting WHERE waiting.receiver IS NOT NULL
    LIMIT @limit
  )`;

/** Whoever has something to do, and the first row of its inbox: seeks only. */
export const RECOVERABLE = `${WAITING},
  busy (address) AS (
    SELECT receiver FROM waiting WHERE receiver IS NOT NULL
    UNION
    SELECT address FROM (SELECT address FROM actors WHERE in_flight IS NOT NULL AND address > @after ORDER BY address LIMIT @limit)
  )
  SELECT busy.address AS address, actors.status AS status, actors.in_flight IS NOT NULL AS hasInFlight, oldest.pos AS pos, oldest.at AS at,
    actors.status = 'quarantined' AND EXISTS (
      SELECT 1 FROM inbox WHERE inbox.receiver = busy.address AND inbox.kind IN ('stop', 'restart')
    ) AS hasOrder
  FROM busy LEFT JOIN actors ON actors.address = busy.address
    LEFT JOIN inbox AS oldest ON oldest.receiver = busy.address AND oldest.pos = (SELECT min(pos) FROM inbox WHERE receiver = busy.address)
  ORDER BY busy.address LIMIT @limit`;

/** Numbers of the lines there must be. */
interface LogEnds {
  readonly first: number;
  readonly last: number;
}

/** Lines that are gone stand there as damaged ones, one for each gap. */
function markMissing(lines: readonly LogRow[], { first, last }: LogEnds): readonly LogRow[] {
  const marked: LogRow[] = [];
  let next = first;
  for (const line of lines) {
    if (line.n > next) marked.push(missingLine(next));
    marked.push(line);
    next = line.n + 1;
  }
  return next <= last ? [...marked, missingLine(next)] : marked;
}

function missingLine(n: number): LogRow {
  return { n, at: 0, text: '', isDamaged: true };
}

/** The reading half of the store. */
export class Reads {
  readonly #db: Database;
  readonly #actor: Statement<[string], ActorColumns>;
  readonly #snapshot: Statement<[string, number], StateRow>;
  readonly #deltas: Statement<[string, number], StateRow>;
  readonly #subscriptions: Statement<[string], Subscription>;
  readonly #inbox: Statement<[string, number, number], InboxRow & Sealed>;
  readonly #logEnds: Statement<[string], LogEnds>;
  readonly #idempotency: Statement<[string, string], IdempotencyRow>;

  constructor(db: Database) {
    this.#db = db;
    this.#actor = db.prepare(
      `SELECT address, type, parent, epoch, seq, version, status, error, snapshot, checksum, extra, marks, supervision,
         in_flight AS inFlight, timers, meta, spawned, created_at AS createdAt, updated_at AS updatedAt, sum, shape,
         snapshot_seq AS snapshotSeq FROM actors WHERE address = ?`,
    );
    this.#snapshot = db.prepare('SELECT seq, checksum, text FROM snapshots WHERE address = ? AND seq = ?');
    this.#deltas = db.prepare('SELECT seq, checksum, text FROM deltas WHERE address = ? AND seq > ? ORDER BY seq');
    this.#subscriptions = db.prepare('SELECT pattern, event FROM subscriptions WHERE address = ? ORDER BY pattern');
    this.#inbox = db.prepare(
      'SELECT pos, receiver, sender, kind, id, at, text, sum FROM inbox WHERE receiver = ? AND pos > ? ORDER BY pos LIMIT ?',
    );
    this.#logEnds = db.prepare('SELECT log_from AS first, log_n AS last FROM actors WHERE address = ?');
    this.#idempotency = db.prepare('SELECT id, reply, at FROM idempotency WHERE address = ? AND id = ?');
  }

  load(address: Address): StoredActor | undefined {
    const row = this.#actor.get(address);
    if (!row) return undefined;
    const { extra, checksum, snapshot, snapshotSeq: seq, ...actor } = row;
    const text = extra & EXTRA_SNAPSHOT ? this.#snapshot.get(address, seq)?.text : snapshot;
    const deltas = extra & EXTRA_DELTAS ? this.#deltas.all(address, seq) : [];
    const subscriptions = extra & EXTRA_SUBSCRIPTIONS ? this.#subscriptions.all(address) : [];
    return { ...actor, snapshot: { seq, text: text ?? '', checksum }, deltas, subscriptions };
  }

  inbox(address: Address, query: { readonly afterPos?: number; readonly limit?: number } = {}): readonly InboxRow[] {
    const rows = this.#inbox.all(address, query.afterPos ?? 0, limitOf('inbox', query.limit));
    return rows.map((row) => unseal(row, sealOfInbox(row)));
  }

  idempotency(address: Address, id: string): IdempotencyRow | undefined {
    return this.#idempotency.get(address, id);
  }

  log(address: Address, query: LogQuery = {}): readonly LogRow[] {
    const isBackward = query.direction === 'backward';
    const { after = 0, before = Number.MAX_SAFE_INTEGER } = query;
    const limit = limitOf('log', query.limit);
    const rows = this.#db
      .prepare<unknown[], LogRow & Sealed>(
        `SELECT n, at, text, sum FROM log WHERE address = ? AND n > ? AND n < ? ORDER BY n ${isBackward ? 'DESC' : 'ASC'} LIMIT ?`,
      )
      .all(address, after, before, limit);
    const lines = (isBackward ? rows.reverse() : rows).map((row) => unseal(row, sealOfLog(address, row)));
    const ends = this.#logEnds.get(address);
    if (!ends) return lines;
    // A full page ends where the next one begins.
    const isFull = lines.length === limit;
    const first = isFull && isBackward ? (lines[0] as LogRow).n : Math.max(after + 1, ends.first);
    const last = isFull && !isBackward ? (lines.at(-1) as LogRow).n : Math.min(before - 1, ends.last);
    return markMissing(lines, { first, last });
  }

  recoverable(query: { readonly afterAddress?: Address; readonly limit?: number } = {}): readonly Recoverable[] {
    type Row = {
      readonly address: Address;
      readonly status: ActorStatus | null;
      readonly hasInFlight: number;
      readonly hasOrder: number | null;
      readonly pos: number | null;
      readonly at: number | null;
    };
    const bounds = { after: query.afterAddress ?? '', limit: limitOf('recoverable', query.limit) };
    const rows = this.#db.prepare<unknown[], Row>(RECOVERABLE).all(bounds);
    return rows.map(({ address, status, hasInFlight, hasOrder, pos, at }) => ({
      address,
      hasInFlight: hasInFlight === 1,
      ...(pos !== null && at !== null && { oldest: { pos, at } }),
      ...(status !== null && { status }),
      ...(hasOrder === 1 && { hasOrder: true }),
    }));
  }

  outbox(query: { readonly afterPos?: number; readonly limit?: number } = {}): readonly OutboxRow[] {
    const rows = this.#db
      .prepare<unknown[], OutboxRow & { readonly boot: string | null }>(
        'SELECT pos, address, kind, id, target, boot, at, text FROM outbox WHERE pos > ? ORDER BY pos LIMIT ?',
      )
      .all(query.afterPos ?? 0, limitOf('outbox', query.limit));
    return rows.map(({ boot, ...row }) => (boot === null ? row : { ...row, boot }));
  }

  deadLetters(query: DeadLetterQuery = {}): readonly StoredDeadLetter[] {
    const { address, id, pos, afterPos = 0 } = query;
    const conditions = ['pos > @afterPos'];
    if (pos !== undefined) conditions.push('pos = @pos');
    if (address !== undefined) conditions.push('address = @address');
    if (address !== undefined && id !== undefined) conditions.push('id = @id');
    const sql = `SELECT pos, address, id, sender, attempts, at, error, text FROM dead_letters
      WHERE ${conditions.join(' AND ')} ORDER BY pos LIMIT @limit`;
    const limit = limitOf('deadLetters', query.limit);
    return this.#db.prepare<unknown[], StoredDeadLetter>(sql).all({ afterPos, pos, address, id, limit });
  }

  stats(): StoreStats {
    const counts = this.#db
      .prepare<[], Omit<StoreStats, 'bytes'>>(
        `SELECT (SELECT count(*) FROM actors) AS actors, (SELECT count(*) FROM inbox) AS inboxRows,
           (SELECT count(*) FROM outbox) AS outboxRows, (SELECT count(*) FROM dead_letters) AS deadLetters,
           (SELECT count(*) FROM scheduled) AS scheduled, (SELECT count(*) FROM subscriptions) AS subscriptions,
           (SELECT count(*) FROM bus_events) AS busEvents, (SELECT count(*) FROM history)
             + (SELECT coalesce(sum(last_seq + 1 - events_from), 0) FROM segments) AS historyRows`,
      )
      .get();
    const pages =
      Number(this.#db.pragma('page_count', { simple: true })) * Number(this.#db.pragma('page_size', { simple: true }));
    const none = { actors: 0, inboxRows: 0, outboxRows: 0, deadLetters: 0 };
    return { ...none, scheduled: 0, subscriptions: 0, busEvents: 0, historyRows: 0, ...counts, bytes: pages };
  }
}
