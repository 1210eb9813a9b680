/**
 * Which inbox rows a cell has seen. The live message after a commit is only a hint: it is taken when nothing can be missing
 * before it, otherwise the inbox is read (rule 2). Pure bookkeeping; positions grow in commit order.
 *
 * Invariant: for each sender, every row up to `#seen[sender]` that existed has been handed to the cell, in order.
 */
import type { Address } from '../actor/address.ts';
import type { InboxRow } from '../store/store.ts';

/** What to do with a hint. */
export type HintVerdict = 'take' | 'known' | 'gap';

/** Above this many senders an idle cell forgets them; the next hint of each costs one read of the inbox at most. */
const MAX_SENDERS = 1000;

export class InboxTracker {
  readonly #seen = new Map<Address, number>();
  #isBehind = false;

  /** True while rows wait on disk that have not been read; hints add nothing then. */
  get isBehind(): boolean {
    return this.#isBehind;
  }

  /** Rows come faster than they are taken: the rest is read later. */
  fallBehind(): void {
    this.#isBehind = true;
  }

  /** Judges a hint; `take` counts it as handed over. */
  judge(sender: Address, pos: number, previousPos: number): HintVerdict {
    const seen = this.#seen.get(sender);
    if (seen !== undefined && pos <= seen) return 'known';
    if (this.#isBehind) return 'gap';
    if (previousPos !== 0 && (seen === undefined || previousPos > seen)) return 'gap';
    this.#seen.set(sender, pos);
    return 'take';
  }

  /** Takes a page read from the store; returns the rows not handed over before. */
  takePage(rows: readonly InboxRow[], isLast: boolean): readonly InboxRow[] {
    const fresh = rows.filter(({ sender, pos }) => pos > (this.#seen.get(sender) ?? 0));
    for (const { sender, pos } of fresh) this.#seen.set(sender, pos);
    this.#isBehind = !isLast;
    return fresh;
  }

  /** Forgets senders when there are many; only while nothing waits or is unacknowledged. */
  trim(): void {
    if (this.#seen.size > MAX_SENDERS) this.#seen.clear();
  }
}
