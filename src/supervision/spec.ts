/** How a failing actor is treated, as its definition says it: plain data, with defaults filled in. */

/** How often one event may fail its actor before it goes to the dead letters. Less than the least `maxRestarts`. */
export const MAX_EVENT_ATTEMPTS = 3;

/**
 * When an actor is made anew. `permanent`: always, also when its machine comes to its end, then from its input; `transient`: when it
 * fails; `temporary`: never, its first failure ends it.
 */
export const RESTARTS = ['permanent', 'transient', 'temporary'] as const;
export type Restart = (typeof RESTARTS)[number];

/**
 * Who is made anew when a child fails. `one-for-one`: that child; `one-for-all`: all children of the parent; `rest-for-one`: that child and
 * those started after it. Where more than the one are, so is everything below them.
 */
export const STRATEGIES = ['one-for-one', 'one-for-all', 'rest-for-one'] as const;
export type Strategy = (typeof STRATEGIES)[number];

/** What happens when the budget of restarts is spent. `escalate`: the parent fails with it; at the root that is `quarantine`. */
export const GIVE_UPS = ['quarantine', 'escalate'] as const;
export type GiveUp = (typeof GIVE_UPS)[number];

/** Pauses between restarts that no event is to blame for. The first comes at once, the second after `minMs`, then each `factor` times as late as the one before. */
export interface Backoff {
  /** In milliseconds. 0 to 86,400,000. @default 50 */
  readonly minMs: number;
  /** The longest, in milliseconds; also the quiet time after which the next failure counts as the first. `minMs` to 86,400,000. @default 30000 */
  readonly maxMs: number;
  /** 1 to 10. @default 2 */
  readonly factor: number;
  /** Part of a pause that chance may take off it, so that many do not come back at once. 0 to 1. @default 0.2 */
  readonly jitter: number;
}

/** A substitute that takes over address, log and mailbox of an actor that failed. Made by `replace`. */
export interface Replacement {
  readonly kind: 'replace';
  /** Type of the substitute's definition. */
  readonly with: string;
  /** Input of the substitute, from the last saved context of the actor that failed. */
  readonly toInput: (context: never) => unknown;
}

/** What to do about a failure: make the actor anew, put a substitute in its place, or leave it down and say so. */
export type OnFailure = 'restart' | 'alert' | Replacement;

/** How one actor is supervised, and how it supervises its children. */
export interface SupervisionSpec {
  readonly restart: Restart;
  readonly strategy: Strategy;
  readonly maxRestarts: number;
  readonly withinMs: number;
  readonly backoff: Backoff;
  readonly onFailure: OnFailure;
  readonly onGiveUp: GiveUp;
  /** Time a turn may block its thread, in milliseconds; undefined: as the system says. */
  readonly hangMs: number | undefined;
  /** Time an effect function may go without progress, in milliseconds. Infinity: any. */
  readonly stallMs: number;
  /** Time the actor gets to stop when its parent stops it, in milliseconds. */
  readonly stopTimeoutMs: number;
}

/**
 * Lets a substitute take over when an actor fails: `supervise: { onFailure: replace(simpleAgent, (context) => ({ name: context.name })) }`.
 * It gets the address, the log and everything that waits, and starts from its input.
 * @param substitute a definition, or its type; it must be loaded, and take every event and ask the actor takes
 * @param toInput its input, from the last saved context of the actor. @default the context itself
 */
export function replace<TContext = unknown>(
  substitute: string | { readonly type: string },
  toInput: (context: TContext) => unknown = (context) => context,
): Replacement {
  return { kind: 'replace', with: typeof substitute === 'string' ? substitute : substitute.type, toInput };
}
