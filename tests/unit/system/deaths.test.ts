/** Who is charged for the death of a thread, and how long its successor waits. */
import { expect, test } from 'vitest';
import { Deaths } from '../../../src/system/deaths.ts';

const mark = (address: string, what: string) => ({ address, what, at: 0 }) as never;
const onlyHost = () => new Deaths(() => 0);
const die = (deaths: Deaths, what: string | undefined, isForgiven = false) =>
  deaths.charge({ index: 0, mark: what === undefined ? undefined : mark('counter/a', what), end: 'exit', isForgiven });

test('the actor in whose turn a thread died is charged, more with every death', () => {
  const deaths = onlyHost();
  expect([1, 2, 3].map(() => die(deaths, 'main:7').suspect)).toEqual(
    [1, 2, 3].map((attempts) => ({ address: 'counter/a', what: 'main:7', attempts, end: 'exit' })),
  );
});

test('a culprit costs its thread no pause, however often: its neighbours have done nothing', () => {
  const deaths = onlyHost();
  const pauses = Array.from({ length: 12 }, () => die(deaths, 'main:7').pauseMs);
  expect(pauses.every((pauseMs) => pauseMs === 0)).toBe(true);
});

test('starts and timers count in a row only; events add up whatever comes between', () => {
  const deaths = onlyHost();
  die(deaths, 'start');
  die(deaths, 'main:7');
  expect(die(deaths, 'start').suspect?.attempts).toBe(1);
  expect(die(deaths, 'main:7').suspect?.attempts).toBe(2);
});

test('a thread without a culprit that served for long, or was ended by order, is replaced at once', () => {
  const deaths = onlyHost();
  const pauses = Array.from({ length: 10 }, () => die(deaths, undefined, true));
  expect(pauses.every(({ suspect, pauseMs }) => suspect === undefined && pauseMs === 0)).toBe(true);
});

test('one without a culprit that keeps dying waits twice as long each time after the third, up to 5 seconds', () => {
  const deaths = onlyHost();
  const pauses = Array.from({ length: 12 }, () => die(deaths, undefined).pauseMs);
  expect(pauses).toEqual([0, 0, 0, 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
});

test('what happens on one host is not held against actors of another', () => {
  const deaths = new Deaths((address) => (address === 'counter/a' ? 0 : 1));
  deaths.charge({ index: 0, mark: mark('counter/a', 'start'), end: 'exit', isForgiven: false });
  deaths.charge({ index: 1, mark: mark('counter/b', 'start'), end: 'exit', isForgiven: false });
  expect(
    deaths.charge({ index: 0, mark: mark('counter/a', 'start'), end: 'exit', isForgiven: false }).suspect?.attempts,
  ).toBe(2);
});
