/**
 * Which threads are blocked, or hold too much memory: a pure decision over what main sees of them at each look. Main excuses a thread for
 * time in which main itself did not run: such a stretch, be it the machine asleep, counts as one beat.
 */

/** What main sees of a thread at a look. */
export interface SeenThread {
  readonly index: number;
  /** Counts the threads that had this place before. */
  readonly incarnation: number;
  readonly beats: number;
  readonly externalBytes: number;
  /** What its heap may still grow by, as of its last beat. */
  readonly heapRoomBytes: number;
  readonly isInTurn: boolean;
  /** Time it may be blocked by what it does, in milliseconds. */
  readonly hangMs: number;
}

/** What main remembers of a thread from look to look. */
export interface Quiet {
  readonly incarnation: number;
  readonly beats: number;
  /** Time it has not beaten that is held against it, in milliseconds. */
  readonly quietMs: number;
  /** What the process may have grown to since it was last seen to beat, if no thread holds more than it may. */
  readonly ceilingBytes: number;
}

/** One look at all threads. */
export interface Look {
  /** Since the look before, in milliseconds. */
  readonly elapsedMs: number;
  /** Memory of the process, without what main itself is known to hold. */
  readonly rssBytes: number;
  readonly threads: readonly SeenThread[];
}

export interface BeatLimits {
  readonly beatMs: number;
  /** Memory outside the heap that one thread may hold. */
  readonly maxBufferBytes: number;
}

/** A thread that must be ended. */
export interface BeatVerdict {
  readonly index: number;
  readonly end: 'hang' | 'memory';
  /** Time it was seen not to beat, in milliseconds. */
  readonly blockedMs: number;
  /** What it does now is the reason. */
  readonly isCaught: boolean;
}

/** Beats a thread must miss before it counts as silent. Half a beat is left to timers that run out of step. */
const SILENT_BEATS = 1.5;

/** Beats any thread may miss, whatever its actors say: two timers of the same pace may miss each other once. */
const FREE_BEATS = 2;

/** Decides on one look. Returns who must be ended, and what to remember for the next look. */
export function inspectBeats(
  known: ReadonlyMap<number, Quiet>,
  look: Look,
  limits: BeatLimits,
): { readonly verdicts: readonly BeatVerdict[]; readonly known: ReadonlyMap<number, Quiet> } {
  const heldMs = heldAgainst(look.elapsedMs, limits.beatMs);
  const isNew = ({ index, incarnation }: SeenThread): boolean => known.get(index)?.incarnation !== incarnation;
  const room: Room = {
    ceilingBytes: look.rssBytes + roomOf(look.threads, limits),
    newBytes: roomOf(look.threads.filter(isNew), limits),
  };
  const next = new Map(
    look.threads.map((thread) => [thread.index, listen(known.get(thread.index), thread, heldMs, room)]),
  );
  const verdicts = look.threads.flatMap((thread) => judge(thread, next, look, limits) ?? []);
  return { verdicts, known: next };
}

/** A look that came late by more than a beat says that main did not run; then nor, perhaps, did anybody. */
function heldAgainst(elapsedMs: number, beatMs: number): number {
  return elapsedMs > 2 * beatMs ? beatMs : elapsedMs;
}

/** What the process may still grow by. */
interface Room {
  readonly ceilingBytes: number;
  /** Room of threads that were not there before. */
  readonly newBytes: number;
}

/** What threads may grow by within their limits, by their heaps and beside them. */
function roomOf(threads: readonly SeenThread[], { maxBufferBytes }: BeatLimits): number {
  let bytes = 0;
  for (const { heapRoomBytes, externalBytes } of threads)
    bytes += heapRoomBytes + Math.max(0, maxBufferBytes - externalBytes);
  return bytes;
}

function listen(before: Quiet | undefined, seen: SeenThread, heldMs: number, room: Room): Quiet {
  const { incarnation, beats } = seen;
  if (before?.incarnation !== incarnation || before.beats !== beats)
    return { incarnation, beats, quietMs: 0, ceilingBytes: room.ceilingBytes };
  return { ...before, quietMs: before.quietMs + heldMs, ceilingBytes: before.ceilingBytes + room.newBytes };
}

function judge(
  thread: SeenThread,
  quiets: ReadonlyMap<number, Quiet>,
  { rssBytes, threads }: Look,
  { beatMs, maxBufferBytes }: BeatLimits,
): BeatVerdict | undefined {
  const { index, externalBytes, hangMs, isInTurn } = thread;
  const quietOf = (of: number): number => quiets.get(of)?.quietMs ?? 0;
  const blockedMs = quietOf(index);
  // Said at a beat, so between turns: whoever runs now need not be the one that holds it.
  if (externalBytes > maxBufferBytes) return { index, end: 'memory', blockedMs, isCaught: false };
  if (blockedMs >= Math.max(hangMs, FREE_BEATS * beatMs)) return { index, end: 'hang', blockedMs, isCaught: isInTurn };
  // A thread inside a turn cannot say what it holds, and heaps of any thread may have grown meanwhile. What goes beyond all that they
  // may hold together is its, when all others have spoken.
  const isSilent = (of: number): boolean => quietOf(of) >= SILENT_BEATS * beatMs;
  const isAlone =
    isInTurn && isSilent(index) && threads.every((other) => other.index === index || !isSilent(other.index));
  const ceilingBytes = quiets.get(index)?.ceilingBytes ?? rssBytes;
  return isAlone && rssBytes > ceilingBytes ? { index, end: 'memory', blockedMs, isCaught: true } : undefined;
}
