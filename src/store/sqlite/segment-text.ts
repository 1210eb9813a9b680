/** Old events of one actor as one text, and that text compressed: what a segment holds, and how its damage is found. Pure. */
import { constants, crc32, zstdDecompressSync } from 'node:zlib';
import type { Address } from '../../actor/address.ts';
import { TroupeError } from '../../errors.ts';

/** Most events of a segment. */
export const MAX_SEGMENT_EVENTS = 256;
/** Most bytes of the texts of a segment, so that reading one event never costs more than reading this. */
export const MAX_SEGMENT_BYTES = 1_048_576;
/** What stands before the texts: some 60 bytes an event. Damage must not fill the memory. */
const MAX_HEAD_BYTES = 65_536;

/** Which events: all from one commit to another, with no number left out. */
export interface Stretch {
  readonly address: Address;
  readonly firstSeq: number;
  readonly lastSeq: number;
}

/** An event, with what its commit changed of the state. */
export interface SegmentEvent {
  readonly seq: number;
  readonly pos: number;
  readonly at: number;
  /** The event before it, where that is known. */
  readonly prev: number | null;
  readonly checksum: number;
  readonly text: string;
  readonly delta: string | null;
  readonly deltaChecksum: number | null;
}

type Head = readonly [
  pos: number,
  at: number,
  prev: number | null,
  checksum: number,
  chars: number,
  deltaChars: number,
  deltaSum: number,
];

/** Length that stands for a commit that wrote no difference. */
const NO_DELTA = -1;

/** A line of numbers about each event, then the texts of events, then those of differences: like beside like compresses best. */
export function toSegmentText(events: readonly SegmentEvent[]): string {
  const heads = events.map(({ pos, at, prev, checksum, text, delta, deltaChecksum }): Head => {
    return [pos, at, prev, checksum, text.length, delta?.length ?? NO_DELTA, deltaChecksum ?? 0];
  });
  const texts = events.map(({ text }) => text).join('');
  return `${JSON.stringify(heads)}\n${texts}${events.map(({ delta }) => delta ?? '').join('')}`;
}

/** The checksum of a segment: over its text, and over whose it is, so that one in the place of another is found as well. */
export function sumOfSegment({ address, firstSeq, lastSeq }: Stretch, text: string): number {
  return crc32(text, crc32(`${address} ${firstSeq} ${lastSeq}\n`));
}

/** The text of a compressed segment. @throws what zlib throws when it is damaged */
export function unpackSegment(packed: Uint8Array): string {
  const maxOutputLength = MAX_SEGMENT_BYTES + MAX_HEAD_BYTES;
  return zstdDecompressSync(packed, { maxOutputLength, finishFlush: constants.ZSTD_e_end }).toString();
}

/**
 * The events of a compressed segment.
 * @throws {TroupeError} ERR_STATE_CORRUPT when it is not what was written.
 */
export function readSegment(stretch: Stretch, packed: Uint8Array | undefined, checksum: number): SegmentEvent[] {
  const text = unpackOrNothing(packed);
  if (text === undefined || sumOfSegment(stretch, text) !== checksum) throw createDamagedError(stretch);
  return parseSegmentText(text, stretch.firstSeq);
}

function unpackOrNothing(packed: Uint8Array | undefined): string | undefined {
  try {
    return packed && unpackSegment(packed);
  } catch {
    return undefined;
  }
}

function parseSegmentText(text: string, firstSeq: number): SegmentEvent[] {
  const endOfHeads = text.indexOf('\n');
  const heads = JSON.parse(text.slice(0, endOfHeads)) as readonly Head[];
  let from = endOfHeads + 1;
  let deltaFrom = heads.reduce((end, [, , , , chars]) => end + chars, from);
  return heads.map(([pos, at, prev, checksum, chars, deltaChars, deltaSum], index) => {
    const hasDelta = deltaChars !== NO_DELTA;
    const own = text.slice(from, (from += chars));
    const delta = hasDelta ? text.slice(deltaFrom, (deltaFrom += deltaChars)) : null;
    return {
      seq: firstSeq + index,
      pos,
      at,
      prev,
      checksum,
      text: own,
      delta,
      deltaChecksum: hasDelta ? deltaSum : null,
    };
  });
}

function createDamagedError({ address, firstSeq, lastSeq }: Stretch): TroupeError {
  return new TroupeError(
    'ERR_STATE_CORRUPT',
    `Events ${firstSeq} to ${lastSeq} in the history of '${address}' are packed together, and that is damaged. The actor itself is not touched by it; restore the store from a backup, or read around them with 'before: ${firstSeq}' and 'after: ${lastSeq}'.`,
    { details: { owner: address, firstSeq, lastSeq } },
  );
}
