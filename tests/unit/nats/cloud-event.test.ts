/** Events on the stream: what this store sends another takes in as it was, and what others send is taken or named. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { toAttributesText } from '../../../src/bus/attributes.ts';
import { PRIORITIES } from '../../../src/bus/topic-event.ts';
import type { StreamMessage } from '../../../src/nats/client.ts';
import { fromStream, toMessageId, toOutgoing } from '../../../src/nats/cloud-event.ts';
import { holdsAlways } from '../../support/property.ts';

const HERE = { namespace: 'shop', storeId: 'here' };
const THERE = { namespace: 'shop', storeId: 'there' };

const lower = (headers: object): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]));

/** A message as the stream gives it. */
function messageOf(
  body: unknown,
  { headers = {}, subject = 'troupe.shop.events.order.placed', time = 5000 } = {},
): StreamMessage {
  const data = Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  return { subject, seq: 7, time, data, text: () => data.toString(), headers: lower(headers), pending: 0 };
}

const CLOUD_EVENT = { specversion: '1.0', id: '1', source: '/shop', type: 'com.shop.order', data: { n: 1 } };

const json = fc.jsonValue({ maxDepth: 2 }).filter((value) => !JSON.stringify(value).includes('"__proto__"'));
const row = fc.record({
  pos: fc.nat(),
  id: fc.string({ minLength: 1, maxLength: 32, unit: 'binary' }),
  topic: fc.constantFrom('a', 'order.placed', 'größe.x'),
  source: fc.constantFrom('bus/host', 'session/user-42'),
  at: fc.nat(),
  time: fc.integer({ min: 0, max: 4e12 }),
  priority: fc.constantFrom(...PRIORITIES),
  text: json.map((value) => JSON.stringify(value)),
  attributes: fc
    .dictionary(fc.stringMatching(/^x[a-z0-9]{0,18}$/), fc.oneof(fc.string(), fc.boolean(), fc.integer()))
    .map((given) => {
      const made = toAttributesText(given);
      return 'text' in made ? (made.text ?? null) : null;
    }),
  origin: fc.constant(null),
});

describe('events of systems', () => {
  test('an event that one store sends is what another takes in: id, topic, source, time, priority, attributes, data', () => {
    holdsAlways(
      fc.property(row, (event) => {
        const { subject, headers, text } = toOutgoing(event, THERE);
        const { id, topic, source, time, priority, attributes } = event;
        const incoming = fromStream(messageOf(text, { headers, subject }), HERE);
        expect(incoming).toEqual({
          kind: 'event',
          publication: {
            id,
            topic,
            priority,
            text: JSON.stringify(JSON.parse(event.text)),
            ...(attributes !== null && { attributes: JSON.stringify(JSON.parse(attributes)) }),
            received: { origin: 'there', source, time },
          },
        });
      }),
    );
  });

  test('ids as headers: plain ones stay, others are put into plain letters, no two become one', () => {
    holdsAlways(
      fc.property(fc.string({ minLength: 1, unit: 'binary' }), fc.string({ minLength: 1, unit: 'binary' }), (a, b) => {
        expect(toMessageId(a)).toMatch(/^[\x21-\x7e]+$/);
        expect(toMessageId(a) === toMessageId(b)).toBe(a === b);
      }),
    );
    expect(toMessageId('order-7')).toBe('order-7');
    expect(toMessageId('id64:x')).not.toBe('id64:x');
  });

  test('what this store sent itself is its own', () => {
    expect(fromStream(messageOf(CLOUD_EVENT, { headers: { 'Troupe-Origin': 'here' } }), HERE)).toEqual({ kind: 'own' });
  });

  test('what the runtime of another system says stays there; what claims to be of the runtime is refused', () => {
    const subject = 'troupe.shop.events.system.actor.failed';
    expect(fromStream(messageOf(CLOUD_EVENT, { subject, headers: { 'Troupe-Origin': 'there' } }), HERE)).toEqual({
      kind: 'own',
    });
    expect(fromStream(messageOf(CLOUD_EVENT, { subject }), HERE)).toMatchObject({
      kind: 'fault',
      error: { code: 'ERR_TOPIC_INVALID' },
    });
  });
});

