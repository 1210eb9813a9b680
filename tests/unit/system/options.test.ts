/** Options of createSystem. */
import { describe, expect, test } from 'vitest';
import { setup } from 'xstate';
import { describeValue } from '../../../src/describe.ts';
import { createSystem } from '../../../src/index.ts';
import { resolveOptions } from '../../../src/system/options.ts';

describe('options', () => {
  test('defaults', () => {
    expect(resolveOptions({ actors: [] })).toMatchObject({
      modules: [],
      store: 'sqlite:.troupe/troupe.db',
      synchronous: 'full',
      log: 'warn',
      recoverEveryMs: 2000,
      overdueAfterMs: 30_000,
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
      { actors: ['relative.ts'] },
      'actors.0',
      "option 'actors.0' is 'relative.ts' (a string), a relative path. Use new URL('./actors.ts', import.meta.url), or an absolute path.",
    ],
    [{ actors: ['/a.ts', './b.ts'] }, 'actors.1', "option 'actors.1' is './b.ts' (a string), a relative path."],
    [
      { actors: [setup({}).createMachine({})] },
      'actors.0',
      "option 'actors.0' is an XState machine instead of a definition. Wrap it in defineActor('name', machine, …) and export it from a module.",
    ],
    [
      { actors: [], threads: -1 },
      'threads',
      "option 'threads' is -1 (a number). Use a whole number from 0 to 64: threads: 4.",
    ],
    [
      { actors: [], beatMs: 9 },
      'beatMs',
      "option 'beatMs' is 9 (a number). Use a whole number of milliseconds from 10 to 60000: beatMs: 250.",
    ],
    [{ actors: [], beatMs: 60_001 }, 'beatMs', "option 'beatMs' is 60001 (a number)."],
    [
      { actors: [], hangMs: 49 },
      'hangMs',
      "option 'hangMs' is 49 (a number). Use a whole number of milliseconds from 50 to 3600000, at least twice beatMs: hangMs: 5000.",
    ],
    [{ actors: [], hangMs: 3_600_001 }, 'hangMs', "option 'hangMs' is 3600001 (a number)."],
    [
      { actors: [], hangMs: 499 },
      'hangMs',
      "option 'hangMs' is 499, less than two beats: beatMs is 250. Raise hangMs to at least 500, or lower beatMs.",
    ],
    [
      { actors: [], maxThreadHeapMb: 15 },
      'maxThreadHeapMb',
      "option 'maxThreadHeapMb' is 15 (a number). Use a whole number of MB from 16 to 65536: maxThreadHeapMb: 1024.",
    ],
    [{ actors: [], maxThreadHeapMb: '1g' }, 'maxThreadHeapMb', "option 'maxThreadHeapMb' is '1g' (a string)."],
    [
      { actors: [], maxThreadBufferMb: 0 },
      'maxThreadBufferMb',
      "option 'maxThreadBufferMb' is 0 (a number). Use a whole number of MB from 1 to 1048576: maxThreadBufferMb: 1024.",
    ],
    [
      { actors: [], spareThread: 1 },
      'spareThread',
      "option 'spareThread' is 1 (a number). Use true or false: spareThread: true.",
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
      "option 'store' is 7 (a number). Use 'sqlite:FILE', 'file:FOLDER' or 'memory:': store: 'sqlite:app.db'.",
    ],
    [{ actors: [], store: null }, 'store', "option 'store' is null."],
    [{ actors: [], env: 'real' }, 'env', "option 'env' is 'real' (a string). Leave it out"],
    [
      { actors: [], env: {} },
      'env',
      "option 'env' is an object without now(), monotonicMs(), setTimeout(), setAlarm(), clearTimeout(), defer(), random(), randomId(), randomUuid(), createPort(). Leave it out, or pass an Env",
    ],
    [
      { actor: [] },
      'actor',
      "option 'actor' is unknown. Known options: actors, store, threads, synchronous, log, recoverEveryMs, overdueAfterMs, idRetentionMs, topicRetentionMs, maxFanOut, maxLiveActors, maxPending, sessionSweepEveryMs, beatMs, hangMs, maxThreadHeapMb, maxThreadBufferMb, spareThread, degradation, nats, bus, inlineHosts, openStore, env.",
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

  const rejection = Promise.reject.bind(Promise, new Error('no disk'));
  const refusal = 'Leave it out, or pass a function that opens a store';
  test.each([
    ['gives null', async () => null, 'ERR_OPTIONS_INVALID', `gave null instead of a store. ${refusal}`],
    ['gives nothing at once', () => undefined, 'ERR_OPTIONS_INVALID', `gave undefined instead of a store. ${refusal}`],
    ['gives {}', async () => ({}), 'ERR_OPTIONS_INVALID', 'gave an object without commit(), load(), inbox()'],
    ['rejects', rejection, 'ERR_STORE_OPEN', 'threw: no disk. Mend the function'],
    [
      'throws',
      () => {
        throw new Error('no disk');
      },
      'ERR_STORE_OPEN',
      'threw: no disk. Mend the function',
    ],
  ])('an openStore that %s is named', async (_, openStore, code, says) => {
    await expect(createSystem({ actors: [], threads: 0, log: 'silent', openStore } as never)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(`createSystem: option 'openStore' ${says}`),
    });
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
