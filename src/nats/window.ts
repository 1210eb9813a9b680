/**
 * What has been sent and not all been answered, in the order of the log. Pure.
 *
 * Invariants: W1 `donePos` is the last position up to which everything is done; W2 it never goes back.
 */
export class SendWindow {
  readonly #entries: Entry[] = [];
  #donePos: number;
  #open = 0;

  constructor(donePos: number) {
    this.#donePos = donePos;
  }

  /** Everything up to here is done. */
  get donePos(): number {
    return this.#donePos;
  }

  /** Entries without an answer. */
  get open(): number {
    return this.#open;
  }

  /** Enters a position, later than all before. Returns what takes the answer: an entry that failed is passed by nothing. */
  enter(pos: number): (isDone: boolean) => void {
    const entry: Entry = { pos, state: 'open' };
    this.#entries.push(entry);
    this.#open++;
    return (isDone) => {
      if (entry.state !== 'open') return;
      entry.state = isDone ? 'done' : 'failed';
      this.#open--;
      this.#advance();
    };
  }

  /** Enters a position with which there is nothing to do. */
  pass(pos: number): void {
    this.#entries.push({ pos, state: 'done' });
    this.#advance();
  }

  #advance(): void {
    let count = 0;
    for (const { pos, state } of this.#entries) {
      if (state !== 'done') break;
      this.#donePos = pos;
      count++;
    }
    this.#entries.splice(0, count);
  }
}

interface Entry {
  readonly pos: number;
  state: 'open' | 'done' | 'failed';
}
