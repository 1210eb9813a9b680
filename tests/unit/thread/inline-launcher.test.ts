/** Ending what runs inline as a crash would: the lock is let go of, and a system goes on with others in its place. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Definitions } from '../../../src/actor/definitions.ts';
import { createRealEnv } from '../../../src/env.ts';
import type { StoreReport } from '../../../src/store/protocol.ts';
import { createInlineLauncher } from '../../../src/thread/inline-launcher.ts';
import { counter } from '../../support/actors-basic.ts';
import { createSimulatedSystem, createTestSystem, eventually } from '../../support/harness.ts';

const folder = mkdtempSync(join(tmpdir(), 'troupe-inline-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function launchStore(url: string) {
  const launcher = createInlineLauncher({ env: createRealEnv(), definitions: new Definitions() });
  const reports: StoreReport['kind'][] = [];
  const seen = { reports, exits: 0 };
  const store = launcher.launchStore(
    { url, synchronous: 'normal' },
    { report: ({ kind }) => void reports.push(kind), exit: () => void seen.exits++ },
  );
  return { store, seen };
}

test('a store that was terminated has let go of its file; terminating again or after a close does nothing', async () => {
  const url = `sqlite:${join(folder, 'troupe.db')}`;
  const first = launchStore(url);
  await eventually(() => first.seen.reports.includes('opened'));
  await first.store.terminate();
  await first.store.terminate();
  expect(first.seen).toEqual({ reports: ['opened'], exits: 1 });
  const second = launchStore(url);
  await eventually(() => second.seen.reports.includes('opened'));
  second.store.close();
  await eventually(() => second.seen.reports.includes('closed'));
  await second.store.terminate();
  expect(second.seen.reports).toEqual(['opened', 'closed']);
});

test('terminating a store that could not be opened ends quietly', async () => {
  const { store, seen } = launchStore('redis://x');
  await store.terminate();
  expect(seen).toEqual({ reports: ['failed'], exits: 0 });
});

test('G10: an inline host that is ended is replaced, and its actors go on', async () => {
  await using troupe = await createSimulatedSystem();
  const { system, env, run } = troupe;
  const ref = system.actor(counter, 'a');
  await run(ref.send({ type: 'ADD', n: 1 }));
  await run(system.threads.endWorker(0));
  await env.settle();
  await env.advance(1);
  await run(ref.send({ type: 'ADD', n: 1 }));
  expect(await run(ref.ask({ type: 'GET' }))).toEqual({ count: 2 });
});

test('G10: an inline store that is ended is replaced by one on the same file', async () => {
  await using troupe = await createTestSystem({ threads: 0 });
  const ref = troupe.system.actor(counter, 'a');
  await ref.send({ type: 'ADD', n: 1 });
  await troupe.endStore();
  await ref.send({ type: 'ADD', n: 1 });
  expect(await ref.ask({ type: 'GET' })).toEqual({ count: 2 });
});
