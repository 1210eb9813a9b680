import { expect, test } from 'vitest';
import type { SystemEvents, SystemTopic } from '../../../src/index.ts';
import { judgeWave } from '../../support/tree-check.ts';
import type { Fault, Said, Wave } from '../../support/tree-check.ts';
import type { FaultKind } from '../../support/tree-faults.ts';
import { TreeModel } from '../../support/tree-model.ts';
import type { TreePlace, TreeType } from '../../support/tree-shape.ts';

const leafOf = (key: string, type: TreeType = 'leaf'): TreePlace => ({ type, key, children: [] });

const model = new TreeModel({
  type: 'one',
  key: 'r',
  children: [
    { type: 'all', key: 'p', children: [leafOf('a'), leafOf('b'), leafOf('t', 'brief')] },
    { type: 'one', key: 'q', children: [leafOf('c'), leafOf('u', 'brief')] },
  ],
});

function faultOf(kind: FaultKind, address: string): Fault {
  return { id: 'f.1', kind, address, marks: [100] };
}

/** What was said, in that order. */
function say(...words: readonly (readonly [SystemTopic, object])[]): readonly Said[] {
  return words.map(([topic, data], i) => ({ pos: i + 1, at: 100 + 10 * (i + 1), topic, data }) as Said);
}

function failed(address: string, more: Partial<SystemEvents['system.actor.failed']> = {}) {
  const data = { address, kind: 'event', decision: 'retry', error: { message: 'oh' }, ...more };
  return ['system.actor.failed', data] as const;
}

function restarted(address: string, cause: 'failure' | 'strategy' = 'failure') {
  return ['system.actor.restarted', { address, cause, recoveryMs: 1 }] as const;
}

function ended(thread: number, more: Partial<SystemEvents['system.thread.ended']> = {}) {
  return ['system.thread.ended', { thread, end: 'hang', ...more }] as const;
}

const byName = (address: string) => ({ culprit: { address, what: 'm:1' } });

interface Case extends Partial<Omit<Wave, 'homes' | 'ended' | 'said'>> {
  readonly said: readonly Said[];
  readonly ended?: readonly string[];
  readonly moved?: string;
}

function verdictOn({ faults = [], said, ended: over = [], moved }: Case) {
  const before = new Map(['leaf/a', 'leaf/b', 'leaf/c'].map((address) => [address, 0]));
  const after = new Map([...before, ...(moved === undefined ? [] : [[moved, 7] as const])]);
  const wave = { faults, said, homes: { before, after }, generations: new Map<string, number>(), ended: new Set(over) };
  const verdict = judgeWave(wave, model);
  return { ...verdict, kinds: verdict.violations.map(({ kind }) => kind) };
}

const THROWN = [faultOf('throw', 'leaf/a')];

test('exactly the predicted are made anew, and the temporary ones among them end', () => {
  const said = say(failed('leaf/a'), restarted('leaf/a'), restarted('leaf/b', 'strategy'));
  const verdict = verdictOn({ faults: THROWN, said, ended: ['brief/t:0'] });
  expect(verdict).toMatchObject({ kinds: [], predicted: 2, excused: 0, overtaken: 0, recoveries: [20] });
  expect(verdict.detections).toEqual([{ kind: 'throw', ms: 10 }]);
});

test.each([
  ['one that was not named', [restarted('leaf/b', 'strategy'), restarted('leaf/c', 'strategy')], ['unpredicted']],
  ['one more often than ordered', [restarted('leaf/b', 'strategy'), restarted('leaf/b', 'strategy')], ['too-often']],
  ['one for a reason that is not there', [restarted('leaf/b', 'failure')], ['unpredicted']],
  ['one too few', [], ['missing']],
] as const)('%s is found', (_what, more, kinds) => {
  const said = say(failed('leaf/a'), restarted('leaf/a'), ...more);
  expect(verdictOn({ faults: THROWN, said, ended: ['brief/t:0'] }).kinds).toEqual(kinds);
});

test('under one-for-one a neighbour that is made anew is found', () => {
  const said = say(failed('leaf/c'), restarted('leaf/c'), restarted('one/q', 'strategy'));
  expect(verdictOn({ faults: [faultOf('throw', 'leaf/c')], said }).kinds).toEqual(['unpredicted']);
});

