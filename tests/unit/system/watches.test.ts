/** Watches without threads: what a watcher sees, and that ending one ends what waits. */
import { expect, test } from 'vitest';
import type { StateView } from '../../../src/index.ts';
import { Watches } from '../../../src/system/watches.ts';

const A = 'counter/a' as never;
const view = (seq: number, status = 'active') => ({ seq, status }) as StateView;
const OVER = { done: true, value: undefined };
const isIn = (seq: number, status?: string) => ({ done: false, value: view(seq, status) });

function setUp(current: () => Promise<unknown> = async () => view(1)) {
  const toggles: boolean[] = [];
  const watches = new Watches((_, isOn) => void toggles.push(isOn));
  return { toggles, watches, watch: watches.watch(A, current) };
}

test('it begins with the current state, skips what was not taken, and ends with the actor', async () => {
  const { watches, watch, toggles } = setUp();
  expect(toggles, 'nothing before the first next').toEqual([]);
  expect(await watch.next()).toEqual(isIn(1));
  watches.publish(A, view(2));
  watches.publish(A, view(3));
  watches.publish(A, view(2));
  expect(await watch.next()).toEqual(isIn(3));
  watches.publish(A, view(4, 'done'));
  expect(toggles).toEqual([true, false]);
  expect(await watch.next()).toEqual(isIn(4, 'done'));
  expect(await watch.next()).toEqual(OVER);
});

test('a state told before the current one is known does not come before it', async () => {
  const current = Promise.withResolvers<unknown>();
  const { watches, watch } = setUp(() => current.promise);
  const first = watch.next();
  watches.publish(A, view(1));
  current.resolve(view(2));
  expect(await first).toEqual(isIn(2));
});

test('return ends a next under way and unsubscribes, also before the current state is known', async () => {
  const { watch, toggles } = setUp();
  await watch.next();
  const pending = [watch.next(), watch.next()];
  expect(await watch.return()).toEqual(OVER);
  expect(await Promise.all(pending)).toEqual([OVER, OVER]);
  expect(toggles).toEqual([true, false]);
  await watch.return();
  expect(toggles).toEqual([true, false]);

  const early = setUp(() => new Promise(() => {}));
  const first = early.watch.next();
  await early.watch.return();
  expect(await first).toEqual(OVER);
  expect(early.toggles).toEqual([true, false]);
});

test('what ended before it began never subscribes', async () => {
  const { watch, toggles } = setUp();
  await watch.return();
  expect(await watch.next()).toEqual(OVER);
  expect(toggles).toEqual([]);
});

test('leaving a loop, and await using, unsubscribe', async () => {
  const { watches, watch, toggles } = setUp();
  for await (const { seq } of watch) if (seq === 1) break;
  expect(toggles).toEqual([true, false]);
  {
    await using second = watches.watch(A, async () => view(2)) as AsyncGenerator<StateView> & AsyncDisposable;
    await second.next();
  }
  expect(toggles).toEqual([true, false, true, false]);
});

test('throw ends it with that error', async () => {
  const { watch } = setUp();
  await watch.next();
  const pending = watch.next();
  await expect(watch.throw(new Error('enough'))).rejects.toThrow('enough');
  expect(await pending).toEqual(OVER);
});

test('a current state that cannot be had fails the first next; then it is over', async () => {
  const { watch, toggles } = setUp(async () => {
    throw new Error('no such actor');
  });
  await expect(watch.next()).rejects.toThrow('no such actor');
  expect(await watch.next()).toEqual(OVER);
  expect(toggles).toEqual([true, false]);
});

test('watchers of one actor share a subscription; the end of all ends each', async () => {
  const { watches, watch, toggles } = setUp();
  const other = watches.watch(A, async () => view(1));
  await Promise.all([watch.next(), other.next()]);
  await other.return();
  expect(toggles).toEqual([true]);
  const pending = watch.next();
  watches.end();
  expect(await pending).toEqual(OVER);
  expect(toggles).toEqual([true, false]);
});
