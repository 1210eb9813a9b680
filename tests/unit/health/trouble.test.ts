/** H2, H4, H7, G16: while the store cannot save, nobody can show that it is well, and nobody is accused. */
import { expect, test } from 'vitest';
import { TroupeError } from '../../../src/index.ts';
import { createMemoryStore } from '../../../src/store/memory/memory-store.ts';
import type { Store } from '../../../src/store/store.ts';
import { ALERT, watched } from './fixture.ts';
import type { Watched } from './fixture.ts';

/** A store whose disk is full when the test says so. */
function createFillingStore(): { readonly openStore: () => Promise<Store>; isFull: boolean } {
  const filling = { openStore: async () => store, isFull: false };
  const memory = createMemoryStore();
  const store = new Proxy(memory, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      if (name !== 'commit' && name !== 'kvSet') return value.bind(target);
      return async (...args: unknown[]): Promise<unknown> => {
        if (!filling.isFull) return value.apply(target, args) as unknown;
        throw new TroupeError('ERR_STORE_UNAVAILABLE', 'disk full', { details: { isOutcomeUnknown: false } });
      };
    },
  });
  return filling;
}

const AGENTS = ['a', 'b', 'c', 'd', 'e'];

async function beatOverBus({ system, clock }: Watched, seconds: number): Promise<void> {
  for (let i = 0; i < seconds; i++) {
    for (const id of AGENTS) void system.bus.publish(`heartbeat.${id}`, {}).catch(() => {});
    await clock.advance(1000);
  }
}

test('H2, H7, G16: heartbeats that the store cannot take accuse nobody, and do not degrade the system', async () => {
  const disk = createFillingStore();
  await using run = await watched({ openStore: disk.openStore });
  const { system, clock } = run;
  let starts = 0;
  for (const id of AGENTS) await system.health.register(id, { zombieAfterMs: false, recover: () => void starts++ });
  await beatOverBus(run, 10);
  disk.isFull = true;
  await beatOverBus(run, 60);
  disk.isFull = false;
  // It is tried again within a minute.
  await beatOverBus(run, 60);
  expect(new Set(system.health.all().map(({ state }) => state))).toEqual(new Set(['healthy']));
  expect([starts, system.health.stats().outages, system.health.mode]).toEqual([0, 0, 'normal']);
  await clock.advance(5000);
  expect(starts).toBe(AGENTS.length);
});

test('H4, G16: a try that is under way when trouble begins gets that time on top', async () => {
  const disk = createFillingStore();
  await using run = await watched({ openStore: disk.openStore });
  const { system, clock } = run;
  let starts = 0;
  await system.health.register('scout', { zombieAfterMs: false, recover: () => void starts++ });
  await system.health.register('other', ALERT);
  await clock.advance(5000);
  expect(starts).toBe(1);
  disk.isFull = true;
  void system.bus.publish('news', {}).catch(() => {});
  await clock.advance(60_000);
  expect(system.health.of('scout')).toMatchObject({ state: 'recovering', attempts: 1 });
  disk.isFull = false;
  await clock.advance(60_000);
  expect(starts).toBeGreaterThan(1);
});
