/** Rule 3: sends are numbered, kept until acknowledged, and repeated in order. */
import { describe, expect, test } from 'vitest';
import { repeatInOrder } from '../../../src/system/repeat.ts';
import { Sends } from '../../../src/system/sends.ts';
import { encodeError } from '../../../src/thread/error-codec.ts';
import { failureOf } from '../../support/harness.ts';

const A = 'counter/a' as never;
const B = 'counter/b' as never;

function setUp() {
  let order = 0;
  const nextOrder = () => ++order;
  const posted: { to: string; n: number; id?: string; create?: unknown; event: unknown }[] = [];
  const sends = new Sends({
    sender: 'boot.main',
    post: (_, text) => void posted.push(JSON.parse(text) as never),
    nextOrder,
    maxPending: 100,
  });
  const repeat = (isAffected: (to: string) => boolean) =>
    repeatInOrder([...sends.unanswered], isAffected, (_, text) => void posted.push(JSON.parse(text) as never));
  const send = (to: never, type = 'X', options = {}) =>
    sends.send(to, `"event":{"type":"${type}"}`, { create: undefined, ...options });
  return { sends, send, repeat, posted, numbers: () => posted.map(({ n }) => n) };
}

describe('Sends', () => {
  test('each send takes the next number and says where it comes from', () => {
    const { sends, send, posted } = setUp();
    expect(sends.nextNumber).toBe(1);
    void send(A);
    void send(B, 'Y', { id: 'my "id"', create: '{"input":1}' });
    expect(posted).toEqual([
      { k: 'send', to: A, from: 'boot.main', n: 1, event: { type: 'X' } },
      { k: 'send', to: B, from: 'boot.main', n: 2, id: 'my "id"', create: { input: 1 }, event: { type: 'Y' } },
    ]);
    expect(sends.pending).toBe(2);
  });

  test('what is unacknowledged goes out again in order, for the receivers that moved and no others', async () => {
    const { sends, send, repeat, posted, numbers } = setUp();
    const first = send(A);
    for (const to of [B, A, A, B]) void send(to);
    sends.acknowledge(1, undefined, undefined);
    await first;
    posted.length = 0;
    repeat((to) => to === A);
    expect(numbers()).toEqual([3, 4]);
    void send(A);
    repeat(() => true);
    expect(numbers()).toEqual([3, 4, 6, 2, 3, 4, 5, 6]);
  });

  test('a rejected send is not repeated, and takes a new number when it is tried again', async () => {
    const { sends, send, repeat, numbers } = setUp();
    const rejected = failureOf(send(A), undefined).catch((error: unknown) => error);
    sends.acknowledge(1, encodeError(new TypeError('no')), undefined);
    expect(((await rejected) as Error).cause).toMatchObject({ name: 'TypeError', message: 'no' });
    repeat(() => true);
    void send(A);
    expect(numbers()).toEqual([1, 2]);
  });

  test('a second acknowledgement counts for nothing; settled waits for the last', async () => {
    const { sends, send } = setUp();
    const answer = send(A);
    let isSettled = false;
    const settled = sends.settled().then(() => (isSettled = true));
    sends.acknowledge(1, undefined, { n: 1 });
    sends.acknowledge(1, encodeError(new Error('late')), undefined);
    expect(await answer).toEqual({ n: 1 });
    await settled;
    expect(isSettled).toBe(true);
    await sends.settled();
  });

  test('abandon rejects what waits and says that it may have been processed', async () => {
    const { sends, send } = setUp();
    const waiting = failureOf(send(A), 'ERR_SYSTEM_STOPPED');
    sends.abandon();
    expect((await waiting).message).toBe(
      "The system stopped before 'counter/a' acknowledged. Whether the event was processed is unknown; send it again with an id.",
    );
    expect(sends.pending).toBe(0);
  });
});
