/** What system.health refuses, and what it says then. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AgentOptions } from '../../../src/index.ts';
import { ALERT, watched, worker } from './fixture.ts';
import type { Watched } from './fixture.ts';

let run: Watched;
beforeAll(async () => {
  run = await watched();
  await run.system.actor(worker, 'w').send({ type: 'GO' } as never);
  await run.system.health.register('worker/w');
  await run.system.health.register('scout', ALERT);
});
afterAll(() => run.stop());

test.each<readonly [name: string, act: (run: Watched) => unknown]>([
  ['of', ({ system }) => system.health.of('nobody')],
  ['heartbeat', ({ system }) => system.health.heartbeat('nobody')],
  ['recordActivity', ({ system }) => system.health.recordActivity('nobody', 'x')],
  ['unregister', ({ system }) => system.health.unregister('nobody')],
  ['setRecoveryStrategy', ({ system }) => system.health.setRecoveryStrategy('nobody', 'alert')],
])('%s of an unknown agent names it and the next step', async (_, act) => {
  await expect((async () => act(run))()).rejects.toMatchObject({
    code: 'ERR_AGENT_UNKNOWN',
    message: expect.stringMatching(/'nobody'.*health\.register/),
  });
});

test('who is unregistered twice is unknown the second time', async () => {
  await run.system.health.register('twice', ALERT);
  await run.system.health.unregister('twice');
  await expect(run.system.health.unregister('twice')).rejects.toMatchObject({ code: 'ERR_AGENT_UNKNOWN' });
});

test.each(['', 'a b', '*', 'x'.repeat(129), 'a/b/c', '/x', undefined, 7, null])(
  'the agent %j is refused',
  async (agent) => {
    await expect(run.system.health.register(agent as string, ALERT)).rejects.toMatchObject({ code: 'ERR_ADDRESS' });
  },
);

test.each([
  ['nothing/x', 'ERR_ACTOR_TYPE_UNKNOWN', 'nothing'],
  ['worker/nobody', 'ERR_ACTOR_NOT_FOUND', 'Create it first'],
])('the actor %s is refused with %s', async (agent, code, says) => {
  const message = expect.stringContaining(says);
  await expect(run.system.health.register(agent)).rejects.toMatchObject({ code, message });
});

test.each<readonly [options: unknown, option: string, says: string]>([
  [{}, 'recover', "Pass recover: (attempt) => …, or strategy: 'alert'"],
  [{ strategy: 'resurrect' }, 'strategy', "'resurrect'"],
  [{ strategy: { replace: '' } }, 'strategy', 'an object'],
  [{ strategy: { replace: 'other' } }, 'replaceWith', 'Pass replaceWith'],
  [{ ...ALERT, heartbeatMs: 99 }, 'heartbeatMs', 'from 100 to 3600000'],
  [{ ...ALERT, heartbeatMs: Number.NaN }, 'heartbeatMs', 'NaN'],
  [{ ...ALERT, heartbeatMs: '2000' }, 'heartbeatMs', 'a string'],
  [{ ...ALERT, missedBeats: 0 }, 'missedBeats', 'from 1 to 100'],
  [{ ...ALERT, zombieAfterMs: -1 }, 'zombieAfterMs', 'or false'],
  [{ ...ALERT, maxAttempts: 1.5 }, 'maxAttempts', '1.5'],
  [{ ...ALERT, replay: 'some' }, 'replay', "'critical-only'"],
  [{ ...ALERT, topics: 'task.*' }, 'topics', "['task.*']"],
  [{ ...ALERT, topics: ['task.*'] }, 'deliver', "or replay: 'none'"],
  [{ ...ALERT, deliver: 'me' }, 'deliver', 'Pass a function'],
  [{ ...ALERT, heartbeat: 1 }, 'heartbeat', 'Known options: strategy'],
])('an external agent with %j is refused by name', async (options, option, says) => {
  await expect(run.system.health.register('new', options as AgentOptions)).rejects.toMatchObject({
    code: 'ERR_OPTIONS_INVALID',
    message: expect.stringContaining(says),
    details: { option },
  });
  expect(run.system.health.all().map(({ agent }) => agent)).toEqual(['worker/w', 'scout']);
});

test.each(['heartbeatMs', 'missedBeats', 'recover'])('for an actor the option %s is refused', async (option) => {
  const options = { [option]: option === 'recover' ? () => {} : 5000 };
  const message = expect.stringContaining('is for external agents');
  await expect(run.system.health.register('worker/w', options)).rejects.toMatchObject({ message });
});

test('a wrong topic is refused', async () => {
  const options = { ...ALERT, topics: ['a b'], deliver: () => {} };
  await expect(run.system.health.register('new', options)).rejects.toMatchObject({ code: 'ERR_TOPIC_INVALID' });
});

test('a heartbeat for an actor is refused clearly', () => {
  expect(() => run.system.health.heartbeat('worker/w')).toThrow(/is an actor, which has no heartbeats/);
});

test('an activity needs a type', () => {
  expect(() => run.system.health.recordActivity('scout', '')).toThrow(/Use a string of 1 to 256 characters/);
});

test('after the system has stopped nothing is registered', async () => {
  const stopped = await watched();
  await stopped.stop();
  await expect(stopped.system.health.register('scout', ALERT)).rejects.toMatchObject({ code: 'ERR_SYSTEM_STOPPED' });
});
