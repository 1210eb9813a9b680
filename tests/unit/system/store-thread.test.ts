/** G16: trouble of the store is told in turn, and ends with the thread that was in it. */
import { expect, test } from 'vitest';
import type { StoreReport } from '../../../src/store/protocol.ts';
import { StoreThread } from '../../../src/system/store-thread.ts';
import { createSimulatedEnv } from '../../../src/testing.ts';
import { encodeError } from '../../../src/thread/error-codec.ts';

test('G16: a store thread that dies in trouble leaves none behind', async () => {
  const env = createSimulatedEnv();
  const said: string[] = [];
  const threads: { report(report: StoreReport): void; exit(error: unknown): void }[] = [];
  const launchStore = (_: unknown, events: (typeof threads)[number]): object => {
    threads.push(events);
    return { connect: () => {} };
  };
  const open = (): object => ({ onEntries: () => {}, post: () => {} });
  const launcher = { launchStore, createChannel: () => [{}, {}], open };
  const log = { error: () => {}, fatal: () => {} };
  const trouble = (error: Error | undefined): void => void said.push(error?.message ?? 'over');
  const parts = { env, log, launcher, store: { url: 'memory:' }, trouble, replaced: () => {} };
  const store = new StoreThread(parts as never);
  const started = store.start();
  threads[0]?.report({ kind: 'opened' } as StoreReport);
  await started.catch(() => {});
  const failing = { kind: 'trouble', error: encodeError(new Error('disk full')), retryInMs: 100 } as StoreReport;
  threads[0]?.report(failing);
  threads[0]?.report(failing);
  expect(said).toEqual(['disk full']);
  threads[0]?.exit(new Error('gone'));
  await env.advance(0);
  threads[1]?.report({ kind: 'opened' } as StoreReport);
  expect(said).toEqual(['disk full', 'over']);
});
