/** How late timers and scheduled events come while the system is busy with other things. */
import { counter } from './actors.ts';
import { punctual } from './feature-actors.ts';
import { toFigure } from './measure.ts';
import type { Figure } from './measure.ts';
import { ACTORS, FEATURE_ACTORS, sleep, withSystem } from './support.ts';

export interface LatenessOptions {
  /** `after`: timers of live machines; `schedule`: events scheduled by key. */
  readonly by: 'after' | 'schedule';
  readonly actors: number;
  /** Within which all are due, in milliseconds. */
  readonly withinMs: number;
}

/** Sends under way all the time. */
const IN_FLIGHT = 16;

/** Time between when each was due and its turn, under a load of durable sends. */
export function benchLateness({ by, actors, withinMs }: LatenessOptions): Promise<Figure> {
  return withSystem(
    async (system) => {
      const counters = Array.from({ length: 100 }, (_, i) => system.actor(counter, `load${i}`));
      const refs = Array.from({ length: actors }, (_, i) => system.actor(punctual, `p${i}`));
      await Promise.all(refs.map((ref) => ref.send({ type: 'BEGIN' })));
      let isOver = false;
      const load = Array.from({ length: IN_FLIGHT }, async (_, i) => {
        for (let n = i; !isOver; n++) await counters[n % counters.length]?.send({ type: 'ADD', n: 1 });
      });
      await Promise.all(
        refs.map((ref, i) => {
          const dueAt = Date.now() + 500 + Math.floor((i * withinMs) / actors);
          if (by === 'schedule') return ref.schedule('bell', { type: 'RING', dueAt }, { at: dueAt });
          return ref.send({ type: 'WAIT', dueAt });
        }),
      );
      await sleep(withinMs + 2_000);
      isOver = true;
      await Promise.all(load);
      const views = await Promise.all(refs.map((ref) => ref.snapshot()));
      const times = Float64Array.from(views.map(({ context }) => context.lateMs));
      if (times.some((lateMs) => lateMs < 0)) throw new Error('One was early, or never came.');
      return toFigure(times, withinMs);
    },
    { actors: [ACTORS, FEATURE_ACTORS] },
  );
}
