/** Where log lines go: a function of the user must not break what it is told about. */
import { afterEach, expect, test, vi } from 'vitest';
import { createSink } from '../../../src/observe/log.ts';
import type { LogSink } from '../../../src/observe/logger.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a function takes the lines itself', () => {
  const lines: unknown[] = [];
  createSink((...line) => void lines.push(line))('warn', { component: 'x' }, 'text');
  expect(lines).toEqual([['warn', { component: 'x' }, 'text']]);
});

test.each<{ name: string; sink: LogSink; says: string }>([
  {
    name: 'throws',
    sink: () => {
      throw new Error('no\nroom');
    },
    says: 'Error: no room',
  },
  { name: 'rejects', sink: (() => Promise.reject(new Error('later'))) as LogSink, says: 'Error: later' },
  {
    name: 'throws what has no text',
    sink: () => {
      throw Object.create(null);
    },
    says: 'a value that has no text',
  },
])('one that $name is told of once, and nobody else notices', async ({ sink, says }) => {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const guarded = createSink(sink);
  guarded('error', {}, 'one');
  guarded('error', {}, 'two');
  await turn();
  expect(write.mock.calls.map(([text]) => text)).toEqual([
    `Troupe: the function in option 'log' failed and lines are lost: ${says}\n`,
  ]);
});
