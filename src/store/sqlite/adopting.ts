/** Actors that come to be whole, from another or from a file: first commits with rows that no commit writes. */
import type { Database } from 'better-sqlite3';
import type { LogRow } from '../queries.ts';
import type { Adoption, AdoptionResult, CommitResult } from '../store.ts';
import { isPlaceAtFault } from './failures.ts';
import { BROKEN_SEAL, unseal } from './seal.ts';
import type { Sealed } from './seal.ts';
import type { Session } from './session.ts';
import { sealOfInbox, sealOfLog } from './side-rows.ts';

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
  const insert = db.prepare('INSERT INTO log (address, n, seq, at, text, sum) VALUES (?, ?, 1, ?, ?, ?)');
  for (const line of [...log, ...(logFrom ? readLog(db, logFrom) : [])])
    insert.run(address, line.n, line.at, line.text, line.isDamaged ? BROKEN_SEAL : sealOfLog(address, line));
  db.prepare(
    `UPDATE actors SET log_n = coalesce((SELECT max(n) FROM log WHERE log.address = actors.address), 0),
       log_from = coalesce((SELECT min(n) FROM log WHERE log.address = actors.address), 1) WHERE address = ?`,
  ).run(address);
  const wait = db.prepare(
    'INSERT INTO inbox (receiver, pos, sender, kind, id, at, text, sum) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  );
  for (const { sender, kind, id, text } of waiting) {
    const row = { receiver: address, pos: positions.take(), sender, kind, id, at: commit.at, text };
    wait.run(address, row.pos, sender, kind, id, row.at, text, sealOfInbox(row));
  }
}

/** The log of another, as far as it goes; what is damaged there stays so. */
function readLog(db: Database, { address, untilSeq }: NonNullable<Adoption['logFrom']>): readonly LogRow[] {
  const sql = 'SELECT n, at, text, sum FROM log WHERE address = ? AND seq <= ? ORDER BY n';
  const rows = db.prepare<[string, number], LogRow & Sealed>(sql).all(address, untilSeq);
  return rows.map((row) => unseal(row, sealOfLog(address, row)));
}

function refusalOf(session: Session, { commit }: Adoption, result: CommitResult): NotAdopted['result'] | undefined {
  const { address } = commit;
  if (result.outcome === 'done') return undefined;
  if (session.applier.exists(address)) return { outcome: 'exists', address };
  const detail = result.outcome === 'refused' ? (result.detail ?? result.reason) : result.outcome;
  return { outcome: 'invalid', address, detail };
}
