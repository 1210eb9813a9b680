/** Cells whose turns need no store: in turn, never nested, and never so long that the thread's ports wait. */
import { expect, test } from 'vitest';
import type { Runnable } from '../../../src/cell/services.ts';
import { RunQueue } from '../../../src/thread/run-queue.ts';

function setUp() {
  const deferred: (() => void)[] = [];
  const env = { defer: (callback: () => void) => void deferred.push(callback), monotonicMs: () => 0 };
  const queue = new RunQueue(env as never);
  return { queue, deferred };
}

test('a cell is pumped at once; one that is asked for meanwhile comes after it, once', () => {
  const { queue } = setUp();
  const trace: string[] = [];
  const b: Runnable = { pump: () => (trace.push('b'), false) };
  const a: Runnable = {
    pump: () => {
      trace.push('a');
      queue.run(b);
      queue.run(b);
      trace.push('end of a');
      return false;
    },
  };
  queue.run(a);
  expect(trace).toEqual(['a', 'end of a', 'b']);
});

test('two that ask for each other forever leave the thread to its ports again and again', () => {
  const { queue, deferred } = setUp();
  let pumps = 0;
  const cells: Runnable[] = [0, 1].map((i) => ({
    pump: () => {
      pumps++;
      queue.run(cells[1 - i] as Runnable);
      return false;
    },
  }));
  queue.run(cells[0] as Runnable);
  expect(deferred).toHaveLength(1);
  const pumpsBefore = pumps;
  expect(pumpsBefore).toBeGreaterThan(1);
  deferred.shift()?.();
  // As many as before, but for the one that did not stand in line.
  expect(pumps).toBe(2 * pumpsBefore - 1);
  expect(deferred).toHaveLength(1);
});

test('a cell that has more to do comes again after the others', () => {
  const { queue } = setUp();
  const trace: string[] = [];
  let left = 2;
  const b: Runnable = { pump: () => (trace.push('b'), false) };
  const a: Runnable = {
    pump: () => {
      trace.push('a');
      if (left === 2) queue.run(b);
      return left-- > 0;
    },
  };
  queue.run(a);
  expect(trace).toEqual(['a', 'b', 'a', 'a']);
});

test('a pump that throws does not keep the others from their turn', () => {
  const { queue, deferred } = setUp();
  const trace: string[] = [];
  const b: Runnable = { pump: () => (trace.push('b'), false) };
  const a: Runnable = {
    pump: () => {
      queue.run(b);
      throw new Error('broken');
    },
  };
  expect(() => queue.run(a)).toThrow('broken');
  deferred.shift()?.();
  queue.run(b);
  expect(trace).toEqual(['b', 'b']);
});
