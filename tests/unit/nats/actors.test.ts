/** Foreign clients drive actors: requests, publications, what is refused, what is lost, what is bounded. */
import { expect, test } from 'vitest';
import { session } from '../../../actors/session.ts';
import { counter, recorder } from '../../support/actors-basic.ts';
import { watched, failure } from '../health/fixture.ts';
import { claimActors, serveActors } from '../../../src/nats/actors.ts';
import { MemoryNats } from '../../support/nats-memory.ts';
import { partsOf, served } from './fixture.ts';

test('an event is answered when it is durable, an ask with its reply', async () => {
  await using run = await served();
  expect(await run.ask('counter.a', { type: 'ADD', n: 2 })).toEqual({ ok: true, headers: {} });
  expect(await run.system.actor(counter, 'a').snapshot()).toMatchObject({ context: { count: 2 } });
  expect(await run.ask('counter.a', { type: 'GET' })).toMatchObject({ ok: true, reply: { count: 2 } });
});

test('a session is created with its input, by header or in the payload, and goes on from there', async () => {
  await using run = await served();
  const input = JSON.stringify({ user: 'ada', title: 'tea' });
  expect(await run.ask('session.a', { type: 'SAY', text: 'hi' }, { 'Troupe-Input': input })).toMatchObject({
    ok: true,
  });
  expect(await run.ask('session.a', { type: 'SAY', text: 'again', author: 'agent' })).toMatchObject({ ok: true });
  const reply = { user: 'ada', title: 'tea', messages: 2, groups: [] };
  expect(await run.ask('session.a', { type: 'DESCRIBE' })).toMatchObject({ ok: true, reply });
  expect(await run.ask('session.b', { input: { user: 'bob' } })).toMatchObject({ ok: true, seq: 1 });
  expect(await run.ask('session.b', { input: { user: 'eve' } })).toMatchObject({ ok: true, seq: 1 });
  const found = await run.system.sessions.get('b');
  expect(await found.describe()).toMatchObject({ user: 'bob' });
  const history = await (await run.system.sessions.get('a')).history();
  expect(history.map(({ author, text }) => ({ author, text }))).toEqual([
    { author: 'user', text: 'hi' },
    { author: 'agent', text: 'again' },
  ]);
});

test('G3: what comes twice under one id is done once, and an ask gets the reply it got', async () => {
  await using run = await served();
  const id = { 'Nats-Msg-Id': 'm-1' };
  for (let i = 0; i < 3; i++) {
    run.tell('counter.a', { type: 'ADD', n: 1 }, id);
    expect(await run.ask('counter.a', { type: 'ADD', n: 1 }, id)).toMatchObject({ ok: true });
    expect(await run.ask('counter.a', { event: { type: 'ADD', n: 10 }, id: 'm-2' })).toMatchObject({ ok: true });
  }
  const ask = { 'Nats-Msg-Id': 'q-1' };
  expect(await run.ask('counter.a', { type: 'GET' }, ask)).toMatchObject({ reply: { count: 11 } });
  await run.ask('counter.a', { type: 'ADD', n: 1 });
  expect(await run.ask('counter.a', { type: 'GET' }, ask)).toMatchObject({ reply: { count: 11 } });
});

test.each([
  ['counter.a', 'no json', 400, 'ERR_NOT_JSON', 'is not JSON'],
  ['counter.a', { n: 1 }, 400, 'ERR_EVENT_INVALID', 'has no type'],
  ['counter.a', { type: 'ADD', n: 'one' }, 400, 'ERR_EVENT_INVALID', "Event 'ADD' for 'counter/a'"],
  ['counter.a', { type: 'SUBTRACT' }, 400, 'ERR_EVENT_INVALID', 'is not declared; declared are: ADD'],
  ['counter.a', { type: 'child.exited' }, 400, 'ERR_EVENT_INVALID', 'is sent by the runtime only'],
  ['counter.a', '{"type":"KEEP","value":{"__proto__":1}}', 400, 'ERR_NOT_JSON', '__proto__'],
  [
    'unknown.a',
    { type: 'ADD' },
    404,
    'ERR_ACTOR_TYPE_UNKNOWN',
    "Actor type 'unknown' is unknown in namespace 'default'",
  ],
  ['system.root', { type: 'ADD' }, 404, 'ERR_ACTOR_TYPE_UNKNOWN', "Actor type 'system'"],
  ['session.a', { type: 'DESCRIBE' }, 404, 'ERR_ACTOR_NOT_FOUND', "Send that in the header 'Troupe-Input'"],
  ['session.a', { event: { type: 'DESCRIBE' }, input: { user: 7 } }, 400, 'ERR_INPUT_INVALID', "Input of 'session/a'"],
  ['counter.a.b', { type: 'ADD' }, 400, 'ERR_ADDRESS', 'has 3 tokens instead of 2'],
  ['counter', { type: 'ADD' }, 400, 'ERR_ADDRESS', 'has no key'],
  ['*.a', { type: 'ADD' }, 400, 'ERR_ADDRESS', "Actor type '*'"],
  ['counter.>', { type: 'ADD' }, 400, 'ERR_ADDRESS', "Key '>'"],
  ['counter.a', { event: { type: 'ADD', n: 1 }, id: 'x'.repeat(257) }, 400, 'ERR_OPTIONS_INVALID', "Option 'id'"],
])('%s with %o is refused', async (target, payload, number, code, words) => {
  await using run = await served();
  const { ok, error, headers } = await run.ask(target, payload);
  expect({ ok, code: error?.code }).toEqual({ ok: false, code });
  expect(error?.message).toContain(words);
  expect(headers['nats-service-error-code']).toBe(String(number));
  expect(headers['nats-service-error']).toContain(code);
});

