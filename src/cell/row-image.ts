/** The actor's row as it will stand once the commits posted so far have applied: what its sum is made of. */
import { sumOfRow } from '../state/codec.ts';
import type { RowFields } from '../state/codec.ts';
import { endsActor } from '../store/decide.ts';
import type { Commit } from '../store/store.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Follows the commits of one actor. */
export class RowImage {
  readonly #fields: Mutable<RowFields>;

  constructor(fields: RowFields) {
    this.#fields = { ...fields };
  }

  get fields(): RowFields {
    return this.#fields;
  }

  /** The sum of the row after a commit that is posted next. @param tip checksum of the last row of state after it */
  after(commit: Commit, tip: number): number {
    const fields = this.#fields;
    const { address, actor, seq, at, version, status, error, marks, supervision, inFlight, timers, meta } = commit;
    fields.address = address;
    if (actor) Object.assign(fields, { type: actor.type, parent: actor.parent, createdAt: at, meta: actor.meta });
    fields.seq = seq;
    fields.version = version;
    fields.status = status;
    if (marks !== undefined) fields.marks = marks;
    if (error !== undefined) fields.error = error;
    if (supervision !== undefined) fields.supervision = supervision;
    if (inFlight !== undefined) fields.inFlight = inFlight;
    if (timers !== undefined) fields.timers = timers;
    // Whatever the commit says: nothing wakes what has ended.
    if (endsActor(commit)) fields.timers = null;
    if (meta !== undefined) fields.meta = meta;
    return sumOfRow(fields, tip);
  }
}

/** The row of an actor that does not exist yet. */
export const NO_ROW: RowFields = {
  address: '',
  type: '',
  parent: '',
  createdAt: 0,
  seq: 0,
  version: 0,
  status: '',
  error: null,
  meta: '{}',
  marks: null,
  supervision: null,
  inFlight: null,
  timers: null,
};
