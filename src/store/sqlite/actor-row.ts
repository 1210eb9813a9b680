/**
 * Writes of the actor's row: the one update a plain commit consists of. Only columns the commit names are set, so
 * there is one statement per combination of names, prepared when it is first needed.
 */
import type { Database, Statement } from 'better-sqlite3';
import type { Commit } from '../store.ts';
import {
  EXTRA_DELTAS,
  EXTRA_FORMER,
  EXTRA_SNAPSHOT,
  EXTRA_STATE,
  EXTRA_SUBSCRIPTIONS,
  IN_ROW_SNAPSHOT_LENGTH,
} from './schema.ts';

/** What the careful path reads of an actor before it decides. */
export interface ActorHead {
  readonly epoch: number;
  readonly seq: number;
  readonly extra: number;
  readonly log_n: number;
  readonly created_at: number;
  readonly snapshot_seq: number;
}

const SNAPSHOT = 1;
const DELTA = 2;
const MARKS = 4;
const IN_FLIGHT = 8;
const SUPERVISION = 16;
const ERROR = 32;
const META = 64;
const TIMERS = 128;
/** The actor has, or gets, something outside its row: set `extra` and `log_n` from the head that was read. */
const CAREFUL = 256;
/** The commit leaves an event: the row names the last one there is, and the one before it. */
const HISTORY = 512;

const ASSIGNMENTS: readonly (readonly [number, string])[] = [
  [SNAPSHOT, 'snapshot = ?, checksum = ?, shape = ?, snapshot_seq = ?'],
  [MARKS, 'marks = ?'],
  [IN_FLIGHT, 'in_flight = ?'],
  [SUPERVISION, 'supervision = ?'],
  [ERROR, 'error = ?'],
  [META, 'meta = ?'],
  [TIMERS, 'timers = ?, next_due = ?'],
  [HISTORY, 'history_prev = history_seq, history_seq = ?'],
];

/** True when the snapshot of a commit is kept in `snapshots`: it is large, or others before and after it are kept as well. */
export function isSnapshotApart({ state, step, history }: Commit): boolean {
  if (state?.kind !== 'snapshot') return false;
  return state.text.length > IN_ROW_SNAPSHOT_LENGTH || step !== undefined || history !== undefined;
}

/** True when a commit leaves rows of state from before its snapshot. */
export function keepsFormer({ step, history }: Commit): boolean {
  return step !== undefined || history !== undefined;
}

/** The actors table, as commits write it. */
export class ActorRow {
  readonly #db: Database;
  readonly #updates = new Map<number, Statement<unknown[]>>();
  readonly #head: Statement<[string], ActorHead>;
  readonly #insert: Statement<unknown[]>;

