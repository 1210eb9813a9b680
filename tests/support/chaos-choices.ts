/** What a client of a chaos run does next: which call, to whom, with what. Seeded; keeps no state but keys used lately. */
import { hashAddress } from '../../src/actor/address.ts';
import { ADDRESSES, addressesOf } from './chaos-cast.ts';
import type { CastType } from './chaos-cast.ts';
import type { ChaosOp, Invocation, TimerOrder } from './chaos-history.ts';
import type { ChaosRandom } from './chaos-random.ts';

/** The choosable part of a call. */
export type Choice = Pick<Invocation, 'op' | 'to' | 'route' | 'timer' | 'topic'>;

/** Shares of all calls, in percent. */
const SHARES: readonly (readonly [ChaosOp, number])[] = [
  ['note', 29],
  ['ask', 12],
  ['pass', 26],
  ['run', 3],
  ['bad', 2],
  ['plan', 4],
  ['schedule', 6],
  ['unschedule', 2],
  ['herald', 7],
  ['publish', 6],
  ['subscribe', 1.5],
  ['unsubscribe', 1.5],
];

const RECEIVERS: Readonly<Partial<Record<ChaosOp, CastType>>> = {
  ask: 'ledger',
  pass: 'relay',
  run: 'job',
  plan: 'clock',
  schedule: 'clock',
  unschedule: 'clock',
  herald: 'herald',
  subscribe: 'listener',
  unsubscribe: 'listener',
};

/** `news` is what listeners are born with, `talk` what they may choose. */
const TOPICS = ['news.a', 'news.b', 'talk.a', 'talk.b'] as const;
const PATTERNS = ['talk.*', 'talk.a'] as const;

/** Keys that every process uses, so that one moves what another scheduled. */
const SHARED_KEYS = ['k0', 'k1', 'k2', 'k3', 'k4'] as const;

/** Most are due soon, some while the process lives no longer, some have passed. */
const DUE_MS = [-20, 0, 20, 60, 150, 500] as const;

/** Calls of which only one at a time may be under way, since their order counts. */
const ORDERED_OPS: ReadonlySet<ChaosOp> = new Set(['plan', 'schedule', 'unschedule', 'subscribe', 'unsubscribe']);

/** What is ordered by a call, beside that nothing else may be asked of it; nothing for most calls. */
export function lockOf({ op, to, timer, topic }: Choice): string | undefined {
  return ORDERED_OPS.has(op) ? `${to} ${timer?.key ?? topic}` : undefined;
}

/** Chooses for one process. */
export class Choices {
  readonly #random: ChaosRandom;
  readonly #threads: number;
  readonly #sender: string;
  /** Scheduled lately under keys of this process. */
  readonly #recent: { readonly to: string; readonly key: string }[] = [];
  #keys = 0;

  /** `threads` of the system, so that relays know which ledgers live elsewhere. */
  constructor(random: ChaosRandom, threads: number, sender: string) {
    this.#random = random;
    this.#threads = threads;
    this.#sender = sender;
  }

  next(): Choice {
    const op = this.#pickOp();
    if (op === 'plan' || op === 'schedule' || op === 'unschedule') return this.#timed(op);
    const to = this.#pickReceiver(op);
    if (op === 'pass' || op === 'run') return { op, to, route: this.#pickRoute(op, to) };
    if (op === 'herald' || op === 'publish') return { op, to, route: [], topic: this.#random.pick(TOPICS) };
    if (op === 'subscribe' || op === 'unsubscribe') return { op, to, route: [], topic: this.#random.pick(PATTERNS) };
    return { op, to, route: [] };
  }

  #pickOp(): ChaosOp {
    let dice = this.#random.next() * SHARES.reduce((sum, [, share]) => sum + share, 0);
    for (const [op, share] of SHARES) {
      dice -= share;
      if (dice < 0) return op;
    }
    return 'note';
  }

  #pickReceiver(op: ChaosOp): string {
    const random = this.#random;
    if (op === 'bad') return random.pick(ADDRESSES);
    if (op === 'publish') return 'bus/host';
    if (op === 'note') return random.pick(addressesOf(random.chance(0.06) ? 'ticker' : 'ledger'));
    return random.pick(addressesOf(RECEIVERS[op] as CastType));
  }

  /** A new key mostly, so that what is scheduled must come; else one to move or to take back. */
  #timed(op: ChaosOp): Choice {
    const random = this.#random;
    const isTakenBack = op === 'unschedule' || (op === 'plan' && random.chance(0.15));
    const { to, key } = isTakenBack || random.chance(0.3) ? this.#knownKey() : this.#newKey();
    return { op, to, route: [], timer: { key, ...(!isTakenBack && this.#pickTime(op)) } };
  }

  #knownKey(): { readonly to: string; readonly key: string } {
    const random = this.#random;
    if (random.chance(0.5) && this.#recent.length > 0) return random.pick(this.#recent);
    return { to: this.#pickReceiver('schedule'), key: random.pick(SHARED_KEYS) };
  }

  #newKey(): { readonly to: string; readonly key: string } {
    const made = { to: this.#pickReceiver('schedule'), key: `${this.#sender}.${++this.#keys}` };
    this.#recent.push(made);
    if (this.#recent.length > 8) this.#recent.shift();
    return made;
  }

  #pickTime(op: ChaosOp): Omit<TimerOrder, 'key'> {
    const ms = this.#random.pick(DUE_MS) + this.#random.between(0, 20);
    if (op === 'plan' || this.#random.chance(0.5)) return { afterMs: Math.max(0, ms) };
    return { dueAt: Date.now() + ms };
  }

  /** One stop for a run; one or two for a pass, each mostly on another thread than the one before. */
  #pickRoute(op: ChaosOp, to: string): readonly string[] {
    const random = this.#random;
    if (op === 'run') return [random.pick(addressesOf('ledger'))];
    if (random.chance(0.7)) return [this.#elsewhere(to, addressesOf('ledger'))];
    const next = this.#elsewhere(to, addressesOf('relay'));
    return [next, this.#elsewhere(next, addressesOf('ledger'))];
  }

  #elsewhere(from: string, choices: readonly string[]): string {
    const others = choices.filter((address) => this.#threadOf(address) !== this.#threadOf(from));
    return this.#random.pick(others.length > 0 && this.#random.chance(0.8) ? others : choices);
  }

  #threadOf(address: string): number {
    return hashAddress(address as never) % this.#threads;
  }
}
