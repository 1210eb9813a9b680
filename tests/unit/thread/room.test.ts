/** G14: what one host has posted to the store and not heard back of is bounded. */
import { expect, test } from 'vitest';
import { MAX_UNACKNOWLEDGED_COMMITS, Room } from '../../../src/thread/room.ts';

test('G14: a full room lets nobody post; when something is acknowledged those who asked come in order', () => {
  let unacknowledged = MAX_UNACKNOWLEDGED_COMMITS - 1;
  const room = new Room(() => unacknowledged);
  const pumped: string[] = [];
  const cell = (name: string) => ({
    pump: () => {
      pumped.push(name);
      unacknowledged++;
    },
  });
  expect(room.ask(cell('first'))).toBe(true);
  unacknowledged++;
  const [a, b, c] = [cell('a'), cell('b'), cell('c')];
  expect([room.ask(a), room.ask(b), room.ask(a), room.ask(c)]).toEqual([false, false, false, false]);
  room.freed();
  expect(pumped).toEqual([]);
  unacknowledged -= 2;
  room.freed();
  expect(pumped).toEqual(['a', 'b']);
  unacknowledged -= 10;
  room.freed();
  room.freed();
  expect(pumped).toEqual(['a', 'b', 'c']);
});

test('a cell that asks again while it is pumped waits for the next room, not forever', () => {
  let unacknowledged = MAX_UNACKNOWLEDGED_COMMITS;
  const room = new Room(() => unacknowledged);
  let pumps = 0;
  const greedy = {
    pump: () => {
      pumps++;
      unacknowledged++;
      room.ask(greedy);
    },
  };
  room.ask(greedy);
  for (let i = 1; i <= 3; i++) {
    unacknowledged--;
    room.freed();
    expect(pumps).toBe(i);
  }
});