describe('events of others', () => {
  const received = { origin: 'nats', source: '/shop', time: 5000 };
  const taken = { id: '/shop#1', topic: 'order.placed', priority: 'normal', text: '{"n":1}', received };
  const binary = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/shop', 'ce-type': 't' };

  test.each<[string, unknown, object, object]>([
    ['a whole CloudEvent, without a header', CLOUD_EVENT, {}, taken],
    [
      'one with its content type',
      CLOUD_EVENT,
      { 'Content-Type': 'application/cloudevents+json; charset=utf-8' },
      taken,
    ],
    ['without data', { ...CLOUD_EVENT, data: undefined }, {}, { ...taken, text: 'null' }],
    [
      'with a time of its own, in a zone',
      { ...CLOUD_EVENT, time: '2026-11-21T13:00:00.5+01:00' },
      {},
      { ...taken, received: { ...received, time: Date.parse('2026-11-21T12:00:00.5Z') } },
    ],
    ['with a priority', { ...CLOUD_EVENT, priority: 'critical' }, {}, { ...taken, priority: 'critical' }],
    [
      'with attributes, null ones left out',
      { ...CLOUD_EVENT, subject: 's', n: 5, on: true, dataschema: null },
      {},
      { ...taken, attributes: '{"subject":"s","n":5,"on":true}' },
    ],
    ['in binary mode', '{"n":1}', binary, taken],
    [
      'in binary mode with text, attributes and an escape',
      'hi',
      { ...binary, 'Content-Type': 'text/plain', 'ce-subject': 'a%20b' },
      { ...taken, text: '"hi"', attributes: '{"subject":"a b"}' },
    ],
    ['in binary mode without data', '', binary, { ...taken, text: 'null' }],
    [
      'in binary mode with a JSON type of its own',
      '{"n":1}',
      { ...binary, 'Content-Type': 'application/vnd.shop+json' },
      taken,
    ],
  ])('%s is taken', (_name, body, headers, publication) => {
    expect(fromStream(messageOf(body, { headers }), HERE)).toEqual({ kind: 'event', publication });
  });

  test('a colon in a subject stands for a dot, as in every topic', () => {
    const subject = 'troupe.shop.events.agent:busy';
    expect(fromStream(messageOf(CLOUD_EVENT, { subject }), HERE)).toMatchObject({
      publication: { topic: 'agent.busy' },
    });
  });

  test.each<[string, unknown, object, RegExp]>([
    ['no JSON', '{nope', {}, /is not JSON: .*CloudEvent, such as \{"specversion"/],
    ['nothing', '', {}, /is not JSON/],
    ['no UTF-8', Buffer.from([0xff, 0xfe]), {}, /is not UTF-8/],
    ['a list', [CLOUD_EVENT], {}, /instead of an object/],
    ['no CloudEvent', { hello: 1 }, {}, /has no 'id'/],
    ['without a source', { ...CLOUD_EVENT, source: undefined }, {}, /has no 'source'/],
    ['without a type', { ...CLOUD_EVENT, type: undefined }, {}, /has no 'type'/],
    ['an id that is a number', { ...CLOUD_EVENT, id: 5 }, {}, /has the id 5/],
    ['an id of 257 characters', { ...CLOUD_EVENT, id: 'x'.repeat(257) }, {}, /1 to 256 characters/],
    ['another version', { ...CLOUD_EVENT, specversion: '0.3' }, {}, /specversion '0.3'.* instead of '1.0'/],
    [
      'an unknown priority',
      { ...CLOUD_EVENT, priority: 'urgent' },
      {},
      /priority 'urgent'.*critical, high, normal, low/,
    ],
    ['a time that is none', { ...CLOUD_EVENT, time: 'yesterday' }, {}, /time 'yesterday'/],
    ['a time that is a number', { ...CLOUD_EVENT, time: 5 }, {}, /time 5/],
    ['an attribute that is an object', { ...CLOUD_EVENT, extra: {} }, {}, /'extra'/],
    ['an attribute with a bad name', { ...CLOUD_EVENT, 'Extra-1': 1 }, {}, /Extra-1/],
    ['data in base64', { ...CLOUD_EVENT, data_base64: 'AA==' }, {}, /data_base64/],
    [
      'data that cannot be kept',
      `{"specversion":"1.0","id":"1","source":"s","type":"t","data":{"__proto__":1}}`,
      {},
      /__proto__/,
    ],
    [
      'data that is nested too deep',
      `{"specversion":"1.0","id":"1","source":"s","type":"t","data":${'['.repeat(9999)}${']'.repeat(9999)}}`,
      {},
      /deep|nested|levels/,
    ],
    ['binary data', 'x', { ...binary, 'Content-Type': 'image/png' }, /type 'image\/png'/],
    ['an origin that is no id', CLOUD_EVENT, { 'Troupe-Origin': 'a b' }, /Troupe-Origin/],
  ])('%s is refused, and the message says why', (_name, body, headers, says) => {
    const incoming = fromStream(messageOf(body, { headers }), HERE);
    expect(incoming.kind).toBe('fault');
    expect(incoming.kind === 'fault' && incoming.error.message).toMatch(says);
  });

  test('whatever comes, it is told what it is: nothing throws', () => {
    holdsAlways(
      fc.property(
        fc.oneof(
          fc.string(),
          json.map((value) => JSON.stringify(value)),
        ),
        fc.dictionary(fc.string(), fc.string()),
        (body, headers) => {
          expect(['own', 'event', 'fault']).toContain(fromStream(messageOf(Buffer.from(body), { headers }), HERE).kind);
        },
      ),
    );
  });
});
