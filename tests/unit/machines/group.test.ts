/** The turn deadline of groups: the machines by themselves, and a group in a simulated system. */
import { expect, test } from 'vitest';
import { SimulatedClock, createActor } from 'xstate';
import { group } from '../../../actors/group.ts';
import { agentMachine } from '../../../machines/agent.ts';
import type { SkillInput, Turn, TurnResult } from '../../../machines/agent.ts';
import { groupMachine } from '../../../machines/group.ts';
import type { GroupContext } from '../../../machines/group.ts';
import { fromEffect } from '../../../src/actor/from-effect.ts';
import type { Group } from '../../../src/index.ts';
import { speaker } from '../../support/actors-talk.ts';
import { createSimulatedSystem } from '../../support/harness.ts';

const NAMES = ['a', 'b', 'c'];

function startGroup({ maxRounds = 10 }: { readonly maxRounds?: number } = {}) {
  const clock = new SimulatedClock();
  const members = NAMES.map((name) => ({ type: 'agent', key: name, name, skill: 'echo' }));
  const input = { topic: '', members, shared: {}, maxRounds, turnDeadlineMs: 100 };
  const actor = createActor(groupMachine, { clock, input });
  const log: string[] = [];
  actor.on('troupe.append', ({ entry }) => {
    const { turn, author, kind, text } = entry as { turn: number; author: string; kind: string; text: string };
    log.push(`${turn} ${author} ${kind} ${text}`);
  });
  actor.start().send({ type: 'START' });
  const context = (): GroupContext => actor.getSnapshot().context;
  const answer = (turn = context().turn, at = context().speaker): void =>
    actor.send({ type: 'TURN.DONE', member: `agent/${NAMES[at]}`, turn, text: 'yes' });
  const miss = (turns: number): void => {
    for (let i = 0; i < turns; i++) clock.increment(100);
  };
  return { clock, actor, log, context, answer, miss };
}

test('a member that does not answer in time loses the turn, and the next one speaks', () => {
  const { clock, log, context, answer } = startGroup();
  clock.increment(99);
  expect(context()).toMatchObject({ turn: 1, speaker: 0 });
  clock.increment(1);
  expect(context()).toMatchObject({ turn: 2, speaker: 1, outcome: 'none' });
  answer();
  expect(log).toEqual(['1 a missed no answer within 100 ms', '2 b said yes']);
});

test('each turn has the whole time, also when the one before took most of it', () => {
  const { clock, context, answer } = startGroup();
  clock.increment(99);
  answer();
  clock.increment(99);
  expect(context()).toMatchObject({ turn: 2, missed: 0 });
  clock.increment(1);
  expect(context()).toMatchObject({ turn: 3, missed: 1 });
});

test('a late answer is not heard, whoever speaks then', () => {
  const { clock, log, context, answer } = startGroup();
  clock.increment(100);
  answer(1, 0);
  expect(context()).toMatchObject({ turn: 2, speaker: 1 });
  answer();
  answer();
  answer(1, 0);
  expect(context()).toMatchObject({ turn: 4, speaker: 0, missed: 0 });
  expect(log.filter((line) => line.startsWith('1 '))).toEqual(['1 a missed no answer within 100 ms']);
});

test('a group whose members all miss a round in a row rests, and can be started again', () => {
  const { clock, actor, log, context, answer, miss } = startGroup();
  miss(2);
  answer();
  miss(2);
  expect(context()).toMatchObject({ turn: 6, missed: 2, outcome: 'none' });
  miss(1);
  expect(actor.getSnapshot().value).toBe('resting');
  expect(context()).toMatchObject({ turn: 6, outcome: 'silent' });
  expect(log.filter((line) => line.includes('missed')).length).toBe(5);
  clock.increment(1000);
  expect(context().turn).toBe(6);
  actor.send({ type: 'START' });
  expect(context()).toMatchObject({ turn: 7, round: 1, speaker: 0, missed: 0, outcome: 'none' });
});

test('a failure is an answer: a group whose members fail is not silent', () => {
  const { actor, context, miss } = startGroup();
  miss(2);
  actor.send({ type: 'TURN.FAILED', member: 'agent/c', turn: 3, message: 'no' });
  miss(1);
  expect(context()).toMatchObject({ turn: 5, missed: 1, outcome: 'none' });
});

