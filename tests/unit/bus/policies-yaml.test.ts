/** The option `bus` in a file. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { parseBusOptions } from '../../../src/bus/policies.ts';
import { isTroupeError } from '../../../src/errors.ts';
import type { TroupeError } from '../../../src/errors.ts';
import { resolveOptions } from '../../../src/system/options.ts';

const folder = mkdtempSync(join(tmpdir(), 'troupe-policies-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const file = join(folder, 'bus.yaml');
const load = (bus: string | URL) => resolveOptions({ actors: [], bus }).bus;

function loadText(text: string | Buffer) {
  writeFileSync(file, text);
  return load(file);
}

const GOOD = `# What subscriptions get.
slowMs: 20
subscribers:
  audit: &all { replay: full, maxAttempts: 10 }
  dash:
    replay:
      policy: full
      since: 2026-11-21T12:00:00Z
      topics: ['agent:*', task.>]
  copy: *all
agents:
  worker/7: { replay: none }
`;

/** Each level names the one below it nine times. */
const BOMB = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
  .map(
    (name, index, names) =>
      `${name}: &${name} [${
        index === 0
          ? 'x'
          : Array(9)
              .fill(`*${names[index - 1]}`)
              .join(', ')
      }]`,
  )
  .join('\n');

const FEW = Array.from({ length: 8 }, (_, i) => `l${i}: &l${i} [${i === 0 ? 'x' : `*l${i - 1}, *l${i - 1}`}]`).join(
  '\n',
);

function thrownBy(work: () => unknown): TroupeError {
  try {
    work();
  } catch (error) {
    if (isTroupeError(error)) return error;
    throw error;
  }
  throw new Error('Nothing was thrown.');
}

