/** Messages of the stream as `troupe watch` shows them, also those that are no events. */
import { describe, expect, test } from 'vitest';
import { readWatched, toJsonLine, toReadableLine } from '../../../src/cli/watched-event.ts';
import type { StreamMessage } from '../../../src/nats/client.ts';

const AT = Date.parse('2026-11-21T12:00:00.250Z');
const EVENT = {
  specversion: '1.0',
  id: 'e-1',
  source: 'session/user-42',
  type: 'task.completed',
  time: '2026-11-21T12:00:00.000Z',
  priority: 'high',
  data: { rounds: 3 },
};

describe('a CloudEvent', () => {
  test('is one line of JSON, as it came', () => {
    const watched = readWatched(message(JSON.stringify(EVENT, null, 2)), 'task.completed');
    expect(toJsonLine(watched)).toBe(JSON.stringify(EVENT));
  });

  test('is a line with time, priority, topic, source and data', () => {
    const watched = readWatched(message(JSON.stringify(EVENT)), 'task.completed');
    expect(toReadableLine(watched, { now: AT })).toMatch(
      /^\d\d:\d\d:\d\d\.000 high {5}task\.completed {2}session\/user-42 {2}\{"rounds":3\}$/u,
    );
  });

  test('has the date before its time when it is older than a day', () => {
    const watched = readWatched(message(JSON.stringify(EVENT)), 'task.completed');
    expect(toReadableLine(watched, { now: AT + 2 * 86_400_000 })).toMatch(/^2026-11-2\d \d\d:\d\d:\d\d\.000 /u);
  });

  test('is cut to the columns of the terminal', () => {
    const watched = readWatched(message(JSON.stringify({ ...EVENT, data: 'x'.repeat(5000) })), 'task.completed');
    const line = toReadableLine(watched, { now: AT, columns: 70 });
    expect(line).toHaveLength(70);
    expect(line.endsWith('x…')).toBe(true);
  });

  test('may have its attributes in headers', () => {
    const headers = {
      'ce-specversion': '1.0',
      'ce-id': '7',
      'ce-source': 'sensor',
      'ce-type': 'x',
      'ce-priority': 'low',
    };
    const { event, isCloudEvent } = readWatched(message('21', headers), 'heat.7');
    expect(isCloudEvent).toBe(true);
    expect(event).toEqual({ specversion: '1.0', id: '7', source: 'sensor', type: 'x', priority: 'low', data: 21 });
  });

  test('cannot colour the screen, move the cursor or begin a line', () => {
    const evil = { ...EVENT, source: 'a\u001B[2J\nb', priority: '\u009B1m', data: '\u202E\u001B]0;title\u0007' };
    const line = toReadableLine(readWatched(message(JSON.stringify(evil)), 'task.completed'), { now: AT });
    expect(line).toMatch(/^[ -~]+$/u);
  });
});

test.each([
  ['what is not JSON', 'plain\n text', 'plain\n text'],
  ['JSON that is no object', 'null', null],
  ['an object without a specversion', '{"id":"1","source":"x"}', { id: '1', source: 'x' }],
])('%s is shown as the data of an event', (_what, text, data) => {
  const watched = readWatched(message(text), 'odd.one');
  expect(JSON.parse(toJsonLine(watched))).toEqual({
    specversion: '1.0',
    id: '12',
    source: 'nats',
    type: 'odd.one',
    time: '2026-11-21T12:00:00.250Z',
    data,
  });
  expect(toReadableLine(watched, { now: AT })).toContain('(not a CloudEvent)');
});

test('a time that is none gives way to the time of the stream', () => {
  const { time } = readWatched(message(JSON.stringify({ ...EVENT, time: 'yesterday' })), 'task.completed');
  expect(time).toBe(AT);
});

function message(text: string, headers: Readonly<Record<string, string>> = {}): StreamMessage {
  const data = new TextEncoder().encode(text);
  return { subject: 'troupe.default.events.x', seq: 12, time: AT, data, text: () => text, headers, pending: 0 };
}
