/** The parts of the bus that decide and own nothing: attributes, where to begin, what a group has in hand, pauses, names of files. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { toAttributesText } from '../../../src/bus/attributes.ts';
import { toCloudEventText } from '../../../src/bus/cloud-event.ts';
import { toFileName } from '../../../src/bus/export.ts';
import { GroupBook } from '../../../src/bus/group-book.ts';
import { RecentIds } from '../../../src/bus/recent-ids.ts';
import { toMessageId } from '../../../src/bus/replay-into.ts';
import { WHOLE_LOG, isInWindow, parseReplay } from '../../../src/bus/replay-window.ts';
import { checkRetries, pauseAfter } from '../../../src/bus/retries.ts';
import { decideStart } from '../../../src/bus/start.ts';
import type { BusEventRow } from '../../../src/store/store.ts';
import { holdsAlways } from '../../support/property.ts';
import { upTo } from './fixture.ts';

const row = (pos: number, changes: Partial<BusEventRow> = {}): BusEventRow => ({
  pos,
  id: `id-${pos}`,
  topic: 'a',
  source: 'bus/host',
  at: pos * 10,
  time: pos * 10,
  priority: 'normal',
  text: `${pos}`,
  attributes: null,
  origin: null,
  ...changes,
});

test.each([
  [undefined, { text: undefined }],
  [{}, { text: undefined }],
  [{ subject: 'x', n: -2_147_483_648, is: false }, { text: '{"subject":"x","n":-2147483648,"is":false}' }],
  [{ n: 2_147_483_648 }, { fault: expect.stringContaining("2147483648 (a number) under 'n'") }],
  [{ type: 'x' }, { fault: expect.stringContaining("'type'") }],
  [{ text: 'x'.repeat(1_025) }, { fault: expect.stringContaining('1025 characters') }],
  [[], { fault: expect.stringContaining('an array') }],
])('attributes %j', (given, found) => {
  expect(toAttributesText(given)).toEqual(found);
});

test('an event as a CloudEvent has the attributes of its publisher beside its own', () => {
  const text = toCloudEventText(row(1, { attributes: '{"subject":"x"}', text: '{"n":1}', time: 0 }));
  expect(JSON.parse(text)).toEqual({
    specversion: '1.0',
    id: 'id-1',
    source: 'bus/host',
    type: 'a',
    time: '1970-01-01T00:00:00.000Z',
    datacontenttype: 'application/json',
    priority: 'normal',
    subject: 'x',
    data: { n: 1 },
  });
});

const FULL = { window: WHOLE_LOG };
const NONE = { window: undefined };
const LATER = { window: { ...WHOLE_LOG, afterPos: 7 } };

test.each([
  ['default', undefined, { pos: 9 }],
  ['default', 4, { pos: 4, replay: { window: WHOLE_LOG, untilPos: 9 } }],
  ['default', 9, { pos: 9 }],
  [NONE, 4, { pos: 9 }],
  [FULL, undefined, { pos: 0, replay: { window: WHOLE_LOG, untilPos: 9 } }],
  [FULL, 4, { pos: 4, replay: { window: WHOLE_LOG, untilPos: 9 } }],
  [LATER, 4, { pos: 7, replay: { window: LATER.window, untilPos: 9 } }],
  [{ window: { ...WHOLE_LOG, afterPos: 50 } }, undefined, { pos: 9 }],
] as const)('G21: a subscription with replay %j and its place at %j begins where it should', (replay, kept, start) => {
  expect(decideStart(replay, kept, 9)).toEqual(start);
});

test('G21: a window chooses by time, position, topic and priority, ends included', () => {
  const window = parseReplay({ policy: 'full', since: 30, until: new Date(60), afterSeq: 3, topics: ['a', 'b.*'] })!;
  const rows = [...upTo(8).map((pos) => row(pos)), row(5, { topic: 'b.c' }), row(5, { topic: 'c' })];
  expect(rows.filter((one) => isInWindow(window, one)).map(({ pos, topic }) => [pos, topic])).toEqual([
    [4, 'a'],
    [5, 'a'],
    [6, 'a'],
    [5, 'b.c'],
  ]);
});

describe('what a group has in hand', () => {
  test('G20: its place is before the first event that is not done, in whatever order they are done', () => {
    const book = new GroupBook(10);
    book.add({ rows: [row(11), row(13), row(14)], reachedPos: 20 });
    const [first, second, third] = [book.take()!, book.take()!, book.take()!];
    expect([first.row.pos, second.row.pos, third.row.pos, book.take()]).toEqual([11, 13, 14, undefined]);
    expect(book.pos).toBe(10);
    book.done(third.row);
    book.done(first.row);
    expect(book.pos).toBe(12);
    book.giveBack({ ...second, attempt: 2 });
    expect(book.take()).toMatchObject({ attempt: 2 });
    book.done(second.row);
    expect([book.pos, book.isIdle, book.wantsMore]).toEqual([20, true, true]);
  });

  test('G14: it reads on no further than 10,000 positions past what is not done, and holds 1,024 events', () => {
    const far = new GroupBook(0);
    far.add({ rows: [row(1)], reachedPos: 9_999 });
    far.take();
    expect(far.isHeld).toBe(false);
    far.add({ rows: [], reachedPos: 10_000 });
    expect([far.isHeld, far.wantsMore]).toEqual([true, false]);
    const full = new GroupBook(0);
    full.add({ rows: upTo(1_024).map((n) => row(n + 1)), reachedPos: 1_024 });
    expect(full.isHeld).toBe(true);
  });

  test('G20: its place never passes what is not done, for any order (property)', () => {
    const steps = fc.array(fc.nat(100), { minLength: 1, maxLength: 60 });
    holdsAlways(
      fc.property(steps, (draws) => {
        const book = new GroupBook(0);
        const open: BusEventRow[] = [];
        let read = 0;
        for (const draw of draws) {
          if (draw < 30) {
            const rows = upTo(draw % 4).map((n) => row(read + 2 * n + 1));
            read += 2 * rows.length + (draw % 3);
            book.add({ rows, reachedPos: read });
            open.push(...rows);
          } else if (open.length > 0) book.done(open.splice(draw % open.length, 1)[0]!);
          const first = Math.min(...open.map(({ pos }) => pos));
          if (book.pos !== (open.length === 0 ? read : first - 1)) return false;
        }
        return true;
      }),
    );
  });
});

test('pauses between attempts grow up to the longest', () => {
  const retries = checkRetries(10, { minMs: 100, maxMs: 1_000, factor: 3 });
  expect(upTo(5).map((failed) => pauseAfter(retries, failed + 1))).toEqual([100, 300, 900, 1_000, 1_000]);
});

test('names of files are safe, and no two topics share one', () => {
  const topic = fc.string({ minLength: 1, maxLength: 255, unit: 'grapheme' });
  holdsAlways(
    fc.property(topic, topic, (one, other) => {
      const [first, second] = [toFileName(one), toFileName(other)];
      const isSafe = /^[a-z0-9._%-]{1,180}$/.test(first);
      return isSafe && (one === other) === (first.toLowerCase() === second.toLowerCase());
    }),
  );
  expect(toFileName('Task.done')).toBe('%54ask.done');
});

test.each(['con', 'nul.x', 'com1', 'lpt9.a.b'])(
  'the file of topic %s is not one that Windows keeps for a device',
  (topic) => {
    expect(toFileName(topic)).toBe(`%${Buffer.from(topic).toString('hex', 0, 1)}${topic.slice(1)}`);
    expect(toFileName(`${topic}x`)).not.toBe(toFileName(topic));
  },
);

test("a topic that is the name of another topic's file has a file of its own", () => {
  const long = toFileName('a'.repeat(181));
  expect(toFileName(long)).not.toBe(long);
});

test('an event from elsewhere with a long id is sent under a short one, always the same', () => {
  const long = row(1, { id: 'x'.repeat(700) });
  expect(toMessageId(row(1))).toBe('id-1');
  expect(toMessageId(long)).toBe(toMessageId(long));
  expect(toMessageId(long).length).toBeLessThanOrEqual(256);
});

test('G20: of ids that are remembered the least used go first, and those nobody met for long by a sweep', () => {
  const ids = new RecentIds(3);
  for (const [at, id] of ['a', 'b', 'c'].entries()) ids.add(id, at);
  expect(ids.has('a', 10)).toBe(true);
  ids.add('d', 11);
  expect([ids.has('b'), ids.size]).toEqual([false, 3]);
  ids.sweep(10);
  expect([ids.has('c'), ids.has('a'), ids.has('d')]).toEqual([false, true, true]);
});