test('an actor that has ended and one that is held say so', async () => {
  await using run = await served();
  await run.ask('counter.a', { type: 'END' });
  const stopped = await run.ask('counter.a', { type: 'ADD', n: 1 });
  expect(stopped).toMatchObject({ error: { code: 'ERR_ACTOR_STOPPED' } });
  expect(stopped.headers['nats-service-error-code']).toBe('410');
});

test('an ask nobody replies to is over after its time', async () => {
  await using run = await served();
  const asked = run.ask('counter.a', { type: 'IGNORED' }, { 'Troupe-Timeout-Ms': '500' });
  await run.clock.advance(499);
  expect(run.system.pending.asks).toBe(1);
  await run.clock.advance(1);
  const { error, headers } = await asked;
  expect(error?.code).toBe('ERR_ASK_TIMEOUT');
  expect(headers['nats-service-error-code']).toBe('504');
});

test('a publication that comes to nothing is a dead letter: of its actor when that could take it later, of bus/nats otherwise', async () => {
  await using run = await served();
  run.tell('session.a', { type: 'SAY', text: 'hi' }, { 'Nats-Msg-Id': 'm-1' });
  run.tell('counter.a', { type: 'ADD', n: 'one' });
  run.tell('counter.a.b', 'no json');
  run.tell('unknown.a', { type: 'ADD' });
  await run.clock.advance(10);
  const letters = await run.system.deadLetters();
  const byAddress = letters.map(({ address, id, sender, text, error }) => ({
    address,
    id,
    sender,
    data: JSON.parse(text) as unknown,
    code: (JSON.parse(error) as { code: string }).code,
  }));
  expect(byAddress.find(({ address }) => address === 'session/a')).toMatchObject({
    id: 'm-1',
    sender: 'bus/nats',
    code: 'ERR_ACTOR_NOT_FOUND',
    data: { type: 'SAY', text: 'hi', author: 'user' },
  });
  const others = byAddress.filter(({ address }) => address === 'bus/nats');
  expect(others.map(({ code }) => code).toSorted()).toEqual([
    'ERR_ACTOR_TYPE_UNKNOWN',
    'ERR_ADDRESS',
    'ERR_EVENT_INVALID',
  ]);
  expect(others.find(({ code }) => code === 'ERR_ADDRESS')?.data).toEqual({
    subject: 'troupe.default.actor.counter.a.b',
    headers: {},
    payload: 'no json',
    chars: 7,
  });
  expect(run.logs.some(({ text }) => text.includes('came to nothing'))).toBe(true);
  const letter = letters.find(({ address }) => address === 'session/a')!;
  await run.system.sessions.create({ id: 'a', user: 'ada' });
  await run.system.replayDeadLetter(letter.pos);
  expect(await (await run.system.sessions.get('a')).describe()).toMatchObject({ messages: 1 });
});

test('a tell to an actor that has ended is a dead letter of that actor', async () => {
  await using run = await served();
  await run.ask('counter.a', { type: 'END' });
  run.tell('counter.a', { type: 'ADD', n: 1 });
  await run.clock.advance(10);
  const letters = await run.system.deadLetters();
  expect(letters.map(({ error }) => (JSON.parse(error) as { code: string }).code)).toEqual(['ERR_ACTOR_STOPPED']);
  expect(letters).toMatchObject([{ address: 'counter/a', text: '{"type":"ADD","n":1}' }]);
});

test('an ask published without a reply subject is delivered, and its reply is dropped', async () => {
  await using run = await served();
  run.tell('counter.a', { type: 'GET' });
  await run.clock.advance(60_000);
  expect(await run.system.deadLetters()).toEqual([]);
});

test('what one connection publishes to an actor comes to it in that order, between requests too', async () => {
  await using run = await served();
  const asked: Promise<unknown>[] = [];
  for (let n = 0; n < 500; n++) {
    const event = { type: 'NOTE', from: 'x', n };
    if (n % 3 === 0) asked.push(run.ask('recorder.r', event));
    else run.tell('recorder.r', event);
  }
  await Promise.all(asked);
  await run.clock.advance(10);
  const notes = await run.system.actor(recorder, 'r').ask({ type: 'LIST' });
  expect(notes.map(({ n }) => n)).toEqual(Array.from({ length: 500 }, (_, n) => n));
});