  constructor(db: Database) {
    this.#db = db;
    this.#head = db.prepare('SELECT epoch, seq, extra, log_n, created_at, snapshot_seq FROM actors WHERE address = ?');
    this.#insert = db.prepare(
      `INSERT INTO actors (address, type, parent, epoch, seq, version, status, extra, log_n, created_at, updated_at,
         checksum, meta, error, supervision, in_flight, marks, snapshot, timers, next_due, spawned, sum, shape, snapshot_seq,
         history_seq)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
  }

  head(address: string): ActorHead | undefined {
    return this.#head.get(address);
  }

  /**
   * The conditional update of rule 5. False: it does not fit, or it would have to touch more than the row.
   * Not for snapshots apart, log rows, subscriptions, first and last commits.
   */
  update(commit: Commit): boolean {
    return this.#run(maskOf(commit), commit, []);
  }

  /** The same update for an actor whose head was read and found to fit. */
  updateCarefully(commit: Commit, head: ActorHead, isSubscriber: boolean): boolean {
    return this.#run(maskOf(commit) | CAREFUL, commit, [
      extraAfter(commit, head.extra, isSubscriber),
      head.log_n + (commit.log?.length ?? 0),
    ]);
  }

  insert(commit: Commit, actor: NonNullable<Commit['actor']>, isSubscriber: boolean): void {
    const isDelta = commit.state?.kind === 'delta';
    const isInRow = !isDelta && !isSnapshotApart(commit);
    this.#insert.run(
      commit.address,
      actor.type,
      actor.parent,
      commit.epoch,
      commit.seq,
      commit.version,
      commit.status,
      extraAfter(commit, 0, isSubscriber),
      commit.log?.length ?? 0,
      commit.at,
      commit.at,
      isDelta ? 0 : (commit.state?.checksum ?? 0),
      commit.meta ?? actor.meta,
      commit.error ?? null,
      commit.supervision ?? null,
      commit.inFlight ?? null,
      commit.marks ?? null,
      isInRow ? (commit.state?.text ?? '') : null,
      commit.timers ?? null,
      commit.nextDue ?? null,
      actor.spawned ?? 0,
      commit.sum ?? null,
      commit.shape ?? null,
      commit.seq,
      commit.history ? commit.seq : 0,
    );
  }

  #run(mask: number, commit: Commit, careful: readonly number[]): boolean {
    const values: unknown[] = [commit.seq, commit.version, commit.status, commit.at, commit.sum ?? null, ...careful];
    pushNamed(values, mask, commit);
    values.push(commit.address, commit.seq - 1, commit.epoch);
    return this.#statement(mask).run(values).changes === 1;
  }

  #statement(mask: number): Statement<unknown[]> {
    let statement = this.#updates.get(mask);
    if (!statement) this.#updates.set(mask, (statement = this.#db.prepare(updateSql(mask))));
    return statement;
  }
}

function maskOf(commit: Commit): number {
  let mask = 0;
  if (commit.state) mask |= commit.state.kind === 'snapshot' ? SNAPSHOT : DELTA;
  if (commit.marks !== undefined) mask |= MARKS;
  if (commit.inFlight !== undefined) mask |= IN_FLIGHT;
  if (commit.supervision !== undefined) mask |= SUPERVISION;
  if (commit.error !== undefined) mask |= ERROR;
  if (commit.meta !== undefined) mask |= META;
  if (commit.timers !== undefined) mask |= TIMERS;
  if (commit.history) mask |= HISTORY;
  return mask;
}

/** The values of ASSIGNMENTS, in their order. */
function pushNamed(values: unknown[], mask: number, commit: Commit): void {
  if (mask & SNAPSHOT) {
    const { state, shape = null, seq } = commit;
    values.push(isSnapshotApart(commit) ? null : state?.text, state?.checksum, shape, seq);
  }
  if (mask & MARKS) values.push(commit.marks);
  if (mask & IN_FLIGHT) values.push(commit.inFlight);
  if (mask & SUPERVISION) values.push(commit.supervision);
  if (mask & ERROR) values.push(commit.error);
  if (mask & META) values.push(commit.meta);
  if (mask & TIMERS) values.push(commit.timers, commit.nextDue ?? null);
  if (mask & HISTORY) values.push(commit.seq);
}

function updateSql(mask: number): string {
  const named = ASSIGNMENTS.filter(([bit]) => mask & bit).map(([, text]) => text);
  const isCareful = (mask & CAREFUL) !== 0;
  if (isCareful) named.unshift('extra = ?, log_n = ?');
  else if (mask & (DELTA | HISTORY)) named.push(`extra = extra | ${toBits(mask)}`);
  const set = ['seq = ?, version = ?, status = ?, updated_at = ?, sum = ?', ...named].join(', ');
  // A snapshot that replaces rows elsewhere has to remove them as well: left to the careful path.
  const only = mask & SNAPSHOT && !isCareful ? ` AND (extra & ${EXTRA_STATE}) = 0` : '';
  return `UPDATE actors SET ${set} WHERE address = ? AND seq = ? AND epoch = ?${only}`;
}

function toBits(mask: number): number {
  return (mask & DELTA ? EXTRA_DELTAS : 0) | (mask & HISTORY ? EXTRA_FORMER : 0);
}

function extraAfter(commit: Commit, extra: number, isSubscriber: boolean): number {
  return stateBitsAfter(commit, extra & EXTRA_STATE) | (isSubscriber ? EXTRA_SUBSCRIPTIONS : 0);
}

function stateBitsAfter(commit: Commit, bits: number): number {
  const former = commit.history === undefined ? bits : bits | EXTRA_FORMER;
  if (!commit.state) return former;
  if (commit.state.kind === 'delta') return former | EXTRA_DELTAS;
  return (isSnapshotApart(commit) ? EXTRA_SNAPSHOT : 0) | (keepsFormer(commit) ? EXTRA_FORMER : 0);
}
