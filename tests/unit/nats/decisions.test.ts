/** What the NATS engine decides: names, options, the stream, the place in it, and what has been sent. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { StreamInfo } from '../../../src/nats/client.ts';
import { toConnectError } from '../../../src/nats/faults.ts';
import { toEventSubject, toEventSubjects, toQueueName, toStreamName, toTopic } from '../../../src/nats/names.ts';
import { resolveNatsOptions } from '../../../src/nats/options.ts';
import { comparePlace, countGone, fromPlaceText, markOf, toPlaceText } from '../../../src/nats/stream-place.ts';
import { compareStream, wantedStream, widenStream } from '../../../src/nats/stream.ts';
import { SendWindow } from '../../../src/nats/window.ts';
import { holdsAlways } from '../../support/property.ts';

const URL = 'nats://127.0.0.1:4222';
const DAY_MS = 86_400_000;

describe('names', () => {
  test('every name begins with its namespace, and a subject gives its topic back', () => {
    expect(toEventSubject('shop', 'order.placed')).toBe('troupe.shop.events.order.placed');
    expect(toEventSubjects('shop')).toBe('troupe.shop.events.>');
    expect(toStreamName('shop')).toBe('TROUPE_shop');
    expect(toTopic('shop', 'troupe.shop.events.a.b')).toBe('a.b');
    expect(toTopic('shop', 'troupe.shopping.events.a')).toBeUndefined();
    expect(toQueueName('a:b_c')).toBe('queue_a=b_c');
  });
});

describe('options', () => {
  test('a URL is enough; the rest has defaults', () => {
    expect(resolveNatsOptions(URL)).toEqual({
      servers: [URL],
      namespace: 'default',
      credentials: { kind: 'none' },
      tls: undefined,
      name: 'troupe',
      connectTimeoutMs: 5000,
      required: true,
      stream: { replicas: 1, storage: 'file', maxBytes: undefined, duplicateWindowMs: 120_000, update: false },
    });
  });

  test.each([
    ['127.0.0.1', ['nats://127.0.0.1:4222'], { kind: 'none' }],
    ['nats://a:1,nats://b', ['nats://a:1', 'nats://b:4222'], { kind: 'none' }],
    [['a', 'tls://b:5'], ['nats://a:4222', 'tls://b:5'], { kind: 'none' }],
    ['nats://me:p%40ss@a', ['nats://a:4222'], { kind: 'user', user: 'me', password: 'p@ss' }],
    ['nats://tok@a', ['nats://a:4222'], { kind: 'token', token: 'tok' }],
    [
      'nats://tok@a,nats://tok@b,c',
      ['nats://a:4222', 'nats://b:4222', 'nats://c:4222'],
      { kind: 'token', token: 'tok' },
    ],
  ])('servers %j: credentials of a URL are taken out of it', (servers, expected, credentials) => {
    expect(resolveNatsOptions({ servers })).toMatchObject({ servers: expected, credentials });
  });

  test.each<[unknown, string, RegExp]>([
    [5, 'nats', /is 5/],
    [{}, 'nats.servers', /does not fit/],
    [{ servers: [] }, 'nats.servers', /does not fit/],
    [{ servers: 'http://a' }, 'nats.servers', /scheme 'http:'/],
    [{ servers: 'nats://' }, 'nats.servers', /no URL/],
    [{ servers: 'nats://me:100%secret@a' }, 'nats.servers', /a '%' that stands for nothing; write it as '%25'/],
    [{ servers: 'nats://100%secret@a' }, 'nats.servers', /'%25'/],
    [{ servers: ['nats://me:1@a', 'nats://me:2@b'] }, 'nats.servers', /differ from one server to another/],
    [{ servers: URL, namespace: 'a.b' }, 'nats.namespace', /is 'a.b'.*A-Z a-z 0-9 _ -/],
    [{ servers: URL, user: 'a', token: 't' }, 'nats.token', /contradicts 'user'/],
    [{ servers: URL, password: 'x' }, 'nats.password', /without a user/],
    [{ servers: URL, nkeySeed: 'SUX' }, 'nats.nkeySeed', /does not fit/],
    [{ servers: URL, tls: { certFile: 'a' } }, 'nats.tls', /go together/],
    [{ servers: URL, stream: { replicas: 9 } }, 'nats.stream.replicas', /is 9/],
    [{ servers: URL, stream: { size: 9 } }, 'nats.stream.size', /unknown/],
    [{ servers: URL, urls: 1 }, 'nats.urls', /unknown.*servers, namespace/],
  ])('%j is refused at %j', (options, path, says) => {
    expect(() => resolveNatsOptions(options)).toThrow(
      expect.objectContaining({ code: 'ERR_OPTIONS_INVALID', details: { path }, message: expect.stringMatching(says) }),
    );
  });

  test('no message shows a secret', () => {
    const secrets = { password: 5, token: ['hunter2'], nkeySeed: 'SUhunter2', servers: ['x://me:hunter2@a'] };
    for (const [name, value] of Object.entries(secrets)) {
      const options = { servers: URL, [name]: value };
      expect(() => resolveNatsOptions(options)).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining('hunter2') }),
      );
    }
    const refused = Object.assign(new Error("'Authorization Violation'"), { name: 'AuthorizationError' });
    expect(toConnectError(refused, [URL])).toMatchObject({
      code: 'ERR_NATS_AUTH',
      message: expect.stringContaining(URL),
    });
  });
});

describe('the stream', () => {
  const wanted = wantedStream(resolveNatsOptions(URL), DAY_MS);

  test('what is needed: file, limits, the oldest go, events for as long as they are kept', () => {
    expect(wanted).toMatchObject({ name: 'TROUPE_default', subjects: ['troupe.default.events.>'], maxAgeMs: DAY_MS });
    expect(compareStream(wanted, wanted)).toEqual([]);
    expect(wantedStream(resolveNatsOptions(URL), 1000).duplicateWindowMs).toBe(1000);
  });

  test.each([
    ['a longer age', { maxAgeMs: 2 * DAY_MS }],
    ['no age', { maxAgeMs: 0 }],
    ['more replicas', { replicas: 3 }],
    ['a longer window', { duplicateWindowMs: 600_000 }],
    ['limits written as 0', { maxBytes: 0, maxMessages: 0, maxMessageBytes: 0 }],
  ])('%s does', (_name, has) => {
    expect(compareStream({ ...wanted, ...has }, wanted)).toEqual([]);
  });

  test.each([
    ['subjects', { subjects: ['troupe.default.>'] }, '--subjects=troupe.default.events.>'],
    ['storage', { storage: 'memory' as const }, '--storage=file'],
    ['retention', { retention: 'workqueue' }, '--retention=limits'],
    ['discard', { discard: 'new' }, '--discard=old'],
    ['max age', { maxAgeMs: 1000 }, '--max-age=86400000ms'],
    ['max bytes', { maxBytes: 5 }, '--max-bytes=-1'],
    ['max messages', { maxMessages: 5 }, '--max-msgs=-1'],
    ['max message bytes', { maxMessageBytes: 5 }, '--max-msg-size=-1'],
    ['replicas', { replicas: 0 }, '--replicas=1'],
    ['duplicate window', { duplicateWindowMs: 1 }, '--dupe-window=120000ms'],
  ])('another %s does not do, and is named with what changes it', (setting, has, flag) => {
    expect(compareStream({ ...wanted, ...has }, wanted)).toMatchObject([{ setting, flag }]);
  });
});

describe('a stream that may be changed', () => {
  const wanted = wantedStream(resolveNatsOptions(URL), DAY_MS);
  const more = { maxAgeMs: 7 * DAY_MS, replicas: 3, duplicateWindowMs: 600_000 };

  test('gets what it lacks, and keeps what it has more of: a shorter age would remove events', () => {
    expect(widenStream({ ...wanted, ...more, discard: 'new' }, wanted)).toEqual({ ...wanted, ...more });
    expect(widenStream({ ...wanted, maxAgeMs: 0 }, wanted)).toEqual({ ...wanted, maxAgeMs: 0 });
    expect(widenStream({ ...wanted, maxAgeMs: 5, replicas: 0, duplicateWindowMs: 5 }, wanted)).toEqual(wanted);
  });
});

describe('the place in the stream', () => {
  const stream = { created: 'then', firstSeq: 1, lastSeq: 9 } as StreamInfo;
  const message = (id: string) => ({ headers: { 'nats-msg-id': id }, time: 5 }) as never;

  test.each([
    ['same', { seq: 9, created: 'then', mark: 'a' }, message('a')],
    ['same', { seq: 0, created: 'then', mark: undefined }, undefined],
    ['same', { seq: 3, created: 'then', mark: 'a' }, undefined],
    ['replaced', { seq: 3, created: 'before', mark: 'a' }, undefined],
    ['shorter', { seq: 10, created: 'then', mark: 'a' }, undefined],
    ['rewritten', { seq: 9, created: 'then', mark: 'a' }, message('b')],
  ])('%s: %j', (finding, place, there) => {
    expect(comparePlace(place, stream, there)).toBe(finding);
  });

  test.each([
    [0, 9, 0],
    [8, 9, 0],
    [12, 9, 0],
    [5, 9, 3],
  ])('read to %i in a stream that begins at %i: %i are gone', (seq, firstSeq, gone) => {
    expect(countGone({ seq, created: 'then', mark: undefined }, { firstSeq })).toBe(gone);
  });

  test('it comes back from the store as it went in; what is none is none', () => {
    const place = { seq: 4, created: 'then', mark: markOf(message('x')) };
    expect(fromPlaceText(4, toPlaceText(place))).toEqual(place);
    expect(markOf({ headers: {}, time: 77 })).toBe('at 77');
    for (const text of ['', '>', '{}', '{"created":5}']) expect(fromPlaceText(4, text)).toBeUndefined();
  });
});

describe('what has been sent', () => {
  test('everything up to its position is done, whatever the order of answers, and it never goes back', () => {
    const answers = fc.array(fc.record({ isOwn: fc.boolean(), isDone: fc.boolean(), when: fc.nat(99) }), {
      maxLength: 30,
    });
    holdsAlways(
      fc.property(answers, (entries) => {
        const window = new SendWindow(0);
        const states: (boolean | undefined)[] = entries.map(({ isOwn }) => (isOwn ? undefined : true));
        const open = entries.map(({ isOwn }, i) => (isOwn ? window.enter(i + 1) : (window.pass(i + 1), undefined)));
        const check = (): void => {
          const first = states.findIndex((isDone) => isDone !== true);
          expect(window.donePos).toBe(first === -1 ? states.length : first);
          expect(window.open).toBe(states.filter((isDone) => isDone === undefined).length);
        };
        check();
        const order = entries.map((entry, i) => ({ ...entry, i })).toSorted((a, b) => a.when - b.when);
        for (const { i, isDone } of order) {
          if (!open[i]) continue;
          open[i](isDone);
          states[i] = isDone;
          check();
        }
      }),
    );
  });
});
