/** G14: what the host program sends and forgets is bounded by credit; beyond it the sender's promise waits. */
import { expect, test } from 'vitest';
import { MAX_TELLS_ON_THE_WAY, Tells } from '../../../src/system/tells.ts';
import { failureOf } from '../../support/harness.ts';

const A = 'counter/a' as never;
const SOLO = 'solo/a' as never;
const EVENT = '{"type":"E"}';

function setUp({ maxPending = 10 } = {}) {
  const places = new Map<string, number>([[A, 0]]);
  const posted: string[] = [];
  const post = (to: string, text: string): void => {
    if (places.has(to)) posted.push(text);
    else posted.push(`wanted ${to}`);
  };
  const tells = new Tells({ post, indexOf: (to) => places.get(to), maxPending });
  const settled: number[] = [];
  const tell = (n: number, to: never = A): Promise<unknown> =>
    tells.tell(to, `{"type":"E","n":${n}}`, undefined).then(() => settled.push(n));
  const fill = (): void => {
    for (let i = 0; i < MAX_TELLS_ON_THE_WAY; i++) void tells.tell(A, EVENT, undefined);
    posted.length = 0;
  };
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const numbers = (): unknown[] => posted.map((text) => (text.startsWith('{') ? JSON.parse(text).event.n : text));
  return { tells, tell, fill, posted, settled, places, turn, numbers };
}

test('a tell is on its way at once, with what may create its receiver', async () => {
  const { tells, posted } = setUp();
  await tells.tell(A, EVENT, '{"input":1}');
  expect(posted).toEqual([`{"k":"tell","to":"counter/a","create":{"input":1},"event":${EVENT}}`]);
});

test('G14: without credit tells wait, in order, and go as credit comes back', async () => {
  const { tells, tell, fill, settled, turn, numbers } = setUp();
  fill();
  for (const n of [1, 2, 3]) void tell(n);
  await turn();
  expect([settled, numbers()]).toEqual([[], []]);
  tells.credit(0, 2);
  await turn();
  expect([settled, numbers()]).toEqual([
    [1, 2],
    [1, 2],
  ]);
  tells.credit(0, MAX_TELLS_ON_THE_WAY);
  await tell(4);
  expect(numbers()).toEqual([1, 2, 3, 4]);
});

test('G14: more than maxPending that wait are refused, with the next step', async () => {
  const { tells, tell, fill } = setUp({ maxPending: 2 });
  fill();
  const waiting = [tell(1), tell(2)];
  const failure = await failureOf(tell(3), 'ERR_OVERLOADED');
  expect(failure.message).toContain('raise maxPending');
  tells.credit(0, 10);
  await Promise.all(waiting);
  await tell(4);
});

test('when its host is replaced what was on its way is lost, and what waits goes out', async () => {
  const { tells, tell, fill, numbers } = setUp();
  fill();
  const waiting = tell(1);
  tells.replaced(0);
  await waiting;
  expect(numbers()).toEqual([1]);
  tells.credit(0, 5);
  await tell(2);
});

test('a tell to an actor without a thread asks for one, and goes out when it is there', async () => {
  const { tells, tell, places, settled, turn, numbers } = setUp();
  const waiting = [tell(1, SOLO), tell(2, SOLO)];
  await turn();
  expect([settled, numbers()]).toEqual([[], ['wanted solo/a', 'wanted solo/a']]);
  places.set(SOLO, 5);
  tells.replaced(5);
  await Promise.all(waiting);
  expect(numbers().slice(2)).toEqual([1, 2]);
});

test('what waits for an actor whose thread has gone asks for another', async () => {
  const { tells, places, settled, turn, tell, posted, numbers } = setUp();
  places.set(SOLO, 5);
  for (let i = 0; i < MAX_TELLS_ON_THE_WAY; i++) void tells.tell(SOLO, EVENT, undefined);
  posted.length = 0;
  const waiting = tell(1, SOLO);
  places.delete(SOLO);
  tells.replaced(5);
  await turn();
  expect([settled, numbers()]).toEqual([[], ['wanted solo/a']]);
  places.set(SOLO, 6);
  tells.replaced(6);
  await waiting;
  expect(numbers()).toEqual(['wanted solo/a', 1]);
});

test('after the end whoever waits goes on', async () => {
  const { tells, tell, fill } = setUp();
  fill();
  const waiting = [tell(1), tell(2, SOLO)];
  tells.abandon();
  await Promise.all(waiting);
});