test('the last turn of the last round may be missed, too', () => {
  const { clock, actor, context, answer } = startGroup({ maxRounds: 1 });
  answer();
  answer();
  clock.increment(100);
  expect(actor.getSnapshot().value).toBe('resting');
  expect(context()).toMatchObject({ turn: 3, outcome: 'rounds' });
});

test('a group that has ended, or rests, misses nothing', () => {
  const { clock, actor, log } = startGroup();
  actor.send({ type: 'END' });
  clock.increment(1000);
  expect(log).toEqual([]);
});

test.each([0, -1, 1.5, Number.NaN, 86_400_001])('a turn deadline of %d is refused', (turnDeadlineMs) => {
  const members = NAMES.map((name) => ({ type: 'agent', key: name, name, skill: 'echo' }));
  const parsed = group.input.safeParse({ topic: '', members, maxRounds: 1, turnDeadlineMs });
  expect(parsed.error?.issues.map(({ path }) => path.join('.'))).toEqual(['turnDeadlineMs']);
});

test('an agent gives up a turn when its group gives it the next one', async () => {
  const aborted: number[] = [];
  const useSkill = fromEffect<TurnResult, SkillInput>(async ({ input: { turn }, signal }) => {
    if (turn.turn === 4) return { text: 'in time' };
    await new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        aborted.push(turn.turn);
        reject(signal.reason as Error);
      });
    });
    return { text: 'never' };
  });
  const actor = createActor(agentMachine.provide({ actors: { useSkill } }), { input: { name: 'a', skill: 'any' } });
  const turn = (number: number, of = 'group/g'): Turn => ({ group: of, turn: number, round: 1, shared: {} });
  const said = new Promise<unknown>((resolve) => actor.on('troupe.tell', resolve));
  actor.start().send({ type: 'TURN', ...turn(1) });
  actor.send({ type: 'TURN', ...turn(9, 'group/other') });
  await Promise.resolve();
  await Promise.resolve();
  actor.send({ type: 'TURN', ...turn(10, 'group/other') });
  expect(actor.getSnapshot().context.queue.map((kept) => kept.turn)).toEqual([1, 10]);
  expect(aborted).toEqual([]);
  actor.send({ type: 'TURN', ...turn(4) });
  expect(aborted).toEqual([1]);
  expect(actor.getSnapshot().context.queue.map((kept) => kept.turn)).toEqual([10, 4]);
  await Promise.resolve();
  await Promise.resolve();
  actor.send({ type: 'TURN', ...turn(11, 'group/other') });
  expect(await said).toMatchObject({ to: 'group/g', event: { type: 'TURN.DONE', turn: 4, text: 'in time' } });
});

test('in a simulated system a member that hangs loses its turns, not the conversation', async () => {
  const TALK = new URL('../../support/actors-talk.ts', import.meta.url);
  await using troupe = await createSimulatedSystem({ actors: [TALK] });
  const { run, env, system } = troupe;
  const member = (name: string, skill = 'speak') => ({ agent: speaker, name, skill });
  const members = [member('a'), member('b', 'ponder'), member('c')];
  const talk = await run(system.groups.create({ members, maxRounds: 2, turnDeadlineMs: 5000 }));
  const view = async (of: Group) => (await run(of.snapshot())).context;
  await run(talk.start());
  await env.advance(4999);
  expect(await view(talk)).toMatchObject({ turn: 2, outcome: 'none' });
  await env.advance(1);
  expect(await view(talk)).toMatchObject({ turn: 5, outcome: 'none' });
  await env.advance(5000);
  expect(await view(talk)).toMatchObject({ turn: 6, outcome: 'rounds', shared: { last: 'c' } });
  const lines = (await run(talk.history())).map(({ author, kind, text }) => `${author} ${kind} ${text}`);
  const round = (first: number) => [`a said a:${first}`, 'b missed no answer within 5000 ms', `c said c:${first + 2}`];
  expect(lines).toEqual([...round(1), ...round(4)]);
});
