/** What the kill harness and its child say to each other. The child says one word per line on standard output. */
import type { Invocation } from './chaos-history.ts';
import type { LoggedEntry } from './chaos-verdict.ts';
import type { Leftovers } from './chaos-settle.ts';

/** The one line the child gets on standard input. */
export interface ChildOrder {
  /** `load`: run until killed. `verify`: repeat what is unknown, wait for quiet, write the dump, stop. */
  readonly mode: 'load' | 'verify';
  readonly file: string;
  readonly history: string;
  readonly dump: string;
  readonly threads: number;
  readonly sender: string;
  readonly seed: number;
  readonly limit: number;
  readonly repeat: readonly Invocation[];
  /** Time for verification, in milliseconds. */
  readonly timeoutMs: number;
}

/** `loaded`: modules are imported; `up`: the system runs; `first`: a first outcome is known; `over`: nothing more to come. */
export const CHILD_WORDS = ['loaded', 'up', 'first', 'over'] as const;
export type ChildWord = (typeof CHILD_WORDS)[number];

/** What a verification leaves for the checker. */
export interface Dump {
  readonly logs: readonly (readonly [string, readonly LoggedEntry[]])[];
  readonly leftovers: Leftovers;
  /** Calls without an outcome when the time was over. */
  readonly hanging: readonly Invocation[];
}
