/** The words of a simulated story: what actors are asked to do, and what they note of it. */
import type { ReplyToken } from '../../src/index.ts';

/** Delays of the machine, each with a timer policy of its own. */
export const DELAYS = ['limit', 'rest', 'again'] as const;
export type Delay = (typeof DELAYS)[number];

/** Something an actor is asked to do within one turn. */
export type Op =
  | { readonly op: 'tell'; readonly to: string; readonly ops: readonly Op[] }
  | { readonly op: 'publish'; readonly topic: string }
  | { readonly op: 'subscribe' | 'unsubscribe'; readonly pattern: string }
  | {
      readonly op: 'schedule';
      readonly key: string;
      readonly ms: number;
      readonly isAt: boolean;
      readonly ops: readonly Op[];
    }
  | { readonly op: 'unschedule'; readonly key: string }
  | { readonly op: 'arm'; readonly delay: Delay; readonly ms: number }
  | { readonly op: 'raise'; readonly ms: number }
  | { readonly op: 'work'; readonly ms: number; readonly to: string; readonly mode: 'send' | 'plain' | 'fail' }
  | { readonly op: 'spawn'; readonly key: string }
  | { readonly op: 'stop'; readonly address: string }
  | { [K in PlainOp]: { readonly op: K } }[PlainOp];

type PlainOp = 'disarm' | 'unraise' | 'quit' | 'answer' | 'deliver' | 'boom' | 'end';

/** What an actor did in a turn, as its log tells. */
export type Did =
  | { readonly told: string; readonly to: string; readonly n: number; readonly isPoison: boolean }
  | { readonly published: string; readonly topic: string }
  | { readonly subscribed: string }
  | { readonly unsubscribed: string }
  | { readonly scheduled: string; readonly key: string; readonly dueAt: number }
  | { readonly unscheduled: string }
  | { readonly armed: string; readonly dueAt: number; readonly delay: Delay }
  | { readonly disarmed: string }
  | { readonly raised: string; readonly dueAt: number }
  | { readonly unraised: string }
  | { readonly entered: string; readonly mode: string; readonly to: string }
  | { readonly left: string }
  | { readonly kept: string }
  | { readonly answered: string }
  | { readonly delivered: string }
  | { readonly spawned: string }
  | { readonly stopped: string };

/** What led to a turn. */
export type EntryKind = 'do' | 'note' | 'ask' | 'timed' | 'topic' | 'fired' | 'raised' | 'done' | 'failed' | 'exited';

/** A row of an actor's log: one turn. */
export interface Entry {
  readonly id: string;
  readonly kind: EntryKind;
  readonly from: string;
  readonly n: number;
  /** Count kept in the state, so that a state and a log that drift apart are noticed. */
  readonly place: number;
  /** The wall clock, and how often it had been set back. */
  readonly now: number;
  readonly jumps: number;
  readonly did: readonly Did[];
  /** Of a run that is over. */
  readonly run?: { readonly key: string; readonly attempt: number };
  readonly reason?: string;
}

/** An ask whose answer comes later. */
export interface Kept {
  readonly id: string;
  readonly place: number;
  readonly token: ReplyToken<Answer>;
}

/** The answer to an ask: the place its turn had. */
export interface Answer {
  readonly id: string;
  readonly place: number;
}

/** State of every actor of the simulation. */
export interface SimContext {
  readonly count: number;
  /** How many events each receiver was told. */
  readonly sent: Readonly<Record<string, number>>;
  /** Ids made. */
  readonly made: number;
  readonly kept: readonly Kept[];
  readonly armed: { readonly id: string; readonly ms: number } | null;
  readonly raised: string | null;
  readonly job: { readonly id: string; readonly ms: number; readonly to: string; readonly mode: string } | null;
}
