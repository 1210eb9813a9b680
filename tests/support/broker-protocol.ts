/** What a run with a broker and the processes of its two systems say to each other: one JSON object per line. */
import type { KeptEntry } from './broker-actors.ts';
import type { Side } from './broker-plan.ts';

/** Topics of the load, and patterns of them. */
export const TOPICS = ['load.red', 'load.green', 'load.blue', 'load.work'] as const;
export const ALL_TOPICS = 'load.>';
export const PICKED_TOPIC = 'load.red';
export const WORK_TOPIC = 'load.work';

/** The queue group whose members are in both systems. */
export const CREW = 'crew';

/** Where a foreign client sends its requests: an actor of A. */
export const TALLY = { type: 'tally', key: 'one' } as const;

/** The first line a child gets. */
export interface SystemOrder {
  readonly side: Side;
  /** From 1; a new one for every start. */
  readonly life: number;
  readonly storeFile: string;
  readonly historyFile: string;
  readonly dumpFile: string;
  readonly url: string;
  readonly namespace: string;
  readonly threads: number;
  readonly perSecond: number;
  readonly seed: number;
}

/** The lines after it: begin the load, stop it; say how far things are; write down what is left, and end. */
export type SystemWish = 'go' | 'halt' | 'look' | 'finish';

/** How far a system is. */
export interface SystemLook {
  /** What is published here and not acknowledged by the server. */
  readonly unsent: number;
  /** How far it has read the stream. */
  readonly streamSeq: number;
  readonly unread: number;
  readonly inboxRows: number;
  readonly outboxRows: number;
  /** Positions of the log that subscribers have not come to, groups aside. */
  readonly unhandled: number;
  readonly server: string;
}

/** A flow of events that must go on: from whom, to whom. Of the group whatever it handles counts, also old events. */
export type Flow = `${Side | 'F'}>${Side}` | typeof CREW | 'requests';

/**
 * What a child says. `loaded`: modules are imported; `up`: the system runs, and everybody in it who receives is there; `flow`: an event came that was sent then;
 * `halted`: the load is over and all its calls have an outcome; `over`: the dump is written.
 */
export type SystemWord =
  | { readonly t: 'loaded' | 'up' | 'halted' | 'over' }
  | { readonly t: 'flow'; readonly flow: Flow; readonly sentAt: number }
  | { readonly t: 'look'; readonly look: SystemLook };

/** What is in the logs of a system's actors in the end, by address. */
export type SystemDump = Readonly<Record<string, readonly KeptEntry[]>>;
