import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isTroupeError, type TroupeError } from '../../../src/errors.ts';
import { encodeDelta, encodeSnapshot, type EncodedText } from '../../../src/state/codec.ts';
import { diff } from '../../../src/state/delta.ts';
import { freezeJson, type Json } from '../../../src/state/json.ts';
import type { PersistedState } from '../../../src/state/persisted.ts';
import { recoverState } from '../../../src/state/recover.ts';
import { applyEdit, edit, json, runs } from './random.ts';

const owner = 'session/x';

interface History {
  readonly snapshot: EncodedText;
  readonly deltas: EncodedText[];
  readonly states: PersistedState[];
}

/** Saves a state and then each that follows, as a cell does. */
function save(states: readonly PersistedState[]): History {
  const snapshot = encodeSnapshot(states[0]!);
  const history: History = { snapshot, deltas: [], states: [states[0]!] };
  let checksum = snapshot.checksum;
  for (const [i, state] of states.entries()) {
    const ops = i === 0 ? undefined : diff(history.states.at(-1)!, state);
    if (ops === undefined) continue;
    const row = encodeDelta(ops, checksum);
    checksum = row.checksum;
    history.deltas.push(row);
    history.states.push(state);
  }
  return history;
}

function withContext(context: Json): PersistedState {
  return { status: 'active', value: 'talking', context };
}

function failure(recover: () => unknown): TroupeError {
  try {
    recover();
  } catch (error) {
    if (isTroupeError(error, 'ERR_STATE_CORRUPT')) return error;
    throw error;
  }
  throw new Error('Nothing was thrown');
}

const three = save([0, 1, 2, 3].map((count) => withContext({ count, list: ['é'] })));

test('a snapshot and its deltas give the last state, its checksum and their sizes', () => {
  const { snapshot, deltas, states } = three;
  const recovered = recoverState({ snapshot, deltas, owner });
  expect(recovered).toEqual({
    state: states[3],
    checksum: deltas[2]?.checksum,
    snapshotBytes: snapshot.text.length,
    deltaBytes: deltas.reduce((sum, row) => sum + row.text.length, 0),
  });
});

test('the chain goes on from a recovered state', () => {
  const { snapshot, deltas } = three;
  const { state, checksum } = recoverState({ snapshot, deltas, owner });
  const next = withContext({ count: 4, list: ['é'] });
  const row = encodeDelta(diff(state, next)!, checksum);
  expect(recoverState({ snapshot, deltas: [...deltas, row], owner }).state).toEqual(next);
});

describe('refuses, and names the row:', () => {
  const { snapshot, deltas } = three;
  const [first, second, third] = deltas as [EncodedText, EncodedText, EncodedText];
  const broken = { ...second, text: second.text.replace('2', '7') };
  test.each<[string, EncodedText, EncodedText[], string]>([
    ['a damaged snapshot', { ...snapshot, text: snapshot.text.replace('0', '1') }, deltas, "Snapshot of 'session/x'"],
    ['a damaged delta', snapshot, [first, broken, third], "Delta 1 of 'session/x'"],
    ['a missing delta', snapshot, [first, third], "Delta 1 of 'session/x'"],
    ['a missing first delta', snapshot, [second, third], "Delta 0 of 'session/x'"],
    ['deltas out of order', snapshot, [first, third, second], "Delta 1 of 'session/x'"],
    ['a delta twice', snapshot, [first, first, second], "Delta 1 of 'session/x'"],
    ['the snapshot of another history', save([withContext(9)]).snapshot, deltas, "Delta 0 of 'session/x'"],
  ])('%s', (_name, base, rows, message) => {
    const error = failure(() => recoverState({ snapshot: base, deltas: rows, owner }));
    expect(error.message).toContain(`${message} does not match its checksum`);
    expect(error.details['owner']).toBe(owner);
  });

  test('text that is no JSON under a right checksum', () => {
    const bad = encodeSnapshot('x' as unknown as PersistedState);
    const cut = { text: bad.text.slice(1), checksum: 0 };
    expect(failure(() => recoverState({ snapshot: cut, deltas: [], owner })).message).toContain('Snapshot');
  });

  test('a delta that does not fit, with the reason as its cause', () => {
    const row = encodeDelta([['d', ['missing']]], snapshot.checksum);
    const error = failure(() => recoverState({ snapshot, deltas: [row], owner }));
    expect(error.message).toContain("Delta 0 of 'session/x' does not fit");
    expect(isTroupeError(error.cause, 'ERR_STATE_CORRUPT')).toBe(true);
  });
});

test.each<[string, unknown, string]>([
  ['no object', [], 'state'],
  ['no status', { value: 'a' }, 'status'],
  ['an unknown status', { status: 'sleeping' }, 'status'],
  ['a state value that is no name', { status: 'active', value: { a: 1 } }, 'value'],
  ['a history that holds no ids', { status: 'active', value: 'a', historyValue: { h: [1] } }, 'historyValue'],
  ['children that are no record', { status: 'active', value: 'a', children: [] }, 'children'],
  ['a child without a source', { status: 'active', children: { c: { state: {} } } }, 'children.c.src'],
  [
    'a child without a status',
    { status: 'active', children: { c: { src: 's', state: {} } } },
    'children.c.state.status',
  ],
])('a snapshot with %s is corrupt', (_name, state, path) => {
  const snapshot = encodeSnapshot(state as PersistedState);
  const error = failure(() => recoverState({ snapshot, deltas: [], owner }));
  expect(error.message).toContain("Snapshot of 'session/x' is not a state");
  expect(error.details['path']).toBe(path);
});

test('any history is recovered exactly, at every prefix of its rows', () => {
  fc.assert(
    fc.property(json, fc.array(edit, { maxLength: 8 }), (first, edits) => {
      const contexts = edits.reduce((list, change) => [...list, applyEdit(list.at(-1)!, change)], [first]);
      const { snapshot, deltas, states } = save(contexts.map((context) => withContext(freezeJson(context, 'It', ''))));
      for (const [count, state] of states.entries()) {
        const recovered = recoverState({ snapshot, deltas: deltas.slice(0, count), owner });
        expect(JSON.stringify(recovered.state)).toBe(JSON.stringify(state));
        expect(recovered.checksum).toBe((deltas[count - 1] ?? snapshot).checksum);
      }
    }),
    runs(2_000),
  );
});

test('any damage to any row is found', () => {
  const changes = fc.array(edit, { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(json, changes, fc.nat(), fc.nat(), fc.integer({ min: 1, max: 127 }), (first, edits, row, at, flip) => {
      const contexts = edits.reduce((list, change) => [...list, applyEdit(list.at(-1)!, change)], [first]);
      const { snapshot, deltas } = save(contexts.map(withContext));
      const rows = [snapshot, ...deltas];
      const target = rows[row % rows.length]!;
      const bytes = Buffer.from(target.text);
      const position = at % bytes.length;
      bytes[position] = bytes[position]! ^ flip;
      const text = bytes.toString('utf8');
      // A byte of a longer character may decode to the same replacement; the text is what is checked.
      fc.pre(text !== target.text);
      rows[row % rows.length] = { ...target, text };
      failure(() => recoverState({ snapshot: rows[0]!, deltas: rows.slice(1), owner }));
    }),
    runs(2_000),
  );
});
