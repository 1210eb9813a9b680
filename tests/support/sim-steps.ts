/** Draws what happens next in a simulated story: the host program, time, or a crash. */
import type { ChaosRandom } from './chaos-random.ts';

/** What may happen next, and how often. */
const STEPS = {
  send: 30,
  burst: 5,
  named: 6,
  ask: 9,
  tell: 3,
  schedule: 6,
  unschedule: 3,
  publish: 7,
  subscribe: 3,
  unsubscribe: 1,
  look: 4,
  stop: 1,
  pass: 14,
  jump: 2,
  'crash-cell': 5,
  'crash-worker': 3,
  'crash-store': 3,
  'store-fails': 2,
  'crash-process': 3,
  restart: 1,
} as const;

export type Step = keyof typeof STEPS;

const STEP_KINDS = Object.keys(STEPS) as readonly Step[];

const TOTAL = Object.values(STEPS).reduce<number>((sum, weight) => sum + weight, 0);

/** Steps of one story. */
export const STEP_COUNT = { from: 40, to: 110 } as const;

/** Callbacks between two steps: few, so that most of what happens happens at once. */
export const PACE = { from: 0, to: 30 } as const;

/** What happens next. */
export function drawStep(random: ChaosRandom): Step {
  let place = random.next() * TOTAL;
  for (const step of STEP_KINDS) {
    place -= STEPS[step];
    if (place < 0) return step;
  }
  return 'send';
}
