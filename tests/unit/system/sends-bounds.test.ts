/** G14: how many sends may be under way, to one actor and in all; nothing overtakes what waits. */
import { expect, test } from 'vitest';
import { Sends } from '../../../src/system/sends.ts';
import { failureOf } from '../../support/harness.ts';

const A = 'counter/a' as never;
const B = 'counter/b' as never;

function setUp({ maxPending = 100 } = {}) {
  let order = 0;
  const posted: number[] = [];
  const sends = new Sends({
    sender: 'boot.main',
    post: (_, text) => void posted.push((JSON.parse(text) as { n: number }).n),
    nextOrder: () => ++order,
    maxPending,
  });
  const send = (to: never, most?: number): Promise<unknown> =>
    sends.send(to, '"event":{"type":"E"}', { create: undefined, ...(most !== undefined && { most }) });
  const acknowledge = (n: number): void => sends.acknowledge(n, undefined, undefined);
  return { sends, send, acknowledge, posted };
}

test('as many as the mailbox holds are under way; the others wait in order and go out one by one', () => {
  const { send, acknowledge, posted } = setUp();
  for (let i = 0; i < 5; i++) void send(A, 2);
  void send(B, 2);
  expect(posted).toEqual([1, 2, 6]);
  acknowledge(1);
  expect(posted).toEqual([1, 2, 6, 3]);
  for (const n of [2, 3, 4, 5]) acknowledge(n);
  expect(posted).toEqual([1, 2, 6, 3, 4, 5]);
});

test('G4: what has no bound of its own waits behind what waits for the same actor: its number is higher', () => {
  const { send, acknowledge, posted } = setUp();
  for (let i = 0; i < 3; i++) void send(A, 1);
  void send(A);
  void send(B);
  expect(posted).toEqual([1, 5]);
  for (const n of [1, 2, 3]) acknowledge(n);
  expect(posted).toEqual([1, 5, 2, 3, 4]);
  acknowledge(4);
  void send(A, 1);
  expect(posted.at(-1)).toBe(6);
});

test('what waits is not repeated for a replaced thread: it has not gone out', () => {
  const { sends, send } = setUp();
  for (let i = 0; i < 5; i++) void send(A, 2);
  expect(sends.unanswered).toHaveLength(2);
  expect(sends.pending).toBe(5);
});

test('G14: beyond maxPending sends are refused, with the number and the next step; then there is room again', async () => {
  const { send, acknowledge } = setUp({ maxPending: 2 });
  void send(A, 1);
  void send(A, 1);
  const failure = await failureOf(send(B), 'ERR_OVERLOADED');
  expect(failure.message).toBe(
    "2 messages wait for an answer, so that none was taken for 'counter/b'. Await earlier ones first, or raise maxPending in createSystem.",
  );
  acknowledge(1);
  void send(B);
});

test('what waits is rejected when the system stops', async () => {
  const { sends, send } = setUp();
  const outcomes = [1, 2, 3].map(() => failureOf(send(A, 1), 'ERR_SYSTEM_STOPPED'));
  sends.abandon();
  await Promise.all(outcomes);
});

test('whoever must come after what waits is told when that has gone out; with nothing waiting there is nothing to wait for', async () => {
  const { sends, send, acknowledge, posted } = setUp({ maxPending: 3 });
  void send(A, 1);
  expect(sends.posted(A)).toBe(undefined);
  void send(A, 1);
  const looks = [1, 2, 3].map(() => sends.posted(A));
  await failureOf(sends.posted(A) as Promise<void>, 'ERR_OVERLOADED');
  let isOut = false;
  const out = Promise.all(looks.map((look) => look ?? Promise.reject(new Error('nothing waits')))).then(
    () => (isOut = true),
  );
  await Promise.resolve();
  expect(isOut).toBe(false);
  acknowledge(1);
  await out;
  expect([posted, sends.posted(A)]).toEqual([[1, 2], undefined]);
});