test('G14: more than may be under way is refused, and taken again when there is room', async () => {
  await using run = await served({}, { room: { requests: 3, bytes: 1000 } });
  const waiting = Array.from({ length: 5 }, () =>
    run.ask('counter.a', { type: 'IGNORED' }, { 'Troupe-Timeout-Ms': '100' }),
  );
  await run.clock.advance(100);
  const codes = (await Promise.all(waiting)).map(({ error, headers }) => [
    error?.code,
    headers['nats-service-error-code'],
  ]);
  expect(codes.filter(([code]) => code === 'ERR_OVERLOADED')).toEqual([
    ['ERR_OVERLOADED', '429'],
    ['ERR_OVERLOADED', '429'],
  ]);
  expect(codes.filter(([code]) => code === 'ERR_ASK_TIMEOUT').length).toBe(3);
  const large = 'x'.repeat(2000);
  const [one, two] = await Promise.all([
    run.ask('counter.a', { type: 'KEEP', value: large }),
    run.ask('counter.a', { type: 'KEEP', value: large }),
  ]);
  expect([one.ok, two.error?.code]).toEqual([true, 'ERR_OVERLOADED']);
});

test('a reply larger than the server takes becomes an error that names both sizes', async () => {
  await using run = await served();
  for (let n = 0; n < 100; n++) run.tell('recorder.r', { type: 'NOTE', from: 'x'.repeat(50), n });
  await run.clock.advance(10);
  run.nats.maxPayload = 4096;
  const { error } = await run.ask('recorder.r', { type: 'LIST' });
  expect(error).toMatchObject({ code: 'ERR_DATA_TOO_LARGE', details: { maxBytes: 4096 } });
});

test('H7: while degraded a new session is refused with when to try again, one that exists goes on', async () => {
  await using run = await watched();
  const nats = new MemoryNats(run.env);
  const parts = partsOf(run, nats.connect());
  const serving = serveActors(parts, await claimActors(parts));
  const client = nats.connect();
  const ask = async (key: string, payload: object): Promise<unknown> =>
    JSON.parse((await client.request(`troupe.default.actor.session.${key}`, JSON.stringify(payload), {})).text());
  const input = { user: 'ada' };
  await ask('old', { input });
  for (const key of ['a', 'b', 'c', 'd']) run.system.announce('system.actor.failed', failure(`worker/${key}`));
  await run.clock.advance(0);
  expect(await ask('new', { input })).toMatchObject({
    error: { code: 'ERR_DEGRADED', details: { retryAfterMs: 120_000 } },
  });
  expect(await ask('old', { input, event: { type: 'SAY', text: 'hi' } })).toEqual({ ok: true });
  await expect(run.system.actor(session, 'new').snapshot()).rejects.toMatchObject({ code: 'ERR_ACTOR_NOT_FOUND' });
  await serving.stop();
});

test('only the types that are named are served, and a name nobody knows is refused at the start', async () => {
  await using run = await served({}, { types: ['counter'] });
  expect(run.served.types).toEqual(['counter']);
  expect(await run.ask('counter.a', { type: 'ADD', n: 1 })).toMatchObject({ ok: true });
  const { error } = await run.ask('recorder.a', { type: 'LIST' });
  expect(error?.message).toContain("'recorder' is not offered over NATS in namespace 'default' (served: counter)");
  await expect(claimActors({ ...partsOf(run, run.nats.connect(), 'two'), types: ['cuonter'] })).rejects.toMatchObject({
    code: 'ERR_OPTIONS_INVALID',
    message: expect.stringContaining("names 'cuonter'") as string,
  });
});

test('of two systems each serves its own types, and neither answers for the other', async () => {
  await using run = await served({}, { types: ['counter'] });
  const parts = { ...partsOf(run, run.nats.connect(), 'two'), types: ['recorder'] };
  const other = serveActors(parts, await claimActors(parts));
  expect(await run.ask('recorder.r', { type: 'NOTE', from: 'a', n: 1 })).toMatchObject({ ok: true });
  expect(await run.ask('counter.a', { type: 'ADD', n: 1 })).toMatchObject({ ok: true });
  expect(await run.system.deadLetters()).toEqual([]);
  await other.stop();
});

test('after the stop nothing is taken, and what was under way is answered', async () => {
  const run = await served();
  const asked = run.ask('counter.a', { type: 'ADD', n: 1 });
  const stopped = run.served.stop();
  await run.clock.advance(0);
  expect(await asked).toMatchObject({ ok: true });
  await stopped;
  await expect(run.ask('counter.a', { type: 'ADD', n: 1 })).rejects.toThrow('nobody listens');
  await run.stop();
});
