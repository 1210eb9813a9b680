/** FIFO of one cell. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Item } from '../../../src/cell/items.ts';
import { Mailbox } from '../../../src/cell/mailbox.ts';

const item = (n: number): Item => ({ kind: 'direct', from: 'main', n, settle: () => {} });
const numbers = (items: readonly (Item | undefined)[]) => items.map((each) => (each as { n: number } | undefined)?.n);

describe('Mailbox', () => {
  test('first in, first out; items may be put back before all others', () => {
    const mailbox = new Mailbox();
    [1, 2, 3].forEach((n) => mailbox.push(item(n)));
    const first = mailbox.shift() as Item;
    mailbox.unshift([first]);
    expect(numbers([mailbox.peek()])).toEqual([1]);
    expect(mailbox.size).toBe(3);
    expect(numbers([mailbox.shift(), mailbox.shift(), mailbox.shift(), mailbox.shift()])).toEqual([1, 2, 3, undefined]);
  });

  test('finds and removes wherever an item stands', () => {
    const mailbox = new Mailbox();
    const [a, b, c] = [item(1), item(2), item(3)];
    for (const each of [a, b, c]) mailbox.push(each as Item);
    expect(mailbox.find((each) => each === b)).toBe(b);
    mailbox.remove(b as Item);
    expect(numbers(mailbox.takeAll())).toEqual([1, 3]);
    expect(mailbox.size).toBe(0);
  });

  test('behaves like a plain array over thousands of steps', () => {
    const step = fc.oneof(fc.constant('push'), fc.constant('shift'), fc.constant('unshift'), fc.constant('remove'));
    fc.assert(
      fc.property(fc.array(step, { minLength: 100, maxLength: 3000, size: 'max' }), (steps) => {
        const mailbox = new Mailbox();
        let model: Item[] = [];
        for (const [i, what] of steps.entries()) {
          const next = item(i);
          if (what === 'push') {
            mailbox.push(next);
            model.push(next);
          }
          if (what === 'unshift') {
            mailbox.unshift([next]);
            model.unshift(next);
          }
          if (what === 'shift') expect(mailbox.shift()).toBe(model.shift());
          if (what === 'remove' && model.length > 0) {
            const victim = model[Math.floor(model.length / 2)] as Item;
            mailbox.remove(victim);
            model = model.filter((each) => each !== victim);
          }
          expect(mailbox.size).toBe(model.length);
        }
        expect(numbers(mailbox.takeAll())).toEqual(numbers(model));
      }),
      { numRuns: 20 },
    );
  });
});
