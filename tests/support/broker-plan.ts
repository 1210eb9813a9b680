/** What goes wrong in a run with a broker, and when: all of it decided by the seed before anything runs. */
import type { ChaosRandom } from './chaos-random.ts';

/** The two systems of a run. */
export const SIDES = ['A', 'B'] as const;
export type Side = (typeof SIDES)[number];

/** Which bytes a fault of the network concerns. */
export type Way = 'toServer' | 'toClient' | 'both';

/**
 * `kill`: SIGKILL of the server; `freeze`: SIGSTOP and SIGCONT; `cut`: all connections break; `refuse`: and no new ones for a while; `tear`: they
 * break in the middle of what is being sent; `stall`: bytes are held; `delay`: bytes take longer; `end`: SIGKILL of a system.
 */
export type Fault =
  | { readonly kind: 'kill'; readonly downMs: number }
  | { readonly kind: 'freeze'; readonly forMs: number }
  | { readonly kind: 'cut' }
  | { readonly kind: 'refuse'; readonly forMs: number }
  | { readonly kind: 'tear'; readonly afterBytes: number; readonly way: 'toServer' | 'toClient' }
  | { readonly kind: 'stall'; readonly forMs: number; readonly way: Way }
  | { readonly kind: 'delay'; readonly forMs: number; readonly delayMs: number }
  | { readonly kind: 'end'; readonly side: Side; readonly downMs: number };

export type FaultKind = Fault['kind'];

/** One fault of a run. */
export interface Step {
  readonly fault: Fault;
  /** Time in which nothing is wrong before it. */
  readonly pauseMs: number;
  /** False: the next one comes whether or not events flow again. */
  readonly isAwaited: boolean;
}

/** Faults beside each kill of the server. */
const OTHERS_PER_KILL = 2;
const HASTY = 0.2;
const PAUSE_MS = { from: 50, to: 600 } as const;
const HASTY_PAUSE_MS = { from: 0, to: 300 } as const;
const LONGEST_DOWN_MS = 2000;
const STALL_MS = { from: 200, to: 6000 } as const;
const FREEZE_MS = { from: 200, to: 4000 } as const;
const TORN_AFTER_BYTES = 20_000;

type Deal = (random: ChaosRandom) => Fault;

/** Everything that goes wrong beside the kills of the server; dealt out in turns, so that no kind is rare. */
const DECK: readonly Deal[] = [
  () => ({ kind: 'cut' }),
  (random) => ({ kind: 'refuse', forMs: random.between(100, 2500) }),
  (random) => ({ kind: 'tear', afterBytes: random.between(0, TORN_AFTER_BYTES), way: 'toServer' }),
  (random) => ({ kind: 'tear', afterBytes: random.between(0, TORN_AFTER_BYTES), way: 'toClient' }),
  (random) => ({ kind: 'stall', forMs: skewed(random, STALL_MS), way: random.pick(['toServer', 'toClient', 'both']) }),
  (random) => ({ kind: 'delay', forMs: random.between(500, 3000), delayMs: random.between(5, 150) }),
  (random) => ({ kind: 'freeze', forMs: skewed(random, FREEZE_MS) }),
  (random) => ({ kind: 'end', side: random.pick(SIDES), downMs: random.between(0, 1000) }),
];

/** Decides on the faults of a run, with `kills` of the server among them. The last one is a kill. */
export function planFaults(kills: number, random: ChaosRandom): readonly Step[] {
  const steps: Step[] = [];
  let deck: readonly Deal[] = [];
  for (let kill = 1; kill <= kills; kill++) {
    for (let i = 0; i < OTHERS_PER_KILL; i++) {
      if (deck.length === 0) deck = shuffled(DECK, random);
      steps.push(toStep((deck[0] as Deal)(random), random));
      deck = deck.slice(1);
    }
    steps.push(toStep({ kind: 'kill', downMs: random.between(0, LONGEST_DOWN_MS) }, random));
  }
  return steps.map((step, index) => (index === steps.length - 1 ? { ...step, isAwaited: true } : step));
}

/** For people: the fault in one line. */
export function describeFault({ kind, ...more }: Fault): string {
  return [kind, ...Object.entries(more).map(([name, value]) => `${name} ${String(value)}`)].join(' ');
}

function toStep(fault: Fault, random: ChaosRandom): Step {
  const isAwaited = !random.chance(HASTY);
  const { from, to } = isAwaited ? PAUSE_MS : HASTY_PAUSE_MS;
  return { fault, pauseMs: random.between(from, to), isAwaited };
}

/** Short times are likelier: they leave more faults in the same time. */
function skewed(random: ChaosRandom, { from, to }: { readonly from: number; readonly to: number }): number {
  return Math.round(from + random.next() ** 2 * (to - from));
}

function shuffled<T>(items: readonly T[], random: ChaosRandom): readonly T[] {
  const rest = [...items];
  for (let last = rest.length - 1; last > 0; last--) {
    const other = random.between(0, last);
    [rest[last], rest[other]] = [rest[other] as T, rest[last] as T];
  }
  return rest;
}
