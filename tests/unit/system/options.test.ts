/** Options of createSystem. */
import { describe, expect, test } from 'vitest';
import { describeValue } from '../../../src/describe.ts';
import { resolveOptions } from '../../../src/system/options.ts';

describe('options', () => {
  test('defaults', () => {
    expect(resolveOptions({ actors: [] })).toMatchObject({
      modules: [],
      store: 'sqlite:.troupe/troupe.db',
      synchronous: 'full',
      log: 'warn',
      recoverEveryMs: 2000,
      idRetentionMs: 86_400_000,
    });
    expect(resolveOptions({ actors: [] }).threads).toBeGreaterThanOrEqual(1);
  });

  test('modules are URLs or paths', () => {
    expect(resolveOptions({ actors: [new URL('file:///a.ts'), '/b c.ts', 'file:///d.ts'] }).modules).toEqual([
      'file:///a.ts',
      'file:///b%20c.ts',
      'file:///d.ts',
    ]);
  });

  test.each([
    [
      {},
      'actors',
      "option 'actors' is missing. Pass modules that export definitions: actors: [new URL('./actors.ts', import.meta.url)].",
    ],
    [{ actors: './a.ts' }, 'actors', "option 'actors' is './a.ts' (a string). Pass modules that"],
    [{ actors: [''] }, 'actors.0', "option 'actors.0' is '' (a string). Pass modules that"],
    [{ actors: [{}] }, 'actors.0', "option 'actors.0' is an object. Pass modules that"],
    [
      { actors: [], threads: -1 },
      'threads',
      "option 'threads' is -1 (a number). Use a whole number from 0 to 64: threads: 4.",
    ],
    [{ actors: [], threads: 65 }, 'threads', "option 'threads' is 65 (a number)."],
    [{ actors: [], threads: 1.5 }, 'threads', "option 'threads' is 1.5 (a number)."],
    [{ actors: [], threads: '4' }, 'threads', "option 'threads' is '4' (a string)."],
    [
      { actors: [], synchronous: 'off' },
      'synchronous',
      "option 'synchronous' is 'off' (a string). Use 'full' or 'normal': synchronous: 'full'.",
    ],
    [
      { actors: [], log: 'loud' },
      'log',
      "option 'log' is 'loud' (a string). Use one of 'debug', 'info', 'warn', 'error', 'fatal', 'silent', or a function that takes the lines: log: 'info'.",
    ],
    [
      { actors: [], recoverEveryMs: 49 },
      'recoverEveryMs',
      "option 'recoverEveryMs' is 49 (a number). Use a whole number of milliseconds from 50 to 600000: recoverEveryMs: 2000.",
    ],
    [
      { actors: [], idRetentionMs: 999 },
      'idRetentionMs',
      "option 'idRetentionMs' is 999 (a number). Use a whole number of milliseconds from 1000 to 31536000000: idRetentionMs: 86400000.",
    ],
    [
      { actors: [], store: 7 },
      'store',
      "option 'store' is 7 (a number). Use 'memory:' or 'sqlite:FILE': store: 'sqlite:app.db'.",
    ],
    [{ actors: [], store: null }, 'store', "option 'store' is null."],
    [{ actors: [], env: 'real' }, 'env', "option 'env' is 'real' (a string). Leave it out"],
    [
      { actor: [] },
      'actor',
      "option 'actor' is unknown. Known options: actors, store, threads, synchronous, log, recoverEveryMs, idRetentionMs, topicRetentionMs, maxFanOut, maxLiveActors, maxPending, sessionSweepEveryMs, inlineHosts, openStore, env.",
    ],
    [undefined, '', 'the options are undefined instead of an object. Pass modules that'],
    [[], '', 'the options are an array instead of an object. Pass modules that'],
  ])('%j is refused at %j', (options, path, says) => {
    expect(() => resolveOptions(options as never)).toThrow(
      expect.objectContaining({
        code: 'ERR_OPTIONS_INVALID',
        details: { path },
        message: expect.stringContaining(`createSystem: ${says}`),
      }),
    );
  });
});

test.each([
  ['5', "'5' (a string)"],
  ['x'.repeat(81), `'${'x'.repeat(80)}…' (a string of 81 characters)`],
  [5n, '5 (a bigint)'],
  [Number.NaN, 'NaN (a number)'],
  [true, 'true (a boolean)'],
  [() => {}, 'a function'],
  [null, 'null'],
  [undefined, 'undefined'],
])('describeValue(%s) is %s', (value, text) => {
  expect(describeValue(value)).toBe(text);
});
