/** What has gone wrong with a cell and is being dealt with: a failed item, refused commits, a turn the store does not take. */
import type { TroupeError } from '../errors.ts';
import type { RestartCause } from '../supervision/events.ts';
import type { Supervisor } from '../supervision/supervisor.ts';
import type { Cell } from './cell.ts';
import type { Draft } from './draft.ts';
import { eventIdOf } from './items.ts';
import type { Item } from './items.ts';

/** Refusals in a row after which a cell is held: the same commit would be refused forever. */
const MAX_REFUSALS = 10;

export class Trouble {
  /** Turns are committed one by one, so that a culprit is known. */
  isCautious = false;
  /** Refusals since the last commit that applied. */
  refusals = 0;
  /** Since when the actor does not serve, by the monotonic clock. */
  sinceMs: number | undefined;
  /** Why it is made anew. */
  cause: RestartCause | undefined;
  /** How. */
  begin: ((cell: Cell) => void) | undefined;
  /** Runs the pauses. */
  supervisor: Supervisor | undefined;
  /** The item whose turn failed, while the commits before it are under way. */
  failed: Item | undefined;
  /** The item that failed last, until another has its turn: what it asked of the actor's seq was so. */
  tried: Item | undefined;
  /** The item whose turn the store does not take, and why: it fails when it comes again. */
  #condemned: { readonly id: string | undefined; readonly error: TroupeError } | undefined;

  get isRefusedForGood(): boolean {
    return this.refusals > MAX_REFUSALS;
  }

  /** Alone in its commit the culprit is known; otherwise its turns come again one to a commit. */
  condemn(draft: Draft | undefined, error: TroupeError): void {
    this.isCautious = true;
    const [culprit, ...others] = draft?.items ?? [];
    if (others.length === 0) this.#condemned = { id: culprit && eventIdOf(culprit), error };
  }

  /** Why an item must fail without a turn. */
  faultOf(item: Item): TroupeError | undefined {
    return this.#condemned && this.#condemned.id === eventIdOf(item) ? this.#condemned.error : undefined;
  }

  /** The failure of an item has been decided on. */
  judged(item: Item | undefined): void {
    this.failed = undefined;
    if (item && this.faultOf(item)) this.#condemned = undefined;
  }

  takeFailed(): readonly Item[] {
    const failed = this.failed ? [this.failed] : [];
    this.failed = undefined;
    return failed;
  }
}
