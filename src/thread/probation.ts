/**
 * A thread on probation: every continuation of an effect function, a callback of a timer or what follows an await, is marked in the beat
 * while it runs, so that the next hang has a name. The only file that uses async hooks: they cost too much for everybody.
 */
import { createHook } from 'node:async_hooks';
import type { BeatMark, BeatWriter } from './beat.ts';
import type { EffectOwners } from './effect-owners.ts';

/** Watches everything effect functions start in this thread, besides what `owners` does. */
export function watchContinuations(beat: BeatWriter, owners: EffectOwners): EffectOwners {
  const ownerOf = new Map<number, BeatMark>();
  const outer: (BeatMark | undefined)[] = [];
  let current: BeatMark | undefined;
  const enter = (owner: BeatMark | undefined): void => {
    outer.push(current);
    current = owner;
    if (owner) beat.mark(owner.address, owner.what);
  };
  const leave = (): void => {
    if (current) beat.clear();
    current = outer.pop();
    if (current) beat.mark(current.address, current.what);
  };
  const inside = <T>(owner: BeatMark | undefined, run: () => T): T => {
    enter(owner);
    try {
      return run();
    } finally {
      leave();
    }
  };
  createHook({
    init: (id) => void (current && ownerOf.set(id, current)),
    before: (id) => {
      const owner = ownerOf.get(id);
      // Such as a timer that an action has set: whoever ran before must not be taken for it.
      if (!owner) beat.forget();
      enter(owner);
    },
    after: leave,
    destroy: (id) => void ownerOf.delete(id),
  }).enable();
  return {
    run: (address, what, run) => inside({ address, what }, () => owners.run(address, what, run)),
    // A turn that begins here has a mark of its own, and what it starts has no owner.
    exit: (run) => inside(undefined, () => owners.exit(run)),
  };
}
