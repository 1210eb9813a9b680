/**
 * Reads a cell's inbox: takes hints while nothing can be missing before them, and the rows from the store when something
 * can (rule 2). At most one read is under way; rows over a page wait on disk.
 */
import type { Address } from '../actor/address.ts';
import type { InboxRow } from '../store/store.ts';
import { toInboxItem } from './items.ts';
import type { InboxItem } from './items.ts';
import { InboxTracker } from './inbox-tracker.ts';
import type { CellServices } from './services.ts';

/** Inbox rows read at a time. */
export const INBOX_PAGE = 256;

/** Whose inbox it is. */
export interface InboxHooks {
  readonly address: Address;
  readonly services: CellServices;
  /** True while no more rows are wanted in memory: they wait on disk. */
  readonly isFull: boolean;
  takeRows(items: readonly InboxItem[]): void;
}

export class InboxReader {
  readonly #cell: InboxHooks;
  #tracker = new InboxTracker();
  #life = 0;
  #isReading = false;
  #isWanted = false;

  constructor(cell: InboxHooks) {
    this.#cell = cell;
  }

  /** True while no row is known to wait and none is being looked for. */
  get isQuiet(): boolean {
    return !this.#isReading && !this.#isWanted && !this.#tracker.isBehind;
  }

  /** True while rows are known to wait on disk. */
  get isBehind(): boolean {
    return this.#tracker.isBehind;
  }

  /** Starts anew with the first page, as loaded with the actor. */
  reset(rows: readonly InboxRow[]): readonly InboxItem[] {
    this.#life++;
    this.#isReading = false;
    this.#tracker = new InboxTracker();
    return toItems(this.#tracker.takePage(rows, rows.length < INBOX_PAGE));
  }

  /** Takes a hint, or reads the inbox when it shows a gap. */
  hint(item: InboxItem, previousPos: number): void {
    if (this.#cell.isFull) return this.#tracker.fallBehind();
    const verdict = this.#tracker.judge(item.row.sender, item.row.pos, previousPos);
    if (verdict === 'take') this.#cell.takeRows([item]);
    if (verdict === 'gap') this.read();
  }

  /** The cell starts anew: what is being read no longer counts. */
  drop(): void {
    this.#life++;
    this.#isReading = false;
  }

  /** A hint came while the cell was loading: the page under way may have missed its row. */
  readAfterReset(): void {
    this.#isWanted = true;
  }

  /** Reads again when that was asked for while the cell was loading. */
  catchUp(): void {
    if (!this.#isWanted) return;
    this.#isWanted = false;
    this.read();
  }

  /** Reads what waits and has not been handed over. */
  read(): void {
    if (this.#cell.isFull) return this.#tracker.fallBehind();
    if (this.#isReading) {
      this.#isWanted = true;
      return;
    }
    this.#isReading = true;
    void this.#readPages(this.#life);
  }

  /** Forgets bookkeeping that an idle cell does not need. */
  trim(): void {
    this.#tracker.trim();
  }

  async #readPages(life: number): Promise<void> {
    try {
      let afterPos = 0;
      for (;;) {
        const query = { afterPos, limit: INBOX_PAGE };
        const rows = await this.#cell.services.store.call('inbox', this.#cell.address, query);
        if (life !== this.#life) return;
        const isLast = rows.length < INBOX_PAGE;
        const fresh = this.#tracker.takePage(rows, isLast);
        if (fresh.length > 0 || isLast) return this.#finish(fresh);
        afterPos = rows.at(-1)?.pos ?? afterPos;
      }
    } catch {
      // The recovery loop asks again; a row stays in the store until its consequence is committed.
      if (life === this.#life) this.#isReading = false;
    }
  }

  #finish(fresh: readonly InboxRow[]): void {
    this.#isReading = false;
    this.#cell.takeRows(toItems(fresh));
    this.catchUp();
  }
}

function toItems(rows: readonly InboxRow[]): InboxItem[] {
  return rows.map(toInboxItem);
}
