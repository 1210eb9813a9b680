/** The beat: what a host writes into shared memory, and what main reads there. */
import { expect, test } from 'vitest';
import { createSimulatedEnv } from '../../../src/testing.ts';
import { BEAT_BYTES, BeatWriter, readPulse } from '../../../src/thread/beat.ts';
import { startHeart } from '../../../src/thread/heart.ts';

function setUp() {
  const buffer = new SharedArrayBuffer(BEAT_BYTES);
  return { buffer, beat: new BeatWriter(buffer) };
}

test('a host that has done nothing shows nothing', () => {
  const { buffer } = setUp();
  expect(readPulse(buffer)).toEqual({
    beats: 0,
    externalBytes: 0,
    heapRoomBytes: 0,
    mark: undefined,
    lastMark: undefined,
  });
});

test('what it does is there until it is over, and can still be read as the last', () => {
  const { buffer, beat } = setUp();
  beat.clear();
  beat.mark('counter/a', 'main:7');
  expect(readPulse(buffer).mark).toEqual({ address: 'counter/a', what: 'main:7' });
  beat.clear();
  expect(readPulse(buffer)).toMatchObject({ mark: undefined, lastMark: { address: 'counter/a', what: 'main:7' } });
});

test.each(['id:größer', 'counter/größer#é', 'übergröße'])('what holds more than ASCII can be read: %s', (what) => {
  const { buffer, beat } = setUp();
  beat.mark('counter/b', what);
  expect(readPulse(buffer).mark).toEqual({ address: 'counter/b', what });
});

test('a turn that is over is a sign of life; a piece of one on probation is not', () => {
  const { buffer, beat } = setUp();
  beat.mark('counter/a', 'main:7');
  beat.clear();
  expect(readPulse(buffer)).toMatchObject({ beats: 0, mark: undefined });
  beat.mark('counter/a', 'main:8');
  beat.clearTurn();
  expect(readPulse(buffer)).toMatchObject({ beats: 1, mark: undefined, lastMark: { what: 'main:8' } });
});

test('a mark too long for the place is cut, and harms no count', () => {
  const { buffer, beat } = setUp();
  beat.beat({ externalBytes: 5, heapRoomBytes: 6 });
  beat.mark('counter/a', `id:${'x'.repeat(2000)}`);
  expect(readPulse(buffer)).toMatchObject({
    beats: 1,
    externalBytes: 5,
    heapRoomBytes: 6,
    mark: { address: 'counter/a' },
  });
});

test('the heart beats at once and then at its pace, with the memory of every fourth beat, until it is stopped', async () => {
  const { buffer, beat } = setUp();
  const env = createSimulatedEnv({ seed: 1 });
  let externalBytes = 10;
  const stop = startHeart({
    env,
    beat,
    everyMs: 100,
    readMemory: () => ({ externalBytes: externalBytes++, heapRoomBytes: 7 }),
  });
  expect(readPulse(buffer)).toMatchObject({ beats: 1, externalBytes: 10 });
  await env.advance(250);
  expect(readPulse(buffer)).toMatchObject({ beats: 3, externalBytes: 10 });
  await env.advance(200);
  expect(readPulse(buffer)).toMatchObject({ beats: 5, externalBytes: 11 });
  stop();
  await env.advance(1000);
  expect(readPulse(buffer).beats).toBe(5);
});
