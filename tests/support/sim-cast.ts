/** Draws what happens in a simulated story: actors, events, what these ask for. */
import type { ChaosRandom } from './chaos-random.ts';
import { DELAYS } from './sim-words.ts';
import type { Op } from './sim-words.ts';

/** Actors that are stored and never end. */
export const LASTING = [
  'plain/a',
  'plain/b',
  'plain/c',
  'picky/a',
  'lossy/a',
  'fan/a',
  'fan/b',
  'keen/a',
  'once/a',
  'parent/p',
] as const;

const CHILDREN = ['1', '2', '3', '4'] as const;
export const TOPICS = ['t.a', 't.b', 't.b.c', 'u.x'] as const;
export const PATTERNS = ['t.a', 't.*', 't.>', '>', 'u.*', '*.x'] as const;
const KEYS = ['e1', 'e2'] as const;
const WORKERS = ['plain/a', 'plain/b'] as const;

/** Milliseconds: at once, soon, or later. */
export function drawDelay(random: ChaosRandom): number {
  const kind = random.next();
  if (kind < 0.1) return 0;
  if (kind < 0.75) return random.between(1, 300);
  return random.between(300, 20_000);
}

/** An actor to talk to. */
export function drawTarget(random: ChaosRandom): string {
  const kind = random.next();
  if (kind < 0.05) return 'lonely/l';
  if (kind < 0.1) return 'vol/v';
  if (kind < 0.2) return `child/${random.pick(CHILDREN)}`;
  return random.pick(LASTING);
}

/** What an event asks of its receiver. */
export function drawOps(random: ChaosRandom, to: string, depth = 0): readonly Op[] {
  const count = random.between(0, 3);
  return Array.from({ length: count }, () =>
    to.startsWith('vol/') ? drawLoose(random, depth) : drawOp(random, to, depth),
  );
}

/** For an actor that is not stored. */
function drawLoose(random: ChaosRandom, depth: number): Op {
  return random.chance(0.5) ? drawTell(random, depth) : { op: 'publish', topic: random.pick(TOPICS) };
}

function drawTell(random: ChaosRandom, depth: number): Op {
  const to = random.chance(0.1) ? `child/${random.pick(CHILDREN)}` : random.pick([...LASTING, 'lonely/l']);
  return { op: 'tell', to, ops: depth < 2 ? drawOps(random, to, depth + 1) : [] };
}

/** Sorts of things an actor may be asked for, and how often. */
const SORTS = [
  ['tell', 30],
  ['publish', 12],
  ['topics', 7],
  ['schedule', 10],
  ['unschedule', 4],
  ['timer', 10],
  ['work', 9],
  ['answer', 5],
  ['deliver', 5],
  ['family', 6],
  ['boom', 2],
] as const;

const TOTAL = SORTS.reduce((sum, [, weight]) => sum + weight, 0);

function drawSort(random: ChaosRandom): (typeof SORTS)[number][0] {
  let place = random.next() * TOTAL;
  for (const [sort, weight] of SORTS) {
    place -= weight;
    if (place < 0) return sort;
  }
  return 'tell';
}

function drawOp(random: ChaosRandom, to: string, depth: number): Op {
  switch (drawSort(random)) {
    case 'tell':
      return drawTell(random, depth);
    case 'publish':
      return { op: 'publish', topic: random.pick(TOPICS) };
    case 'topics':
      // Its definition's own topics an actor cannot end.
      return { op: random.chance(0.6) ? 'subscribe' : 'unsubscribe', pattern: random.pick(['u.*', '*.x', '>']) };
    case 'schedule':
      return drawSchedule(random);
    case 'unschedule':
      return { op: 'unschedule', key: random.pick(KEYS) };
    case 'timer':
      return drawTimer(random);
    case 'work':
      return drawWork(random);
    case 'answer':
      return { op: 'answer' };
    case 'deliver':
      return { op: 'deliver' };
    case 'family':
      return drawFamily(random, to);
    case 'boom':
      return { op: 'boom' };
  }
}

/** What is scheduled may move or take back what else is scheduled, also what is due at the same time. */
function drawSchedule(random: ChaosRandom): Op {
  const [key, other] = random.chance(0.5) ? KEYS : [KEYS[1], KEYS[0]];
  const plain = { op: 'schedule', ms: drawDelay(random), isAt: random.chance(0.5) } as const;
  if (random.chance(0.6)) return { ...plain, key, ops: [] };
  const then: Op = random.chance(0.5)
    ? { op: 'unschedule', key: other }
    : { op: 'schedule', key: other, ms: drawDelay(random), isAt: false, ops: [] };
  return { ...plain, key, ops: [then] };
}

function drawTimer(random: ChaosRandom): Op {
  const kind = random.next();
  if (kind < 0.6) return { op: 'arm', delay: random.pick(DELAYS), ms: drawDelay(random) };
  if (kind < 0.7) return { op: 'disarm' };
  return kind < 0.9 ? { op: 'raise', ms: drawDelay(random) } : { op: 'unraise' };
}

function drawWork(random: ChaosRandom): Op {
  if (random.chance(0.1)) return { op: 'quit' };
  return {
    op: 'work',
    ms: random.between(0, 200),
    to: random.pick(WORKERS),
    mode: random.pick(['send', 'send', 'plain', 'fail']),
  };
}

/** Only the parent has children; only children end. */
function drawFamily(random: ChaosRandom, to: string): Op {
  if (to.startsWith('child/')) return random.chance(0.5) ? { op: 'end' } : { op: 'deliver' };
  if (to !== 'parent/p') return { op: 'deliver' };
  const key = random.pick(CHILDREN);
  return random.chance(0.7) ? { op: 'spawn', key } : { op: 'stop', address: `child/${key}` };
}
