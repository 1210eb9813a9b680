/** Agent states of a session, as a Map. */
import { expect, test } from 'vitest';
import { createSimulatedSystem, failureOf } from '../../support/harness.ts';

test('what agents keep in a session is set, read, listed and deleted like entries of a Map', async () => {
  await using troupe = await createSimulatedSystem();
  const { agents } = await troupe.system.sessions.create({ user: 'ada' });
  await agents.set('writer', { drafts: 2 });
  await agents.set('critic', null);
  expect(await agents.get('writer')).toEqual({ drafts: 2 });
  expect([await agents.has('critic'), await agents.get('critic'), await agents.has('nobody')]).toEqual([
    true,
    null,
    false,
  ]);
  expect([await agents.get('constructor'), await agents.has('toString')]).toEqual([undefined, false]);
  expect([...(await agents.list()).keys()]).toEqual(['writer', 'critic']);
  expect([await agents.delete('critic'), await agents.delete('critic'), await agents.delete('toString')]).toEqual([
    true,
    false,
    false,
  ]);
  expect([...(await agents.list())]).toEqual([['writer', { drafts: 2 }]]);
});

test('a state that is not JSON and a name that is none are refused', async () => {
  await using troupe = await createSimulatedSystem();
  const { agents } = await troupe.system.sessions.create({ user: 'ada' });
  await failureOf(agents.set('a', undefined as never), 'ERR_EVENT_INVALID');
  await failureOf(agents.set('a', (() => 1) as never), 'ERR_NOT_JSON');
  await failureOf(agents.set('__proto__', 1), 'ERR_EVENT_INVALID');
  await failureOf(agents.set('', 1), 'ERR_EVENT_INVALID');
});

test('G18: agents that update their states at once lose none', async () => {
  await using troupe = await createSimulatedSystem();
  const session = await troupe.system.sessions.create({ user: 'ada', metadata: { visits: 0 } });
  const visit = () =>
    session.update(
      ({ context }) => ({ type: 'METADATA', metadata: { visits: Number(context.metadata['visits']) + 1 } }),
      {
        retries: 100,
        delayMs: 1,
      },
    );
  const visits = Promise.all(Array.from({ length: 10 }, visit));
  for (let i = 0; i < 40; i++) await troupe.env.advance(1);
  await visits;
  expect((await session.snapshot()).context.metadata).toEqual({ visits: 10 });
});
