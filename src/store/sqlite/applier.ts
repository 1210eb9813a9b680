/**
 * Applies one commit inside an open transaction. The fast path is a conditional update that decides and writes in one
 * statement; whatever does not fit it goes the careful path, which reads first, decides (`decide.ts`), then writes.
 * Either way a refused commit has written nothing, so that it never disturbs the rest of its batch (rule 5).
 */
import type { Database, Statement } from 'better-sqlite3';
import { decideCommit, endsActor, refuse, refuseConsumed, toLast } from '../decide.ts';
import type { RemovedProgress, Verdict } from '../decide.ts';
import type { FanOutPlan } from '../fan-out.ts';
import type { Commit, CommitResult, Landed } from '../store.ts';
import { ActorRow, isSnapshotApart } from './actor-row.ts';
import type { ActorHead } from './actor-row.ts';
import type { BusRows } from './bus-rows.ts';
import type { CursorRows } from './cursor-rows.ts';
import type { HistoryRows } from './history-rows.ts';
import type { ScheduledRows } from './scheduled-rows.ts';
import type { SideRows } from './side-rows.ts';

const DONE: CommitResult = { outcome: 'done' };

/** The rows beside the actor's row. */
export interface ApplierRows {
  readonly rows: SideRows;
  readonly scheduled: ScheduledRows;
  readonly bus: BusRows;
  readonly cursors: CursorRows;
  readonly history: HistoryRows;
}

/** Applies commits on one connection. */
export class CommitApplier {
  readonly #actors: ActorRow;
  readonly #rows: SideRows;
  readonly #scheduled: ScheduledRows;
  readonly #bus: BusRows;
  readonly #cursors: CursorRows;
  readonly #history: HistoryRows;
  readonly #removed: Statement<[string], RemovedProgress>;

  constructor(db: Database, { rows, scheduled, bus, cursors, history }: ApplierRows) {
    this.#actors = new ActorRow(db);
    this.#rows = rows;
    this.#scheduled = scheduled;
    this.#bus = bus;
    this.#cursors = cursors;
    this.#history = history;
    this.#removed = db.prepare('SELECT epoch, seq, created_at AS createdAt FROM removed WHERE address = ?');
  }

  exists(address: string): boolean {
    return this.#actors.head(address) !== undefined;
  }

  apply(commit: Commit): CommitResult {
    const plan = commit.publish && this.#bus.plan(commit);
    if (
      isPlain(commit) &&
      this.#rows.canConsume(commit) &&
      this.#rows.canRecord(commit) &&
      this.#scheduled.canFire(commit) &&
      plan?.excess === undefined &&
      this.#actors.update(commit)
    ) {
      return this.#write(commit, plan);
    }
    return this.#applyCarefully(commit, plan);
  }

  #applyCarefully(commit: Commit, plan: FanOutPlan | undefined): CommitResult {
    const head = this.#actors.head(commit.address);
    const verdict = this.#decide(commit, head, plan);
    if (verdict !== 'apply') return verdict;
    if (commit.isRemoval === true) return this.#remove(commit, head, plan);
    if (commit.seq === 0) return this.#finish(commit, this.#rows.writeOrphan(commit), plan);
    if (!endsActor(commit)) return this.#writeCarefully(commit, head, plan);
    this.#scheduled.removeAll(commit.address);
    return this.#writeCarefully(toLast(commit), head, plan);
  }

  #decide(commit: Commit, head: ActorHead | undefined, plan: FanOutPlan | undefined): Verdict {
    const verdict = decideCommit(commit, head, () => this.#removed.get(commit.address));
    if (verdict !== 'apply') return verdict;
    if (!this.#rows.canConsume(commit)) return refuseConsumed(commit);
    if (!this.#rows.canRecord(commit)) return refuse('idempotency');
    if (!this.#scheduled.canFire(commit)) return refuse('timer');
    return plan?.excess === undefined ? 'apply' : refuse('fan-out', plan.excess);
  }

  #writeCarefully(commit: Commit, head: ActorHead | undefined, plan: FanOutPlan | undefined): CommitResult {
    const isSubscriber = this.#bus.subscribe(commit);
    // What stands in the row goes to the rows of state before it is written over.
    if (head && commit.state?.kind === 'snapshot') this.#history.makeWay(commit, head);
    if (head) this.#actors.updateCarefully(commit, head, isSubscriber);
    else if (commit.actor) this.#actors.insert(commit, commit.actor, isSubscriber);
    if (isSnapshotApart(commit)) this.#history.writeSnapshot(commit);
    this.#rows.writeLog(commit, head?.log_n ?? 0);
    return this.#write(commit, plan);
  }

  #remove(commit: Commit, head: ActorHead | undefined, plan: FanOutPlan | undefined): CommitResult {
    this.#rows.remove(commit, head?.created_at ?? commit.at);
    this.#bus.subscribe(toLast(commit));
    return this.#finish(commit, this.#rows.writeSent(commit), plan);
  }

  #write(commit: Commit, plan: FanOutPlan | undefined): CommitResult {
    this.#scheduled.write(commit);
    const result = this.#finish(commit, this.#rows.write(commit), plan);
    // Last: its position comes after those of everything this commit sends.
    this.#history.write(commit);
    return result;
  }

  /** Publications come last: they meet what the commit leaves. */
  #finish(commit: Commit, landed: Landed | undefined, plan: FanOutPlan | undefined): CommitResult {
    if (commit.place) this.#cursors.set(commit.place);
    const published = plan && this.#bus.publish(commit, plan);
    return landed || published ? { outcome: 'done', ...landed, ...(published && { published }) } : DONE;
  }
}

/** True when one conditional update and rows beside it are all there is to write. */
function isPlain(commit: Commit): boolean {
  return (
    commit.seq > 1 &&
    commit.log === undefined &&
    commit.keepLog === undefined &&
    commit.subscribe === undefined &&
    commit.unsubscribe === undefined &&
    !endsActor(commit) &&
    !isSnapshotApart(commit)
  );
}
