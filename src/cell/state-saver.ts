/**
 * Decides how a state is written: small ones whole, large ones as the difference to the last one posted, compacted when the
 * differences outweigh the snapshot. So the cost of saving follows the size of the change (G8).
 */
import { TroupeError } from '../errors.ts';
import { encodeDelta, encodeSnapshot } from '../state/codec.ts';
import { diff } from '../state/delta.ts';
import type { PersistedState } from '../state/persisted.ts';
import type { StateWrite } from '../store/store.ts';

/** States up to this many characters of JSON are written whole. */
export const WHOLE_STATE_CHARS = 4096;

/** What a restored state looked like in the store. */
export interface SavedState {
  readonly state: PersistedState;
  readonly checksum: number;
  readonly snapshotBytes: number;
  readonly deltaBytes: number;
}

/** Remembers what was posted last, so that the next write can be a difference. */
export class StateSaver {
  readonly #owner: string;
  readonly #maxStateBytes: number;
  #last: SavedState | undefined;

  constructor(owner: string, maxStateBytes: number, last?: SavedState) {
    this.#owner = owner;
    this.#maxStateBytes = maxStateBytes;
    this.#last = last;
  }

  /**
   * The write that brings the stored state to `state`; nothing when they are equal. It counts as posted.
   * @throws {TroupeError} ERR_STATE_TOO_LARGE when the state exceeds the cap of its definition.
   */
  write(state: PersistedState): StateWrite | undefined {
    const last = this.#last;
    if (last?.state === state) return undefined;
    if (!last || last.snapshotBytes <= WHOLE_STATE_CHARS) return this.#writeWhole(state);
    const ops = diff(last.state, state);
    if (!ops) {
      this.#last = { ...last, state };
      return undefined;
    }
    const { text, checksum } = encodeDelta(ops, last.checksum);
    const deltaBytes = last.deltaBytes + text.length;
    if (deltaBytes > last.snapshotBytes) return this.#writeWhole(state);
    this.#last = { state, checksum, snapshotBytes: last.snapshotBytes, deltaBytes };
    return { kind: 'delta', text, checksum };
  }

  /** Takes a restored actor's own state for the stored one when they are equal, so that later turns compare by reference. */
  rebase(state: PersistedState): boolean {
    if (!this.#last || diff(this.#last.state, state)) return false;
    this.#last = { ...this.#last, state };
    return true;
  }

  /** True when the state is within its cap, whole. */
  fits(state: PersistedState): boolean {
    return JSON.stringify(state).length <= this.#maxStateBytes;
  }

  #writeWhole(state: PersistedState): StateWrite {
    const { text, checksum } = encodeSnapshot(state);
    if (text.length > this.#maxStateBytes) {
      throw new TroupeError(
        'ERR_STATE_TOO_LARGE',
        `The state of '${this.#owner}' has ${text.length} bytes, more than its cap of ${this.#maxStateBytes}. Keep histories in the log with append(), or raise maxStateBytes in defineActor.`,
        { details: { address: this.#owner, bytes: text.length, maxStateBytes: this.#maxStateBytes } },
      );
    }
    this.#last = { state, checksum, snapshotBytes: text.length, deltaBytes: 0 };
    return { kind: 'snapshot', text, checksum };
  }
}
