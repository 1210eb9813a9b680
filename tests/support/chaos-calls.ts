/** Reads calls and lives out of a history: what was called, when it can have taken effect, and when a system ran. */
import type { CallOutcome, HistoryLine, Invocation } from './chaos-history.ts';

/** All calls under one id, and how they ended. */
export interface Call {
  readonly first: Invocation;
  readonly ends: readonly CallOutcome[];
  /** It took effect, if it did, between these two. */
  readonly span: Span;
  /** It was acknowledged. */
  readonly isOk: boolean;
}

/** A stretch of the history, both ends excluded: numbers of lines, and when the second was written. */
export interface Span {
  readonly after: number;
  readonly before: number;
  /** In milliseconds since the epoch. */
  readonly beforeAt: number;
}

/** True when one stretch is over before the other begins. */
export function isBefore(one: Span, other: Span): boolean {
  return one.before < other.after;
}

/** Calls by id, in the order of their first. */
export function collectCalls(lines: readonly HistoryLine[]): ReadonlyMap<string, Call> {
  const drafts = new Map<string, Draft>();
  lines.forEach((line, index) => {
    if (line.t === 'call') {
      const draft = drafts.get(line.id);
      if (draft) draft.lastIndex = index;
      else drafts.set(line.id, { first: line, ends: [], firstIndex: index, lastIndex: index, ok: undefined });
    }
    if (line.t === 'end') noteEnd(drafts.get(line.id), line, index);
  });
  const starts = startsOf(lines);
  return new Map([...drafts].map(([id, draft]) => [id, toCall(draft, starts)]));
}

interface Draft {
  readonly first: Invocation;
  readonly ends: CallOutcome[];
  readonly firstIndex: number;
  lastIndex: number;
  /** The first acknowledgement. */
  ok: Start | undefined;
}

interface Start {
  readonly index: number;
  readonly at: number;
}

function noteEnd(draft: Draft | undefined, end: CallOutcome, index: number): void {
  draft?.ends.push(end);
  if (draft && end.is === 'ok') draft.ok ??= { index, at: end.at };
}

/** What a process did that was killed, it had done before the next one began. */
function toCall({ first, ends, firstIndex, lastIndex, ok }: Draft, starts: readonly Start[]): Call {
  const over = ok ?? starts.find(({ index }) => index > lastIndex);
  const span = { after: firstIndex, before: over?.index ?? Infinity, beforeAt: over?.at ?? Infinity };
  return { first, ends, span, isOk: ok !== undefined };
}

function startsOf(lines: readonly HistoryLine[]): readonly Start[] {
  return lines.flatMap((line, index) => (line.t === 'life' && line.phase === 'begin' ? [{ index, at: line.at }] : []));
}

/** When systems ran on one store, one after the other. */
export class Lives {
  /** When each began, and when its predecessor was gone; times in milliseconds since the epoch. */
  readonly #begun: { readonly at: number; readonly downSince: number }[] = [];

  constructor(lines: readonly HistoryLine[]) {
    let downSince: number | undefined;
    for (const line of lines) {
      if (line.t !== 'life') continue;
      if (line.phase === 'over') downSince ??= line.at;
      else {
        this.#begun.push({ at: line.at, downSince: downSince ?? line.at });
        downSince = undefined;
      }
    }
  }

  /** When the system began that ran at a time; 0 when none is known. */
  begunBefore(at: number): number {
    return this.#begun.findLast((life) => life.at <= at)?.at ?? 0;
  }

  /** Least time between two times in which no system ran. */
  downMs(from: number, to: number): number {
    const within = this.#begun.filter((life) => life.downSince >= from && life.at <= to);
    return within.reduce((sum, { at, downSince }) => sum + (at - downSince), 0);
  }
}
