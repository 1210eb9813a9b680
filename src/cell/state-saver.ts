/**
 * Decides how a state is written: small ones whole, large ones as the difference to the last one posted, compacted when the
 * differences outweigh the snapshot. So the cost of saving follows the size of the change (G8).
 */
import { TroupeError } from '../errors.ts';
import { encodeDelta, encodeSnapshot } from '../state/codec.ts';
import { diff } from '../state/delta.ts';
import type { PersistedState } from '../state/persisted.ts';
import type { ChecksummedText, StateWrite } from '../store/store.ts';

/** States up to this many characters of JSON are written whole. */
export const WHOLE_STATE_CHARS = 4096;

/** What a restored state looked like in the store. */
export interface SavedState {
  readonly state: PersistedState;
  readonly checksum: number;
  readonly snapshotBytes: number;
  readonly deltaBytes: number;
}

/** What a state leads to in the store. */
export interface SavedWrite {
  readonly state: StateWrite;
  /** Beside a snapshot that takes the place of others: the same change as a difference. */
  readonly step?: ChecksummedText;
}

/** What a saver is told. */
export interface SaverOptions {
  /** Whose states, for messages. */
  readonly owner: string;
  readonly maxStateBytes: number;
  /** Small states are written as differences as well, so that each state before can be told. */
  readonly keepsSteps: boolean;
  /** What the store holds. */
  readonly last?: SavedState | undefined;
}

/** Remembers what was posted last, so that the next write can be a difference. */
export class StateSaver {
  readonly #options: SaverOptions;
  #state: PersistedState | undefined;
  #checksum: number;
  #snapshotBytes: number;
  #deltaBytes: number;

  constructor(options: SaverOptions) {
    const { last } = options;
    this.#options = options;
    this.#state = last?.state;
    this.#checksum = last?.checksum ?? 0;
    this.#snapshotBytes = last?.snapshotBytes ?? 0;
    this.#deltaBytes = last?.deltaBytes ?? 0;
  }

  /**
   * The write that brings the stored state to `state`; nothing when they are equal. It counts as posted.
   * @throws {TroupeError} ERR_STATE_TOO_LARGE when the state exceeds the cap of its definition.
   */
  write(state: PersistedState): SavedWrite | undefined {
    const last = this.#state;
    if (last === state) return undefined;
    const isSmall = this.#snapshotBytes <= WHOLE_STATE_CHARS;
    if (!last || (isSmall && !this.#options.keepsSteps)) return { state: this.#writeWhole(state) };
    const ops = diff(last, state);
    if (!ops) {
      this.#state = state;
      return undefined;
    }
    const step = encodeDelta(ops, this.#checksum);
    const { text, checksum } = step;
    if (this.#deltaBytes + text.length > Math.max(this.#snapshotBytes, WHOLE_STATE_CHARS))
      return { state: this.#writeWhole(state), step };
    this.#assertFits(state, text.length);
    this.#state = state;
    this.#checksum = checksum;
    this.#deltaBytes += text.length;
    return { state: { kind: 'delta', text, checksum } };
  }

  /** Checksum of the last row of state. */
  get tip(): number {
    return this.#checksum;
  }

  /** Takes a restored actor's own state for the stored one when they are equal, so that later turns compare by reference. */
  rebase(state: PersistedState): boolean {
    if (!this.#state || diff(this.#state, state)) return false;
    this.#state = state;
    return true;
  }

  /** True when the state is within its cap, whole. */
  fits(state: PersistedState): boolean {
    return JSON.stringify(state).length <= this.#options.maxStateBytes;
  }

  #writeWhole(state: PersistedState): StateWrite {
    const { text, checksum } = encodeSnapshot(state);
    if (text.length > this.#options.maxStateBytes) throw this.#tooLarge(text.length);
    this.#state = state;
    this.#checksum = checksum;
    this.#snapshotBytes = text.length;
    this.#deltaBytes = 0;
    return { kind: 'snapshot', text, checksum };
  }

  /** No state is larger than the rows it is made of: it is measured where those together pass its cap. */
  #assertFits(state: PersistedState, deltaBytes: number): void {
    if (this.#snapshotBytes + this.#deltaBytes + deltaBytes <= this.#options.maxStateBytes) return;
    const bytes = JSON.stringify(state).length;
    if (bytes > this.#options.maxStateBytes) throw this.#tooLarge(bytes);
  }

  #tooLarge(bytes: number): TroupeError {
    const { owner, maxStateBytes } = this.#options;
    return new TroupeError(
      'ERR_STATE_TOO_LARGE',
      `The state of '${owner}' has ${bytes} bytes, more than its cap of ${maxStateBytes}. Keep histories in the log with append(), or raise maxStateBytes in defineActor.`,
      { details: { address: owner, bytes, maxStateBytes } },
    );
  }
}
