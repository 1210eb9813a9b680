/** H1: heartbeats of external agents over NATS. Also: who is there. */
import { expect, test } from 'vitest';
import { serveHeartbeats } from '../../../src/nats/heartbeats.ts';
import { findSystems, serveSystems } from '../../../src/nats/systems.ts';
import { testSystem } from '../../../src/testing.ts';
import type { TestSystem } from '../../../src/testing.ts';
import { MemoryNats } from '../../support/nats-memory.ts';
import type { MemoryNatsClient } from '../../support/nats-memory.ts';
import { identity } from './fixture.ts';

interface Watching extends TestSystem {
  readonly client: MemoryNatsClient;
  beat(agent: string, payload?: string): Promise<Record<string, unknown>>;
}

async function watching(): Promise<Watching> {
  const test = await testSystem({ actors: [] });
  const nats = new MemoryNats(test.env);
  const { system, env } = test;
  serveHeartbeats({ client: nats.connect(), env, log: system.core.log, health: system.health });
  const client = nats.connect();
  const beat: Watching['beat'] = async (agent, payload = '') =>
    JSON.parse((await client.request(`troupe.default.heartbeat.${agent}`, payload, {})).text()) as Record<
      string,
      unknown
    >;
  return Object.assign(test, { client, beat });
}

test('a publication counts, whether the colons of an id are colons or dots', async () => {
  await using run = await watching();
  const { health } = run.system;
  for (const agent of ['a', 'team:b', 'team:c'])
    await health.register(agent, { strategy: 'alert', heartbeatMs: 1000, missedBeats: 2 });
  for (let i = 0; i < 10; i++) {
    await run.clock.advance(1000);
    for (const token of ['a', 'team:b']) run.client.publish(`troupe.default.heartbeat.${token}`, '');
    run.client.publish('troupe.default.heartbeat.team.c', '{"activity":"task.done"}');
  }
  expect(health.all().map(({ state }) => state)).toEqual(['healthy', 'healthy', 'healthy']);
  expect(health.of('team:c')).toMatchObject({ lastActivity: 'task.done' });
  await run.clock.advance(10_000);
  expect(health.all().some(({ state }) => state === 'healthy')).toBe(false);
});

test('a request is answered; a payload that is no activity is named, and the heartbeat counts', async () => {
  await using run = await watching();
  await run.system.health.register('a', { strategy: 'alert', heartbeatMs: 1000 });
  expect(await run.beat('a')).toEqual({ ok: true });
  expect(await run.beat('a', '{"activity":"x"}')).toEqual({ ok: true });
  for (const [payload, code] of [
    ['no json', 'ERR_NOT_JSON'],
    ['[]', 'ERR_OPTIONS_INVALID'],
    ['{"activity":7}', 'ERR_OPTIONS_INVALID'],
  ] as const) {
    await run.clock.advance(900);
    expect(await run.beat('a', payload)).toMatchObject({ ok: false, error: { code } });
  }
  await run.clock.advance(900);
  expect(run.system.health.of('a').state).toBe('healthy');
});

test('unknown agents, actors and what is no id are refused, and logged once a minute with their count', async () => {
  await using run = await watching();
  for (const [agent, code] of [
    ['nobody', 'ERR_AGENT_UNKNOWN'],
    ['session/a', 'ERR_AGENT_UNKNOWN'],
    ['-', 'ERR_ADDRESS'],
    ['*', 'ERR_ADDRESS'],
  ] as const) {
    const answer = run.beat(agent);
    await run.clock.advance(250);
    expect(await answer).toMatchObject({ ok: false, error: { code } });
  }
  for (let i = 0; i < 1000; i++) run.client.publish('troupe.default.heartbeat.nobody', '');
  const lines = (): readonly unknown[] =>
    run.logs.filter(({ text }) => text.includes('heartbeat')).map(({ fields }) => fields['count']);
  expect(lines()).toEqual([1]);
  await run.clock.advance(60_000);
  run.client.publish('troupe.default.heartbeat.nobody', '');
  expect(lines()).toEqual([1, 1004]);
});

test('a system that does not know an agent leaves the answer to one that does', async () => {
  await using one = await watching();
  const { system, env } = one;
  const known = { heartbeat: () => {}, recordActivity: () => {} };
  const nats = new MemoryNats(env);
  for (const health of [system.health, known])
    serveHeartbeats({ client: nats.connect(), env, log: system.core.log, health });
  const answer = await nats.connect().request('troupe.default.heartbeat.theirs', '', {});
  expect(answer.text()).toBe('{"ok":true}');
});

test('every system of a namespace says who it is; what answers anything else is left out', async () => {
  await using run = await watching();
  const nats = new MemoryNats(run.env);
  const [a, b] = [identity('a', { startedAt: 2000 }), identity('b', { startedAt: 1000 })];
  serveSystems({ client: nats.connect(), self: a, types: () => ['session'] });
  serveSystems({ client: nats.connect(), self: b, types: () => [] });
  nats.connect().subscribe('troupe.default.systems', (message) => void message.respond('{"name":"liar"}'));
  const found = await findSystems(nats.connect(), 100);
  expect(found.map(({ name, types }) => [name, types])).toEqual([
    ['b', []],
    ['a', ['session']],
  ]);
  expect(found[1]).toEqual({
    name: 'a',
    storeId: 'store-a',
    version: '0.1.0',
    host: 'here',
    pid: 7,
    types: ['session'],
    startedAt: '1970-01-01T00:00:02.000Z',
  });
});
