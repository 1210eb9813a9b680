/** G13: who leaves memory and when, with cells that only note what is asked of them. */
import { expect, test } from 'vitest';
import type { HostCell } from '../../../src/cell/host-cell.ts';
import { createSimulatedEnv } from '../../../src/testing.ts';
import { Hibernation } from '../../../src/thread/hibernation.ts';

interface FakeCell {
  isUsed: boolean;
  isBusy: boolean;
  readonly hibernateAfterMs: number;
  readonly sleep: () => boolean;
}

function setUp(maxLive = Infinity) {
  const env = createSimulatedEnv();
  const cells = new Map<string, FakeCell>();
  const hibernation = new Hibernation({ env, cells: cells as never, maxLive });
  const add = (name: string, { afterMs = Infinity, isBusy = false } = {}): FakeCell => {
    const cell: FakeCell = { isUsed: true, isBusy, hibernateAfterMs: afterMs, sleep: () => !cell.isBusy };
    cells.set(`probe/${name}`, cell);
    hibernation.added(`probe/${name}` as never, cell as unknown as HostCell);
    return cell;
  };
  return {
    env,
    cells,
    hibernation,
    add,
    names: () => [...cells.keys()].map((address) => address.slice('probe/'.length)).toSorted(),
  };
}

test('a quiet cell leaves when its time is over, at most a quarter of it and a look late, never before', async () => {
  const { env, add, names } = setUp();
  add('a', { afterMs: 1000 });
  await env.advance(1000);
  expect(names()).toEqual(['a']);
  await env.advance(500);
  expect(names()).toEqual([]);
});

test('a cell that is used stays; each use begins its time anew', async () => {
  const { env, add, names } = setUp();
  const cell = add('a', { afterMs: 1000 });
  for (let i = 0; i < 10; i++) {
    cell.isUsed = true;
    await env.advance(900);
  }
  expect(names()).toEqual(['a']);
});

test('a busy cell stays, and leaves when it is not busy any more', async () => {
  const { env, add, names } = setUp();
  const cell = add('a', { afterMs: 1000, isBusy: true });
  await env.advance(10_000);
  expect(names()).toEqual(['a']);
  cell.isBusy = false;
  await env.advance(500);
  expect(names()).toEqual([]);
});

test('each cell has its own time, and looks are as close as the shortest asks for', async () => {
  const { env, add, names } = setUp();
  add('long', { afterMs: 60_000 });
  add('short', { afterMs: 100 });
  add('never');
  await env.advance(200);
  expect(names()).toEqual(['long', 'never']);
  await env.advance(90_000);
  expect(names()).toEqual(['never']);
  expect(env.pendingTimers).toEqual([]);
});

test('when there are too many those used least recently leave', () => {
  const { add, cells, names } = setUp(3);
  const a = add('a');
  for (const name of ['b', 'c', 'd']) add(name);
  a.isUsed = true;
  for (const name of ['e', 'f', 'g']) add(name);
  expect(names()).toContain('g');
  expect(cells.size).toBeLessThanOrEqual(4);
});

test('busy cells may be too many for as long as they are busy', async () => {
  const { env, add, cells } = setUp(3);
  const made = Array.from({ length: 50 }, (_, i) => add(`a${i}`, { isBusy: true }));
  await env.advance(1000);
  expect(cells.size).toBe(50);
  for (const cell of made) cell.isBusy = false;
  await env.advance(1000);
  expect(cells.size).toBe(3);
  expect(env.pendingTimers).toEqual([]);
});

test('a second chance is no shorter time: a cell that was passed over counts from then on', async () => {
  const { env, add, names } = setUp(1);
  const first = add('a', { afterMs: 1000, isBusy: true });
  await env.advance(900);
  first.isUsed = true;
  add('b', { isBusy: true });
  first.isBusy = false;
  first.isUsed = false;
  await env.advance(50);
  expect(names()).toEqual(['a', 'b']);
});

test('after stop no timer is left', async () => {
  const { env, hibernation, add } = setUp();
  add('a', { afterMs: 1000 });
  hibernation.stop();
  expect(env.pendingTimers).toEqual([]);
});

test('S8: a type may have a limit of its own: those used least recently leave, others stay', async () => {
  const { env, hibernation, add, names } = setUp();
  hibernation.limit('probe', 2);
  const first = add('a');
  for (const name of ['b', 'c', 'd']) {
    first.isUsed = true;
    add(name);
    await env.advance(1000);
  }
  expect(names().length).toBe(2);
  expect(names()).toContain('d');
  expect(env.pendingTimers).toEqual([]);
});

test('S8: a limit that comes later, or is lowered, counts at once for who is quiet, and soon for the rest', async () => {
  const { env, hibernation, add, cells } = setUp();
  const made = Array.from({ length: 20 }, (_, i) => add(`a${i}`, { isBusy: i < 5 }));
  hibernation.limit('probe', 10);
  await env.advance(1000);
  expect(cells.size).toBe(10);
  hibernation.limit('probe', 2);
  await env.advance(1000);
  expect(cells.size).toBe(5);
  for (const cell of made) cell.isBusy = false;
  await env.advance(1000);
  expect(cells.size).toBe(2);
  hibernation.limit('probe', 30);
  for (let i = 0; i < 20; i++) add(`b${i}`);
  await env.advance(1000);
  expect(cells.size).toBe(22);
});

test('S8: who has left by other ways no longer counts', async () => {
  const { env, hibernation, add, cells } = setUp();
  hibernation.limit('probe', 2);
  for (const name of ['a', 'b']) add(name);
  cells.delete('probe/a');
  hibernation.removed('probe/a' as never);
  add('c');
  await env.advance(1000);
  expect(cells.size).toBe(2);
});
