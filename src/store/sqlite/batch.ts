/** A batch of commits inside one transaction: one that cannot be written at all must not keep the others out. */
import { refuse } from '../decide.ts';
import type { Commit, CommitResult } from '../store.ts';
import { isPlaceAtFault } from './failures.ts';
import type { Session } from './session.ts';

/** Thrown inside a transaction: the commit at this index cannot be written whatever the place (wrong types, too big). */
export class DefectiveCommit extends Error {
  readonly index: number;

  constructor(index: number, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.index = index;
  }
}

/**
 * Applies a batch but for what is known to be defective. Call in a transaction.
 * @throws {DefectiveCommit} naming the next that is; the transaction is to be taken back and begun again without it.
 */
export function applyAll(
  session: Session,
  batch: readonly Commit[],
  defective: ReadonlyMap<number, string>,
): CommitResult[] {
  return batch.map((commit, index): CommitResult => {
    if (defective.has(index)) return refuse('invalid', defective.get(index));
    try {
      return session.applier.apply(commit);
    } catch (error) {
      throw isPlaceAtFault(error) ? error : new DefectiveCommit(index, error);
    }
  });
}
