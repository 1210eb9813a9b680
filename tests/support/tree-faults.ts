/** The faults of the tree run: what each does inside an actor. Each happens once, but for those that need to be seen first. */
import { setTimeout as sleep } from 'node:timers/promises';
import { assertNever } from '../../src/errors.ts';
import { isFaultOver, mark, marksOf } from './tree-marks.ts';

/** In a turn. `throw`: once; `hang`: an endless loop; `exit`: process.exit; `oom`: more heap than a thread may have. */
export const TURN_FAULTS = ['throw', 'hang', 'exit', 'oom'] as const;
export type TurnFault = (typeof TURN_FAULTS)[number];

/** In an effect function. `error`: thrown in a timer; `hang-later`: an endless loop in a continuation; `stall`: no progress. */
export const EFFECT_FAULTS = ['error', 'hang-later', 'stall'] as const;
export type EffectFault = (typeof EFFECT_FAULTS)[number];

/** `poison`: an event that throws whenever it comes. */
export const FAULT_KINDS = [...TURN_FAULTS, 'poison', ...EFFECT_FAULTS] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** A hang without a name puts the suspects where the next one has a name. */
const MOST_HANGS = 2;
const A_MOMENT_MS = 20;
const FOREVER_MS = 600_000;
/** Numbers that are no small ones take their place on the heap at once: the limit is met long before the thread counts as blocked. */
const HELD_PER_STEP = 1_000_000;

/** Called in a turn. Returns when the fault has happened before. */
export function failInTurn(id: string, fault: TurnFault): void {
  if (marksOf(id).length > 0) return;
  mark(id);
  switch (fault) {
    case 'throw':
      throw new Error('thrown on purpose, once');
    case 'hang':
      return endless();
    case 'exit':
      return process.exit(3);
    case 'oom':
      return fillHeap();
    default:
      return assertNever(fault);
  }
}

/** Called in an effect function. Resolves when the fault is over. */
export async function failInEffect(id: string, fault: EffectFault, signal: AbortSignal): Promise<void> {
  switch (fault) {
    case 'error':
      return void (marksOf(id).length === 0 && (await throwInTimer(id, signal)));
    case 'hang-later':
      await sleep(A_MOMENT_MS);
      return isFaultOver(id) || marksOf(id).length >= MOST_HANGS ? undefined : hang(id);
    case 'stall':
      return isFaultOver(id) ? undefined : stall(id, signal);
    default:
      return assertNever(fault);
  }
}

async function throwInTimer(id: string, signal: AbortSignal): Promise<void> {
  setTimeout(() => {
    mark(id);
    throw new RangeError('nobody catches this');
  }, A_MOMENT_MS);
  await sleep(FOREVER_MS, undefined, { signal });
}

function hang(id: string): void {
  mark(id);
  endless();
}

async function stall(id: string, signal: AbortSignal): Promise<void> {
  mark(id);
  await sleep(FOREVER_MS, undefined, { signal });
}

function endless(): void {
  for (let i = 0; ; i++) if (i < 0) return;
}

function fillHeap(): never {
  const held: unknown[] = [];
  for (;;) held.push(Array.from({ length: HELD_PER_STEP }, () => 0.5));
}
