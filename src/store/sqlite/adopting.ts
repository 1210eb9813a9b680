/** Actors that come to be whole, from another or from a file: first commits with rows that no commit writes. */
import type { Adoption, AdoptionResult, CommitResult } from '../store.ts';
import { isPlaceAtFault } from './failures.ts';
import type { Session } from './session.ts';

/** Thrown inside the transaction, which is taken back with it. */
export class NotAdopted extends Error {
  readonly result: Exclude<AdoptionResult, { readonly outcome: 'done' }>;

  constructor(result: Exclude<AdoptionResult, { readonly outcome: 'done' }>) {
    super(`'${result.address}' was not adopted`);
    this.result = result;
  }
}

/**
 * Call in a transaction.
 * @throws {NotAdopted} when one of them exists, or cannot be written.
 */
export function adoptAll(session: Session, batch: readonly Adoption[]): void {
  for (const adoption of batch) {
    const { address } = adoption.commit;
    try {
      adopt(session, adoption);
    } catch (error) {
      if (error instanceof NotAdopted || isPlaceAtFault(error)) throw error;
      throw new NotAdopted({ outcome: 'invalid', address, detail: String(error) });
    }
  }
}

function adopt(session: Session, adoption: Adoption): void {
  const { commit, log = [], logFrom, waiting = [] } = adoption;
  const { address } = commit;
  if (commit.isRemoval === true) throw new NotAdopted({ outcome: 'invalid', address, detail: 'it removes the actor' });
  const refusal = refusalOf(session, adoption, session.applier.apply(commit));
  if (refusal) throw new NotAdopted(refusal);
  const { db, positions } = session;
  const insert = db.prepare('INSERT INTO log (address, n, seq, at, text) VALUES (?, ?, 1, ?, ?)');
  for (const { n, at, text } of log) insert.run(address, n, at, text);
  if (logFrom) {
    const sql =
      'INSERT INTO log (address, n, seq, at, text) SELECT ?, n, 1, at, text FROM log WHERE address = ? AND seq <= ?';
    db.prepare(sql).run(address, logFrom.address, logFrom.untilSeq);
  }
  db.prepare(
    'UPDATE actors SET log_n = coalesce((SELECT max(n) FROM log WHERE log.address = actors.address), 0) WHERE address = ?',
  ).run(address);
  const wait = db.prepare('INSERT INTO inbox (receiver, pos, sender, kind, id, at, text) VALUES (?, ?, ?, ?, ?, ?, ?)');
  for (const { sender, kind, id, text } of waiting)
    wait.run(address, positions.take(), sender, kind, id, commit.at, text);
}

function refusalOf(session: Session, { commit }: Adoption, result: CommitResult): NotAdopted['result'] | undefined {
  const { address } = commit;
  if (result.outcome === 'done') return undefined;
  if (session.applier.exists(address)) return { outcome: 'exists', address };
  const detail = result.outcome === 'refused' ? (result.detail ?? result.reason) : result.outcome;
  return { outcome: 'invalid', address, detail };
}
