/** S6, G16: trouble of the store is told from the first failure that matters until something was saved, over all threads it takes. */
import { expect, test } from 'vitest';
import { Definitions } from '../../../src/actor/definitions.ts';
import { TroupeError } from '../../../src/errors.ts';
import { createLogger } from '../../../src/observe/logger.ts';
import { createMemoryStore } from '../../../src/store/memory/memory-store.ts';
import type { Store } from '../../../src/store/store.ts';
import { StoreThread } from '../../../src/system/store-thread.ts';
import { createSimulatedEnv } from '../../../src/testing.ts';
import { createInlineLauncher } from '../../../src/thread/inline-launcher.ts';
import { actorAt, firstCommit, outcomeOf } from '../../support/store-commits.ts';

/** A store thread, inline, on a disk that can be full, and gone. */
async function setUp() {
  const env = createSimulatedEnv();
  const said: string[] = [];
  const opens: number[] = [];
  const disk = { isFull: false, isGone: false };
  let lastMs = 0;
  const store = failing(createMemoryStore(), disk);
  const openStore = async (): Promise<Store> => {
    opens.push(env.monotonicMs() - lastMs);
    if (disk.isGone) throw new TroupeError('ERR_STORE_OPEN', 'disk gone');
    return store;
  };
  const thread = new StoreThread({
    env,
    log: createLogger(() => {}, {}),
    launcher: createInlineLauncher({ env, definitions: new Definitions(), openStore }),
    store: { url: 'memory:', synchronous: 'full' },
    trouble: (now) => void said.push(now ? `${now.error.message}, again in ${now.retryInMs}` : 'over'),
    replaced: () => {},
  });
  await thread.start();
  /** Ends the thread, and counts from there. */
  const die = async (): Promise<void> => {
    opens.length = 0;
    lastMs = env.monotonicMs();
    await thread.end();
    await env.settle();
  };
  return { env, said, opens, disk, thread, die };
}

function failing(store: Store, disk: { readonly isFull: boolean }): Store {
  for (const name of ['commit', 'markAlive'] as const) {
    const perform = store[name].bind(store) as (...args: unknown[]) => Promise<never>;
    Object.assign(store, {
      [name]: async (...args: unknown[]) => {
        if (!disk.isFull) return perform(...args);
        throw new TroupeError('ERR_STORE_UNAVAILABLE', 'disk full', { details: { isOutcomeUnknown: false } });
      },
    });
  }
  return store;
}

test('G10: a thread that dies once is replaced at once, and nobody is told of trouble', async () => {
  const { env, said, opens, thread, die } = await setUp();
  await die();
  await env.advance(0);
  expect([opens, said]).toEqual([[0], []]);
  await thread.terminate();
});

test('S6: a store that cannot be opened again is trouble, tried at the same times, until it has saved', async () => {
  const { env, said, opens, disk, thread, die } = await setUp();
  disk.isGone = true;
  await die();
  await env.advance(160_000);
  expect(opens).toEqual([0, 100, 1_100, 6_100, 36_100, 96_100, 156_100]);
  expect(said).toEqual([1_000, 5_000, 30_000, 60_000, 60_000, 60_000].map((ms) => `disk gone, again in ${ms}`));
  disk.isGone = false;
  await env.advance(60_000);
  expect([opens.at(-1), said.at(-1), said.length]).toEqual([216_100, 'over', 7]);
  await thread.terminate();
});

test('S6, G16: a thread that dies in trouble does not end it; it is over once something was saved', async () => {
  const { env, said, disk, thread, die } = await setUp();
  const results: string[] = [];
  disk.isFull = true;
  thread.client.post(firstCommit(actorAt('a')), (result) => void results.push(outcomeOf(result)));
  await env.advance(100);
  expect(said).toEqual(['disk full, again in 1000']);
  await die();
  await env.advance(1_000);
  expect(said, 'the next thread is in the same trouble').toEqual([
    'disk full, again in 1000',
    'disk full, again in 1000',
  ]);
  disk.isFull = false;
  await env.advance(1_000);
  expect([results, said.at(-1), said.length]).toEqual([['done'], 'over', 3]);
  await thread.terminate();
});

test('S6: a thread opened in trouble that has nothing to save saves a sign of life, and tries that again', async () => {
  const { env, said, disk, thread, die } = await setUp();
  disk.isGone = true;
  await die();
  await env.advance(100);
  disk.isGone = false;
  disk.isFull = true;
  await env.advance(10_000);
  expect(said).toEqual([1_000, 1_000, 5_000, 30_000].map((ms, i) => `disk ${i < 1 ? 'gone' : 'full'}, again in ${ms}`));
  disk.isFull = false;
  await env.advance(30_000);
  expect([said.at(-1), said.length]).toEqual(['over', 5]);
  await thread.terminate();
});
