/** Options of createSystem. */
import { describe, expect, test } from 'vitest';
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
    [{}, 'actors'],
    [{ actors: [''] }, 'actors.0'],
    [{ actors: [], threads: -1 }, 'threads'],
    [{ actors: [], threads: 65 }, 'threads'],
    [{ actors: [], threads: 1.5 }, 'threads'],
    [{ actors: [], synchronous: 'off' }, 'synchronous'],
    [{ actors: [], log: 'loud' }, 'log'],
    [{ actors: [], recoverEveryMs: 49 }, 'recoverEveryMs'],
    [{ actors: [], idRetentionMs: 999 }, 'idRetentionMs'],
    [{ actors: [], store: 7 }, 'store'],
    [{ actors: [], unknown: true }, ''],
    [undefined, ''],
  ])('%j is refused at %j', (options, path) => {
    expect(() => resolveOptions(options as never)).toThrow(
      expect.objectContaining({
        code: 'ERR_OPTIONS_INVALID',
        details: { path },
        message: expect.stringMatching(/^createSystem: .+ See SystemOptions\.$/),
      }),
    );
  });
});
