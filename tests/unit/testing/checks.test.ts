/** What tests pass in is checked: a mistake must not become another seed, a broken clock, or a test that never runs. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createRandom, createSimulatedEnv, forEachSeed } from '../../../src/testing.ts';

afterEach(() => void vi.unstubAllEnvs());

const refused = (message: string, code = 'ERR_OPTIONS_INVALID'): unknown =>
  expect.objectContaining({ code, message: expect.stringContaining(message) });

describe('seeds', () => {
  test.each([
    ['x', "'x' (a string)"],
    [Number.NaN, 'NaN (a number)'],
    [1e300, '1e+300 (a number)'],
    [-1, '-1 (a number)'],
    [1.5, '1.5 (a number)'],
    [4_294_967_296, '4294967296 (a number)'],
    [{}, 'an object'],
    [null, 'null'],
  ])('%j is no seed', (seed, shown) => {
    const says = `is ${shown}. Use a whole number from 0 to 4294967295`;
    expect(() => createRandom(seed as never)).toThrow(refused(`createRandom: the seed ${says}`));
    expect(() => createSimulatedEnv({ seed: seed as never })).toThrow(
      refused(`createSimulatedEnv: option 'seed' ${says}`),
    );
  });

  test.each([0, 1, 4_294_967_295])('%d is one', (seed) => {
    expect(createRandom(seed)()).toBeLessThan(1);
    expect(createSimulatedEnv({ seed }).random()).toBe(createRandom(seed)());
  });
});

describe('options of createSimulatedEnv', () => {
  test.each([
    [null, 'the options are null instead of an object'],
    [{ sed: 1 }, "option 'sed' is unknown. Known options: seed, startAt, shuffle, isManual."],
    [{ shuffle: 'no' }, "option 'shuffle' is 'no' (a string). Use true or false"],
    [{ isManual: 0 }, "option 'isManual' is 0 (a number). Use true or false"],
  ])('%j is refused', (options, says) => {
    expect(() => createSimulatedEnv(options as never)).toThrow(refused(`createSimulatedEnv: ${says}`));
  });

  test.each([
    [Number.NaN, 'NaN (a number). Use milliseconds since the epoch'],
    ['x', "'x' (a string). Use milliseconds"],
    [1e300, '1e+300 (a number). Use milliseconds'],
    [new Date(0), 'a Date. Pass its getTime().'],
  ])('the clock cannot start at %s', (startAt, says) => {
    expect(() => createSimulatedEnv({ startAt: startAt as never })).toThrow(
      refused(`createSimulatedEnv: option 'startAt' is ${says}`, 'ERR_SCHEDULE_INVALID'),
    );
  });
});

describe('forEachSeed', () => {
  const run = vi.fn<(seed: number) => void>();
  afterEach(() => {
    expect(run).not.toHaveBeenCalled();
  });

  test.each([
    [undefined, 'the options are undefined instead of an object. Pass one such as { count: 100 }.'],
    [{}, "option 'count' is missing. Use a whole number from 1 to"],
    [{ cnt: 3 }, "option 'cnt' is unknown. Known options: count, from."],
    [{ count: 'x' }, "option 'count' is 'x' (a string)."],
    [{ count: 0 }, "option 'count' is 0 (a number)."],
    [{ count: 2, from: 4_294_967_295 }, "option 'count' is 2 (a number). Use a whole number from 1 to 1:"],
    [{ count: 2, from: -1 }, "option 'from' is -1 (a number)."],
  ])('%j is refused instead of trying no seed', async (options, says) => {
    await expect(forEachSeed(options as never, run)).rejects.toEqual(refused(`forEachSeed: ${says}`));
  });

  test.each(['', 'x', '1.5'])('SEED=%j in the environment is refused', async (seed) => {
    vi.stubEnv('SEED', seed);
    await expect(forEachSeed({ count: 1 }, run)).rejects.toEqual(refused(`forEachSeed: SEED='${seed}'`));
  });

  test('a test that is no function is refused', async () => {
    await expect(forEachSeed({ count: 1 }, undefined as never)).rejects.toEqual(refused('the test is undefined.'));
  });
});
