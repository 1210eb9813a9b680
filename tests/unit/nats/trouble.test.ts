/** S6: while the store cannot save, foreign clients are told so; what was accepted before is answered when it can again. */
import { expect, test } from 'vitest';
import { claimActors, serveActors } from '../../../src/nats/actors.ts';
import { counter } from '../../support/actors-basic.ts';
import { MemoryNats } from '../../support/nats-memory.ts';
import { BREAKAGES, createOutage } from '../../support/store-outage.ts';
import { partsOf } from './fixture.ts';

const FULL = 'a full disk (SQLITE_FULL)';
const BIG = 'x'.repeat(50_000);

test('S6: requests are refused with 503, publications become dead letters when it saves again, and nothing accepted is lost', async () => {
  await using outage = await createOutage();
  const { system, env } = outage.test;
  const nats = new MemoryNats(env);
  const parts = partsOf(outage.test, nats.connect());
  const serving = serveActors(parts, await claimActors(parts));
  const client = nats.connect();
  const subject = 'troupe.default.actor.counter.a';
  const ask = (event: object) => client.request(subject, JSON.stringify(event), {});
  await ask({ type: 'ADD', n: 1 });
  const mend = outage.break(BREAKAGES[FULL]!);
  const before = Promise.all([ask({ type: 'KEEP', value: BIG }), ask({ type: 'ADD', n: 2 })]);
  await env.advance(200);
  const refused = await ask({ type: 'ADD', n: 4 });
  expect(JSON.parse(refused.text())).toMatchObject({ ok: false, error: { code: 'ERR_STORE_TROUBLE' } });
  expect(refused.headers['nats-service-error-code']).toBe('503');
  client.publish(subject, '{"type":"ADD","n":8}', { headers: { 'Nats-Msg-Id': 'late' } });
  mend();
  await env.advance(60_000);
  expect((await before).map((answer) => answer.text())).toEqual(['{"ok":true}', '{"ok":true}']);
  expect(await system.actor(counter, 'a').ask({ type: 'GET' })).toEqual({ count: 3 });
  const letters = await system.deadLetters();
  expect(letters).toMatchObject([{ address: 'counter/a', id: 'late', text: '{"type":"ADD","n":8}' }]);
  await system.replayDeadLetter(letters[0]!.pos);
  expect(await system.actor(counter, 'a').ask({ type: 'GET' })).toEqual({ count: 11 });
  await serving.stop();
});
