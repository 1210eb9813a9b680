/** Rule 9: who may enter a full mailbox, and who is told. */
import { expect, test } from 'vitest';
import { admit } from '../../../src/cell/admission.ts';
import type { DirectItem, Item } from '../../../src/cell/items.ts';
import { Mailbox } from '../../../src/cell/mailbox.ts';

const CAPACITY = 2;

function setUp(overflow: 'block' | 'reject' | 'drop-oldest') {
  const outcomes: string[] = [];
  let flushes = 0;
  const mailbox = new Mailbox();
  const definition = { policy: { mailbox: { capacity: CAPACITY, overflow } } };
  const services = { flush: () => void flushes++ };
  const enter = (item: Item): boolean => {
    const isIn = admit(item as DirectItem, mailbox, definition as never, 'a/a' as never, services as never);
    if (isIn) mailbox.push(item);
    return isIn;
  };
  const direct = (n: number, from = 'main'): DirectItem => ({
    kind: 'direct',
    from,
    n,
    event: { type: 'E' },
    settle: ({ error }) => void outcomes.push(`${n} ${error?.code ?? 'done'}`),
  });
  return { enter, direct, mailbox, outcomes, flushed: () => flushes };
}

test('reject: the newcomer is told at once, those before it stay', () => {
  const { enter, direct, mailbox, outcomes, flushed } = setUp('reject');
  expect([1, 2, 3].map((n) => enter(direct(n)))).toEqual([true, true, false]);
  expect([outcomes, flushed(), mailbox.direct]).toEqual([['3 ERR_MAILBOX_FULL'], 1, 2]);
});

test('drop-oldest: the one that waited longest is told at once, order stays', () => {
  const { enter, direct, mailbox, outcomes, flushed } = setUp('drop-oldest');
  expect([1, 2, 3, 4].map((n) => enter(direct(n)))).toEqual([true, true, true, true]);
  expect([outcomes, flushed()]).toEqual([['1 ERR_MAILBOX_DROPPED', '2 ERR_MAILBOX_DROPPED'], 2]);
  expect(mailbox.takeAll().map((item) => (item as DirectItem).n)).toEqual([3, 4]);
});

test('block: senders wait before they send, so that all may enter; a tell, which cannot wait, is dropped', () => {
  const { enter, direct, mailbox, outcomes } = setUp('block');
  expect([1, 2, 3].map((n) => enter(direct(n)))).toEqual([true, true, true]);
  expect(enter(direct(4, 'tell'))).toBe(false);
  expect([outcomes, mailbox.direct]).toEqual([[], 3]);
});

test('looks at the state, commands and orders enter whatever the policy', () => {
  for (const overflow of ['reject', 'drop-oldest', 'block'] as const) {
    const { enter, direct, outcomes } = setUp(overflow);
    enter(direct(1));
    enter(direct(2));
    const settle = (): void => {};
    expect(enter({ kind: 'order', order: 'stop', settle })).toBe(true);
    expect(enter({ kind: 'direct', from: '', n: 0, settle })).toBe(true);
    expect(enter({ kind: 'direct', from: 'main', n: 3, command: { unschedule: 'k' }, settle })).toBe(true);
    expect(outcomes).toEqual([]);
  }
});

test('the messages name the actor, its capacity and the next step', () => {
  const { direct } = setUp('reject');
  const messages: (string | undefined)[] = [];
  for (const overflow of ['reject', 'drop-oldest'] as const) {
    const { enter } = setUp(overflow);
    const settle: DirectItem['settle'] = ({ error }) => void messages.push(error?.message);
    for (const n of [1, 2, 3]) enter({ ...direct(n), settle });
  }
  expect(messages).toEqual([
    "The mailbox of 'a/a' is full: 2 events wait. The event was not accepted; send it again later, or use the policy 'block'.",
    "An event for 'a/a' gave way to a newer one: its mailbox holds 2. It was not processed; send it again if it still matters.",
  ]);
});
