/** The thread in reserve: one at most, handed over once, let go of when it cannot serve. */
import { expect, test } from 'vitest';
import { createSimulatedEnv } from '../../../src/testing.ts';
import type { HostThread } from '../../../src/thread/host-thread.ts';
import type { HostEvents } from '../../../src/thread/launcher.ts';
import { SpareThread } from '../../../src/thread/spare-thread.ts';

/** Threads that only note what they are asked for. */
function setUp() {
  const env = createSimulatedEnv({ seed: 1 });
  const calls: string[] = [];
  const started: { events: HostEvents }[] = [];
  const lost: string[] = [];
  const start = (): HostThread => {
    const id = started.length;
    const thread = {
      events: { report: () => {}, exit: () => {} },
      command: ({ kind }: { kind: string }) => void calls.push(`${kind} ${id}`),
      terminate: async () => void calls.push(`terminate ${id}`),
      set isHolding(isHolding: boolean) {
        calls.push(`${isHolding ? 'ref' : 'unref'} ${id}`);
      },
    };
    started.push(thread);
    return thread as never;
  };
  const spare = new SpareThread({
    env,
    loadMs: 30_000,
    start,
    lost: (error) => void lost.push((error as Error).message),
  });
  return { spare, calls, started, lost, env };
}

test('it loads the definitions, keeps no process alive, and is there once', () => {
  const { spare, calls, started } = setUp();
  expect(spare.take()).toBeUndefined();
  spare.prepare(['a']);
  spare.prepare(['a']);
  expect(calls).toEqual(['unref 0', 'prepare 0']);
  expect(spare.take()).toBe(started[0]);
  expect(spare.take()).toBeUndefined();
  expect(calls.at(-1)).toBe('ref 0');
});

test('one that does not load in time is ended, unless it has been taken or has loaded', async () => {
  const { spare, calls, started, lost, env } = setUp();
  spare.prepare(['a']);
  spare.take();
  spare.prepare(['a']);
  started[1]?.events.report({ kind: 'prepared' });
  await env.advance(30_000);
  expect(lost).toEqual([]);
  spare.take();
  spare.prepare(['a']);
  await env.advance(30_000);
  expect([calls.at(-1), lost, spare.take()]).toEqual(['terminate 2', ['It had not loaded after 30000 ms.'], undefined]);
});

test('one that cannot load, or ends, is let go of with a word, and the next may be prepared', () => {
  const { spare, calls, started, lost } = setUp();
  spare.prepare(['a']);
  started[0]?.events.report({ kind: 'failed', error: { name: 'Error', message: 'no such module' } as never });
  started[0]?.events.exit(undefined, 'exit');
  expect([calls.at(-1), lost, spare.take()]).toEqual(['terminate 0', ['no such module'], undefined]);
  spare.prepare(['a']);
  started[1]?.events.exit(new Error('died'), 'error');
  expect(lost).toEqual(['no such module', 'died']);
});

test('what becomes of one that was handed over is not its business', () => {
  const { spare, started, lost } = setUp();
  spare.prepare(['a']);
  spare.take();
  started[0]?.events.exit(new Error('died'), 'error');
  expect(lost).toEqual([]);
});

test('it ends with the system, once it has loaded', async () => {
  const { spare, calls, started } = setUp();
  spare.prepare(['a']);
  const ended = spare.end();
  await new Promise((resolve) => setImmediate(resolve));
  expect(calls).toEqual(['unref 0', 'prepare 0']);
  started[0]?.events.report({ kind: 'prepared' });
  await ended;
  await spare.end();
  expect(calls.slice(2)).toEqual(['terminate 0']);
});

test('one that cannot load does not hold up the end', async () => {
  const { spare, calls, started } = setUp();
  spare.prepare(['a']);
  const ended = spare.end();
  started[0]?.events.exit(new Error('died'), 'error');
  await ended;
  expect(calls).toContain('terminate 0');
});
