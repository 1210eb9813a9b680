/** What the actors of the chaos runs share: notes, the policy, failing on purpose, and the mark of coming into memory. */
import { z } from 'zod';
import { record } from './chaos-history.ts';

/** Who sent an event, and under which number. */
export interface Note {
  readonly id: string;
  readonly from: string;
  readonly n: number;
}

export interface Routed extends Note {
  readonly route: readonly string[];
}

export const note = { id: z.string(), from: z.string(), n: z.number() };
export const routed = { ...note, route: z.array(z.string()) };

/** Turns that throw are part of the load, giving up on the actor is not; and whoever rests a moment leaves memory. */
export const policy = { supervise: { maxRestarts: 1000, withinMs: 1 }, hibernateAfterMs: 30 } as const;

/** A turn that has effects and then throws: nothing of it may be kept. */
export function fail(): never {
  throw new Error('thrown on purpose');
}

const seen = new WeakSet<object>();

/** An action of every event: marks an actor that came into memory. */
export function markWake({ self }: { readonly self: { readonly id: string } }): void {
  if (seen.has(self)) return;
  seen.add(self);
  record({ t: 'wake', id: self.id, process: process.pid });
}
