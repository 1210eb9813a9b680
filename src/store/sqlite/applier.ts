/**
 * Applies one commit inside an open transaction. The fast path is a conditional update that decides and writes in one
 * statement; whatever does not fit it goes the careful path, which reads first, decides (`decide.ts`), then writes.
 * Either way a refused commit has written nothing, so that it never disturbs the rest of its batch (rule 5).
 */
import type { Database, Statement } from 'better-sqlite3';
import { decideCommit, refuse, refuseConsumed } from '../decide.ts';
import type { RemovedProgress, Verdict } from '../decide.ts';
import type { Commit, CommitResult, Landed } from '../store.ts';
import { ActorRow, isLargeSnapshot } from './actor-row.ts';
import type { ActorHead } from './actor-row.ts';
import type { Positions } from './positions.ts';
import { SideRows } from './side-rows.ts';

const DONE: CommitResult = { outcome: 'done' };

/** Applies commits on one connection. */
export class CommitApplier {
  readonly #actors: ActorRow;
  readonly #rows: SideRows;
  readonly #removed: Statement<[string], RemovedProgress>;

  constructor(db: Database, positions: Positions) {
    this.#actors = new ActorRow(db);
    this.#rows = new SideRows(db, positions);
    this.#removed = db.prepare('SELECT epoch, seq, created_at AS createdAt FROM removed WHERE address = ?');
  }

  apply(commit: Commit): CommitResult {
    if (
      isPlain(commit) &&
      this.#rows.canConsume(commit) &&
      this.#rows.canRecord(commit) &&
      this.#actors.update(commit)
    ) {
      return toDone(this.#rows.write(commit));
    }
    return this.#applyCarefully(commit);
  }

  #applyCarefully(commit: Commit): CommitResult {
    const head = this.#actors.head(commit.address);
    const verdict = this.#decide(commit, head);
    if (verdict !== 'apply') return verdict;
    if (commit.isRemoval === true) return this.#remove(commit, head);
    if (commit.seq === 0) {
      this.#rows.writeOrphan(commit);
      return DONE;
    }
    if (head) this.#actors.updateCarefully(commit, head);
    else if (commit.actor) this.#actors.insert(commit, commit.actor);
    if (commit.state?.kind === 'snapshot') {
      this.#rows.replaceSnapshot(commit, isLargeSnapshot(commit) ? commit.state.text : undefined, head?.extra ?? 0);
    }
    this.#rows.writeLog(commit, head?.log_n ?? 0);
    return toDone(this.#rows.write(commit));
  }

  #decide(commit: Commit, head: ActorHead | undefined): Verdict {
    const verdict = decideCommit(commit, head, () => this.#removed.get(commit.address));
    if (verdict !== 'apply') return verdict;
    if (!this.#rows.canConsume(commit)) return refuseConsumed(commit);
    return this.#rows.canRecord(commit) ? 'apply' : refuse('idempotency');
  }

  #remove(commit: Commit, head: ActorHead | undefined): CommitResult {
    this.#rows.remove(commit, head?.created_at ?? commit.at);
    return toDone(this.#rows.writeSent(commit));
  }
}

/** True when one conditional update and rows beside it are all there is to write. */
function isPlain(commit: Commit): boolean {
  return commit.seq > 1 && commit.isRemoval !== true && commit.log === undefined && !isLargeSnapshot(commit);
}

function toDone(landed: Landed | undefined): CommitResult {
  return landed ? { outcome: 'done', ...landed } : DONE;
}
