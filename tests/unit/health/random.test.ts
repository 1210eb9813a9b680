/** H4: many agents that fail at random times, and whose recovery fails at random; a seed repeats the run. */
import { expect, test } from 'vitest';
import { createRandom } from '../../../src/testing/random.ts';
import { watched } from './fixture.ts';

const AGENTS = 40;

test.each([1, 2, 3])(
  'H4, G16: with seed %i nine of ten outages end without a person, and nobody is lost',
  async (seed) => {
    const random = createRandom(seed);
    await using run = await watched({ seed, degradation: false });
    const { system, clock } = run;
    const alive = new Set<string>();
    const ids = Array.from({ length: AGENTS }, (_, i) => `agent-${i}`);
    for (const id of ids) {
      alive.add(id);
      // A third of the tries fail at once, a third come to nothing.
      const recover = (): void => {
        const luck = random();
        if (luck < 1 / 3) throw new Error('no luck');
        if (luck > 2 / 3) alive.add(id);
      };
      await system.health.register(id, { recover, zombieAfterMs: false, maxAttempts: 30 });
    }
    for (let second = 0; second < 300; second++) {
      for (const id of ids) {
        if (random() < 0.01) alive.delete(id);
        if (alive.has(id)) system.health.heartbeat(id);
      }
      await clock.advance(1000);
    }
    const { outages, recovered, recoveryRate, meanRecoveryMs, states } = system.health.stats();
    expect(outages).toBeGreaterThan(50);
    expect(recovered).toBeGreaterThan(40);
    expect(recoveryRate).toBeGreaterThanOrEqual(0.9);
    expect(meanRecoveryMs).toBeGreaterThan(0);
    expect(states.healthy + states.recovering + states.disconnected).toBe(AGENTS);
    for (const id of ids) alive.add(id);
    await run.beat(10_000, ...ids);
    expect(system.health.stats().states.healthy).toBe(AGENTS);
  },
);
