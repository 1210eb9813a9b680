/** Lanes of the mailbox: what comes first, and what never overtakes. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DirectItem, InboxItem, Item, OrderItem } from '../../../src/cell/items.ts';
import { Mailbox } from '../../../src/cell/mailbox.ts';

let pos = 0;
const settle = (): void => {};
const direct = (n: number): DirectItem => ({ kind: 'direct', from: 'main', n, event: { type: 'E' }, settle });
const view = (): DirectItem => ({ kind: 'direct', from: '', n: 0, settle });
const order = (what: OrderItem['order']): OrderItem => ({ kind: 'order', order: what, settle });
const internal = (): Item => ({ kind: 'internal', delivery: {} as never, life: {} });
const row = (sender: string, kind: 'event' | 'stop' | 'create' = 'event', isExit = false): InboxItem => ({
  kind: 'inbox',
  row: { receiver: 'a/a', sender, pos: ++pos, kind, id: '1', at: 0, text: '{"type":"E"}' } as never,
  ...(isExit && { isExit }),
});
const exit = (sender: string): InboxItem => row(sender, 'event', true);

function fill(items: readonly Item[]): Mailbox {
  const mailbox = new Mailbox();
  for (const item of items) mailbox.push(item);
  return mailbox;
}

function drain(mailbox: Mailbox): readonly Item[] {
  const items: Item[] = [];
  for (let next = mailbox.shift(); next; next = mailbox.shift()) items.push(next);
  return items;
}

describe('lanes', () => {
  test('an order to stop comes first, then what the runtime says, then what users sent', () => {
    const [user, told, done, end, orderedEnd] = [direct(1), row('b/b'), internal(), exit('c/c'), order('stop')];
    const parentStop = row('p/p', 'stop');
    const all = [user, told, done, end, orderedEnd, parentStop];
    expect(drain(fill(all))).toEqual([orderedEnd, parentStop, done, end, user, told]);
  });

  test('a removal stops as well; a revival and a look at the state take their turn', () => {
    const [user, look, revival, removal] = [direct(1), view(), order('revive'), order('remove')];
    expect(drain(fill([user, look, revival, removal]))).toEqual([removal, user, look, revival]);
  });

  test('M2: the end of a child does not overtake what the child told; that of another does', () => {
    const [user, told, end, other] = [direct(1), row('c/c'), exit('c/c'), exit('d/d')];
    expect(drain(fill([user, told, end, other]))).toEqual([other, user, told, end]);
  });

  test('M2: an order of the parent to stop does not overtake what the parent told', () => {
    const [told, end] = [row('p/p'), row('p/p', 'stop')];
    expect(drain(fill([direct(1), told, end])).slice(1)).toEqual([told, end]);
  });

  test('M2: what is put back comes before an end its sender told meanwhile', () => {
    const told = row('c/c');
    const mailbox = fill([direct(1), told]);
    const [first] = [mailbox.shift(), mailbox.shift()];
    const [end, stop] = [exit('c/c'), row('p/p', 'stop')];
    mailbox.push(end);
    mailbox.push(stop);
    mailbox.unshift([first as Item, told]);
    expect(drain(mailbox)).toEqual([stop, first, told, end]);
  });

  test('what is put back keeps its order and its lane', () => {
    const items = [direct(1), exit('c/c'), direct(2), order('stop')];
    const mailbox = fill([direct(3)]);
    mailbox.unshift(items);
    expect(drain(mailbox)).toMatchObject([{ order: 'stop' }, { isExit: true }, { n: 1 }, { n: 2 }, { n: 3 }]);
  });

  test('M2: rows of one sender leave in the order they came, whatever is pushed, taken and put back', () => {
    const made = fc.record({ sender: fc.constantFrom('c/c', 'd/d'), kind: fc.constantFrom('told', 'exit', 'stop') });
    const step = fc.oneof(made, fc.constant('shift' as const), fc.constant('back' as const));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const mailbox = new Mailbox();
        const taken: Item[] = [];
        for (const what of steps) {
          if (what === 'shift') {
            const next = mailbox.shift();
            if (next) taken.push(next);
          } else if (what === 'back') mailbox.unshift(taken.splice(-2));
          else if (what.kind === 'told') mailbox.push(row(what.sender));
          else mailbox.push(what.kind === 'exit' ? exit(what.sender) : row(what.sender, 'stop'));
        }
        const left = [...taken, ...drain(mailbox)].map((item) => (item as InboxItem).row);
        for (const sender of ['c/c', 'd/d']) {
          const positions = left.filter((each) => each.sender === sender).map((each) => each.pos);
          expect(positions).toEqual(positions.toSorted((a, b) => a - b));
        }
      }),
      { numRuns: 500 },
    );
  });

  test('M2: a stop that came meanwhile does not overtake what is put back around an end', () => {
    const mailbox = fill([exit('c/c')]);
    const first = mailbox.shift() as Item;
    mailbox.push(row('c/c'));
    const second = mailbox.shift() as Item;
    mailbox.push(row('c/c', 'stop'));
    mailbox.unshift([first, second]);
    const positions = drain(mailbox).map((item) => (item as InboxItem).row.pos);
    expect(positions).toEqual(positions.toSorted((a, b) => a - b));
  });
});

describe('what is counted', () => {
  test('direct events and rows count, looks and orders do not', () => {
    const mailbox = fill([direct(1), direct(2), view(), order('stop'), row('b/b'), internal()]);
    expect([mailbox.direct, mailbox.told, mailbox.size]).toEqual([2, 1, 6]);
    mailbox.unshift([direct(0), row('b/b')]);
    expect([mailbox.direct, mailbox.told]).toEqual([3, 2]);
    drain(mailbox);
    expect([mailbox.direct, mailbox.told, mailbox.size]).toEqual([0, 0, 0]);
  });

  test('the oldest direct event can be taken out; nothing when there is none', () => {
    const mailbox = fill([row('b/b'), view(), direct(1), direct(2)]);
    expect(mailbox.takeOldestDirect()).toMatchObject({ n: 1 });
    expect(mailbox.direct).toBe(1);
    mailbox.takeAll();
    expect([mailbox.takeOldestDirect(), mailbox.direct, mailbox.told]).toEqual([undefined, 0, 0]);
  });
});