describe('policies in a file', () => {
  test('the same in a file and in code, by path, by URL, and by the text of one', () => {
    const replay = { policy: 'full', since: Date.UTC(2026, 10, 21, 12), topics: ['agent:*', 'task.>'] };
    const all = { replay: 'full', maxAttempts: 10 };
    const code = {
      slowMs: 20,
      subscribers: { audit: all, dash: { replay }, copy: all },
      agents: { 'worker/7': { replay: 'none' } },
    };
    expect(loadText(GOOD)).toEqual(parseBusOptions(code));
    for (const url of [pathToFileURL(file), pathToFileURL(file).href]) expect(load(url)).toEqual(parseBusOptions(code));
  });

  test.each(['', '# nothing yet\n', '---\n', '\uFEFF{}'])('%j is a file that says nothing', (text) => {
    expect(loadText(text)).toEqual(parseBusOptions({}));
  });

  test.each<[what: string, text: string, spot: [line: number, column: number] | undefined, path: string, why: string]>([
    ['not YAML', 'slowMs: [1', [1, 11], 'bus', 'it is not YAML: '],
    ['a tab as indentation', 'subscribers:\n\taudit: {}', [2, 1], 'bus', 'it is not YAML: '],
    ['a scalar', 'full', [1, 1], 'bus', "'the file' is 'full' (a string). Use an object with some of slowMs"],
    [
      'a wrong type',
      'subscribers:\n  audit:\n    maxAttempts: many',
      [3, 18],
      'bus.subscribers.audit.maxAttempts',
      "is 'many' (a string). Use a whole number from 1 to 100",
    ],
    [
      'an unknown key',
      'subscribers:\n  audit:\n    replays: full',
      [3, 5],
      'bus.subscribers.audit.replays',
      'is unknown. Known: replay, maxAttempts, handlerTimeoutMs.',
    ],
    [
      'an unknown policy',
      'subscribers:\n  audit: { replay: all }',
      [2, 20],
      'bus.subscribers.audit.replay',
      "is 'all' (a string). Use one of 'none', 'full', 'critical-only'",
    ],
    ['a name that is none', 'subscribers:\n  a b: {}', [2, 3], 'bus.subscribers.a b', 'is no name.'],
    [
      'a wrong item',
      'subscribers:\n  a:\n    replay:\n      topics: [ok, a..b]',
      [4, 20],
      'bus.subscribers.a.replay.topics.1',
      'Use a pattern',
    ],
    ['a key that stands there twice', 'slowMs: 1\nslowMs: 2', [2, 1], 'bus', 'a key stands there twice'],
    ['a name that stands there twice', 'subscribers:\n  a: {}\n  a: {}', [3, 3], 'bus', 'a key stands there twice'],
    ['a tag', 'slowMs: !!js/function "x"', [1, 9], 'bus', 'it has a tag'],
    ['a tag of its own', 'slowMs: !ms 10', [1, 9], 'bus', 'it has a tag'],
    ['two documents', 'slowMs: 1\n---\nslowMs: 2', [2, 1], 'bus', 'it holds more than one document'],
    ['an alias of nothing', 'slowMs: *ms', [1, 9], 'bus', "the alias '*ms' names nothing"],
    ['an alias bomb', BOMB, [4, 16], 'bus', 'it has more than 20 aliases'],
    ['few aliases that stand for much', FEW, undefined, 'bus', 'they stand for more than 100 values'],
    ['a key that is a list', '? [a]\n: 1', [1, 3], 'bus', 'it is not YAML: '],
    ['a merge key', 'a: &a {slowMs: 1}\n<<: *a', undefined, 'bus.a', 'is unknown'],
    ['a prototype', '__proto__: { slowMs: 1 }', [1, 1], 'bus.__proto__', 'is unknown'],
    ['the schema of another version', '%YAML 1.1\n---\nslowMs: 1:30', [3, 9], 'bus.slowMs', "is '1:30' (a string)"],
    ['more than can be nested', '['.repeat(60_000), undefined, 'bus', 'it '],
    ['too much', `# ${'x'.repeat(64 * 1024)}`, undefined, 'bus', 'it has more than 65536 bytes'],
  ])('%s is refused: it says where, what, and what to do', (_, text, spot, path, why) => {
    const error = thrownBy(() => loadText(text));
    expect(error).toMatchObject({ code: 'ERR_OPTIONS_INVALID', details: { path, file } });
    const at = spot ? `, line ${spot[0]}, column ${spot[1]}` : '';
    expect(error.message).toContain(`createSystem: in '${file}'${at}`);
    expect(error.message).toContain(why);
    expect(error.message).toMatch(/\. Correct the file, then start again\.$/);
    expect(({} as { slowMs?: unknown }).slowMs).toBeUndefined();
  });

  test('exactly as much as is allowed is read', () => {
    const line = 'slowMs: 30\n';
    expect(loadText(`${line}#${'x'.repeat(64 * 1024 - line.length - 1)}`)).toMatchObject({ slowMs: 30 });
  });

  test('a file that is missing, and what is none, are refused by name', () => {
    const missing = join(folder, 'missing.yaml');
    expect(thrownBy(() => load(missing)).message).toContain(`in '${missing}': it cannot be read: ENOENT`);
    const inner = join(folder, 'inner');
    mkdirSync(inner);
    expect(thrownBy(() => load(inner)).message).toContain(`in '${inner}': it cannot be read: It is no file.`);
    expect(thrownBy(() => load('bus.yaml')).message).toContain(
      "option 'bus' is 'bus.yaml' (a string), a relative path.",
    );
  });
});

test('the example of the documentation is taken', () => {
  const text = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8');
  const example = /```yaml\n(.*?)```/s.exec(text)?.[1] ?? '';
  const { slowMs, criticalAfterMs, subscribers, agents } = loadText(example);
  expect({ slowMs, criticalAfterMs }).toEqual({ slowMs: 10, criticalAfterMs: 300_000 });
  expect(subscribers.get('audit')).toEqual({ replay: 'full', maxAttempts: 10, handlerTimeoutMs: 5000 });
  expect(subscribers.get('dash')?.replay).toMatchObject({
    policy: 'full',
    since: Date.UTC(2026, 10, 21, 12),
    limit: 100,
  });
  expect(agents.get('worker/7')).toEqual({ replay: 'none' });
});
