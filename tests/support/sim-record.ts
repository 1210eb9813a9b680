/** What is known of a simulated story once it is over: the material of the check, and of its history. */
import type { Commit } from '../../src/store/store.ts';
import type { Entry, Op } from './sim-words.ts';
import type { RunMark } from './sim-world.ts';

/** A moment on the wall clock, and how often it had been set back by then. */
export interface Moment {
  readonly now: number;
  readonly jumps: number;
}

export type CallKind = 'send' | 'ask' | 'tell' | 'schedule' | 'unschedule' | 'publish' | 'look' | 'stop';

/** A call of the host program and how it ended. */
export interface Call {
  readonly kind: CallKind;
  /** Of the event; the same for all calls with one `callerId`. */
  readonly id: string;
  readonly to: string;
  /** Of the process; numbers of one process to one receiver grow. */
  readonly life: number;
  readonly n: number;
  readonly callerId?: string;
  readonly ops?: readonly Op[];
  /** What is scheduled, and when it is due. */
  readonly key?: string;
  readonly dueAt?: number;
  readonly at: Moment;
  /** Acknowledged sends to the same actor by then, for a look. */
  readonly before?: readonly string[];
  /** `unknown`: the process ended first, or gave up. */
  outcome: 'open' | 'ok' | 'failed' | 'unknown';
  endedAt?: Moment;
  code?: string;
  reply?: unknown;
}

/** A subscription of the host program: what it was handed, in order; with a name, what its handler was done with. */
export interface CodeSubscription {
  readonly id: string;
  readonly name?: string;
  readonly pattern: string;
  readonly life: number;
  /** Publications there were when it was asked for, and when it was there; undefined until then. */
  readonly askedAt: number;
  begunAt?: number;
  /** Publications there were when it was stopped or its process ended. */
  endedAt?: number;
  readonly heard: string[];
}

/** Something published, in the order of commits. */
export interface Publication {
  readonly id: string;
  readonly topic: string;
  readonly source: string;
}

/** What an actor must receive of a publication. */
export interface ExpectedTopic {
  readonly id: string;
  readonly source: string;
  /** Of the publication among all. */
  readonly place: number;
}

/** An actor as stored at the end. */
export interface FinalActor {
  readonly address: string;
  readonly status: string;
  readonly parent: string;
  readonly entries: readonly Entry[];
}

export interface FinalLetter {
  readonly address: string;
  readonly id: string;
  readonly text: string;
}

/** Everything the check looks at. */
export interface Story {
  readonly seed: number;
  readonly calls: readonly Call[];
  readonly actors: ReadonlyMap<string, FinalActor>;
  readonly letters: readonly FinalLetter[];
  readonly runs: readonly RunMark[];
  /** What the handler of deliveries was done with: id of the delivery and what it carried. */
  readonly deliveries: readonly { readonly delivery: string; readonly id: string }[];
  readonly subscriptions: readonly CodeSubscription[];
  readonly publications: readonly Publication[];
  /** By subscriber, in the order of commits. */
  readonly expectedTopics: ReadonlyMap<string, readonly ExpectedTopic[]>;
  /** What actors that are not stored took, by address. */
  readonly taken: ReadonlyMap<string, readonly string[]>;
  /** What the wall clock showed whenever it was set back. */
  readonly peaks: readonly number[];
  readonly leftovers: Readonly<Record<string, number>>;
  /** What was found while it went on. */
  readonly found: readonly Violation[];
  readonly life: number;
}

/** A promise that was broken. */
export interface Violation {
  readonly rule: string;
  /** What was expected, and what was seen. */
  readonly text: string;
}

/** Entries a commit appends to its actor's log. */
export function entriesOf({ log = [] }: Commit): readonly Entry[] {
  return log.map((text) => JSON.parse(text) as Entry);
}
