/** Which faults happen in a run, and when: a pure function of the seed, saved with the run, so that a resume goes on with the same. */
import { z } from 'zod';
import { createRandom } from '../../../src/testing/random.ts';

/**
 * `throw`: the turn in which an agent takes up work throws; `exit`: its worker thread ends; `hang`: an endless loop blocks the
 * thread; `stall`: its effect function never comes back.
 */
const KINDS = ['throw', 'exit', 'hang', 'stall'] as const;

/** The turns of the first round: every run has them. */
const FIRST_TURNS = [1, 2, 3] as const;
const LATER_TURNS = [4, 5, 6] as const;
/** Faults in the later turns, as far as the run gets there. */
const LATER_FAULTS = 2;

const faultSchema = z.object({
  /** Turn of the conversation it happens in. */
  turn: z.int(),
  kind: z.enum(KINDS),
});

/** Plan of a run, and where it is noted what has happened of it: the n-th fault leaves the file `${marks}${n}`. */
export const chaosSchema = z.object({ seed: z.int(), marks: z.string(), faults: z.array(faultSchema) });

export type FaultKind = (typeof KINDS)[number];
export type Fault = z.infer<typeof faultSchema>;
export type Chaos = z.infer<typeof chaosSchema>;

/**
 * Draws the faults: one of each kind in the first round, two more in the second. No agent loses its thread more than once in a
 * round, since three times in a row would have it held.
 */
export function planFaults(seed: number): readonly Fault[] {
  const random = createRandom(seed);
  const [exit, hang, last] = shuffle(FIRST_TURNS, random);
  const [calm, other] = shuffle(['throw', 'stall'] as const, random);
  const first: Fault[] = [
    { turn: exit, kind: 'exit' },
    { turn: hang, kind: 'hang' },
    { turn: last, kind: calm },
    { turn: pick(FIRST_TURNS, random), kind: other },
  ];
  const later = shuffle(LATER_TURNS, random).slice(0, LATER_FAULTS);
  return [...first, ...later.map((turn) => ({ turn, kind: pick(KINDS, random) }))];
}

function shuffle<T extends readonly unknown[]>(
  items: T,
  random: () => number,
): { -readonly [K in keyof T]: T[number] } {
  const keyed = items.map((item) => ({ item, at: random() })).sort((a, b) => a.at - b.at);
  return keyed.map(({ item }) => item) as { -readonly [K in keyof T]: T[number] };
}

function pick<T>(items: readonly T[], random: () => number): T {
  return items[Math.floor(random() * items.length)] as T;
}