test.each([
  [
    'its thread was lost after the failure',
    { said: [failed('leaf/a'), restarted('leaf/a'), ended(0, byName('leaf/c'))] },
    1,
  ],
  ['it moved meanwhile', { said: [failed('leaf/a'), restarted('leaf/a')], moved: 'leaf/b' }, 1],
  [
    'its thread was lost before the failure',
    { said: [ended(0, byName('leaf/c')), failed('leaf/a'), restarted('leaf/a')] },
    0,
  ],
] as const)('a restart that nobody said: %s', (_what, { said, ...more }, excused) => {
  const hang = say(...said, failed('leaf/c', { kind: 'thread' }), restarted('leaf/c'));
  const faults = 'moved' in more ? [...THROWN, faultOf('throw', 'leaf/c')] : [...THROWN, faultOf('hang', 'leaf/c')];
  const verdict = verdictOn({ faults, said: hang, ended: ['brief/t:0'], ...more });
  expect(verdict.excused).toBe(excused);
  expect(verdict.kinds.filter((kind) => kind === 'missing')).toHaveLength(1 - excused);
});

test('a temporary one that ends without a reason, and one that does not end, are found', () => {
  const said = say(failed('leaf/a'), restarted('leaf/a'), restarted('leaf/b', 'strategy'));
  expect(verdictOn({ faults: THROWN, said, ended: ['brief/u:0'] }).kinds).toEqual(['wrongly-ended', 'wrongly-alive']);
});

test('a temporary one that fails ends, and concerns nobody', () => {
  const said = say(failed('brief/t:0', { decision: 'end' }));
  const faults = [faultOf('throw', 'brief/t:0')];
  expect(verdictOn({ faults, said, ended: ['brief/t:0'] })).toMatchObject({ kinds: [], predicted: 0 });
  expect(verdictOn({ faults, said }).kinds).toEqual(['wrongly-alive']);
});

test('a neighbour that is blamed is found, by its failure and by the end of its thread', () => {
  const said = say(ended(0, byName('leaf/b')), failed('leaf/b', { kind: 'thread' }), restarted('leaf/b'));
  const { kinds } = verdictOn({ said });
  expect(kinds.filter((kind) => kind === 'wrong-culprit')).toHaveLength(2);
});

test.each([
  [
    'with the culprit among the suspects, for a hang between turns',
    'hang-later',
    { suspects: ['leaf/c', 'leaf/d'] },
    [],
  ],
  ['without the culprit', 'hang-later', { suspects: ['leaf/a'] }, ['wrong-culprit', 'undetected']],
  ['with suspects, although a turn did it', 'hang', { suspects: ['leaf/c'] }, ['wrong-culprit', 'undetected']],
  ['with nobody', 'exit', {}, ['wrong-culprit', 'undetected']],
] as const)('a thread that ends %s', (_what, kind, more, kinds) => {
  expect(verdictOn({ faults: [faultOf(kind, 'leaf/c')], said: say(ended(0, more)) }).kinds).toEqual(kinds);
});

test('a charge that the next loss of the thread swallowed is overtaken; without one it is undetected', () => {
  const faults = [faultOf('exit', 'leaf/c'), faultOf('hang', 'leaf/a')];
  const more = [failed('leaf/a', { kind: 'thread' }), restarted('leaf/a'), restarted('leaf/b', 'strategy')] as const;
  const lost = say(ended(0, byName('leaf/c')), ended(0, byName('leaf/a')), ...more);
  expect(verdictOn({ faults, said: lost, ended: ['brief/t:0'] })).toMatchObject({ kinds: [], overtaken: 1 });
  const kept = say(ended(0, byName('leaf/c')), ended(1, byName('leaf/a')), ...more);
  expect(verdictOn({ faults, said: kept, ended: ['brief/t:0'] }).kinds).toEqual(['undetected']);
});

test('a fault that is decided on in another way than its kind asks for is found', () => {
  const said = say(failed('leaf/c', { decision: 'dead-letter' }), restarted('leaf/c'));
  expect(verdictOn({ faults: [faultOf('throw', 'leaf/c')], said }).kinds).toEqual(['wrong-decision']);
});

test('poison is given up on, and nothing else', () => {
  const buried = [
    'system.event.buried',
    { address: 'leaf/c', id: 'm:1', attempts: 3, error: { message: 'oh' } },
  ] as const;
  const said = say(failed('leaf/c'), restarted('leaf/c'), buried);
  expect(verdictOn({ faults: [faultOf('poison', 'leaf/c')], said }).kinds).toEqual([]);
  expect(verdictOn({ faults: [faultOf('throw', 'leaf/c')], said }).kinds).toEqual(['given-up']);
  expect(verdictOn({ faults: [faultOf('poison', 'leaf/c')], said: said.slice(0, 2) }).kinds).toEqual(['undetected']);
});

test('an actor that is held is found', () => {
  const held = ['system.actor.quarantined', { address: 'leaf/c', parent: 'one/q', error: { message: 'oh' } }] as const;
  expect(verdictOn({ said: say(held) }).kinds).toEqual(['given-up']);
});
