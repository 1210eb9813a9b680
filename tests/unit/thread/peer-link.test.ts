/** G14: what goes from one host to another without being asked is bounded by credit. */
import { expect, test } from 'vitest';
import { createSimulatedEnv } from '../../../src/testing.ts';
import { MAX_ON_THE_WAY, PeerLink } from '../../../src/thread/peer-link.ts';
import type { PeerEntry } from '../../../src/thread/protocol.ts';

const A = 'counter/a' as never;
const hintText = (pos: number): string => `{"k":"hint","to":"${String(A)}","from":"b/b","pos":${pos},"prev":0}`;
const TELL = `{"k":"tell","to":"${String(A)}","event":{"type":"E"}}`;

function setUp() {
  const env = createSimulatedEnv();
  const [mine, theirs] = env.createPort();
  const taken: PeerEntry[] = [];
  const link = new PeerLink(mine, env, () => {});
  const listen = (): PeerLink => new PeerLink(theirs, env, (entry) => void taken.push(entry));
  return { env, link, listen, taken, kinds: () => taken.map(({ k }) => k) };
}

test('what is sent arrives, in order', async () => {
  const { env, link, listen, taken } = setUp();
  listen();
  for (let pos = 1; pos <= 200; pos++) link.hint(A, hintText(pos));
  await env.settle();
  expect(taken.map((entry) => (entry as { pos: number }).pos)).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
});

test('G14: beyond the bound hints become one word to look for each receiver, once there is room', async () => {
  const { env, link, listen, kinds } = setUp();
  for (let pos = 1; pos <= MAX_ON_THE_WAY + 5000; pos++) link.hint(A, hintText(pos));
  listen();
  await env.settle();
  expect(kinds().filter((k) => k === 'hint')).toHaveLength(MAX_ON_THE_WAY);
  expect(kinds().slice(MAX_ON_THE_WAY)).toEqual(['poke']);
  link.hint(A, hintText(99_999));
  await env.settle();
  expect(kinds().at(-1)).toBe('hint');
});

test('G14: beyond the bound tells are dropped; with credit given back they go out again', async () => {
  const { env, link, listen, taken } = setUp();
  const sent = Array.from({ length: MAX_ON_THE_WAY + 10 }, () => link.tell(TELL));
  expect(sent.filter(Boolean)).toHaveLength(MAX_ON_THE_WAY);
  listen();
  await env.settle();
  expect(taken).toHaveLength(MAX_ON_THE_WAY);
  expect(link.tell(TELL)).toBe(true);
});

test('what somebody waits for goes out whatever is on the way, and costs no credit', async () => {
  const { env, link, listen, kinds } = setUp();
  for (let pos = 1; pos <= MAX_ON_THE_WAY; pos++) link.hint(A, hintText(pos));
  link.post('{"k":"effect-ack","q":"1"}');
  listen();
  await env.settle();
  expect(kinds().at(-1)).toBe('effect-ack');
});

test('more receivers than there is room for are told to look one credit after the other', async () => {
  const { env, link, listen, taken } = setUp();
  const receivers = Array.from({ length: MAX_ON_THE_WAY + 100 }, (_, i) => `counter/k${i}` as never);
  for (let pos = 1; pos <= MAX_ON_THE_WAY; pos++) link.hint(A, hintText(pos));
  for (const to of receivers) link.hint(to, hintText(1));
  listen();
  await env.settle();
  const poked = taken.flatMap((entry) => (entry.k === 'poke' ? [entry.to] : []));
  expect(new Set(poked).size).toBe(receivers.length);
  expect(poked).toHaveLength(receivers.length);
});
