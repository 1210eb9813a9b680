/** G8, G17: whatever a state goes through, its rows tell it at every event; damaged rows tell it too, or nothing. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { StateSaver } from '../../../src/cell/state-saver.ts';
import { isTroupeError } from '../../../src/errors.ts';
import type { Json } from '../../../src/state/json.ts';
import type { PersistedState } from '../../../src/state/persisted.ts';
import { recoverState, repairState } from '../../../src/state/recover.ts';
import { MemoryStateRows } from '../../../src/store/memory/state-rows.ts';
import type { StateRow } from '../../../src/store/store.ts';
import { holdsAlways } from '../../support/property.ts';
import { applyEdit, edit, json } from '../state/random.ts';
import type { Edit } from '../state/random.ts';

const owner = 'test/a';
const HISTORY = { text: '{}', checksum: 0 };

interface Life {
  /** By seq - 1. */
  readonly states: readonly PersistedState[];
  readonly rows: MemoryStateRows;
}

/** Padding of some sizes lets some states be small, and some chains be compacted within a few changes. */
const life = fc
  .record({
    first: json,
    pad: fc.constantFrom(0, 10, 2000, 4500),
    isPadChanging: fc.boolean(),
    edits: fc.array(edit, { minLength: 1, maxLength: 10 }),
    keepsSteps: fc.boolean(),
    /** A life that begins anew in between goes on from what the rows hold. */
    reload: fc.nat({ max: 12 }),
  })
  .map(live);

function live(story: {
  readonly first: Json;
  readonly pad: number;
  readonly isPadChanging: boolean;
  readonly edits: readonly Edit[];
  readonly keepsSteps: boolean;
  readonly reload: number;
}): Life {
  const { keepsSteps } = story;
  const options = { owner, maxStateBytes: 1_000_000, keepsSteps };
  const rows = new MemoryStateRows();
  const states: PersistedState[] = [];
  let saver = new StateSaver(options);
  let context: Json = story.first;
  let pos = 0;
  const save = (): void => {
    const state = {
      status: 'active',
      value: 'on',
      context: { pad: (story.isPadChanging && states.length % 2 > 0 ? 'y' : 'x').repeat(story.pad), data: context },
    } as PersistedState;
    const write = saver.write(state);
    const seq = states.push(state);
    const commit = { address: owner as never, epoch: 1, seq, at: seq, version: 1, status: 'active' } as const;
    rows.write({ ...commit, ...write, ...(keepsSteps && { history: HISTORY }) }, () => ++pos);
    if (seq === story.reload) saver = new StateSaver({ ...options, last: recoverState({ ...rows.current, owner }) });
  };
  save();
  for (const change of story.edits) {
    context = applyEdit(context, change);
    save();
  }
  return { states, rows };
}

const LIMIT = { timeout: 60_000 };

test('G8, G17: the rows hold the last state, and with a history that after each event, byte for byte', LIMIT, () => {
  holdsAlways(
    fc.property(life, ({ states, rows }) => {
      expect(JSON.stringify(recoverState({ ...rows.current, owner }).state)).toBe(JSON.stringify(states.at(-1)));
      if (rows.events === 0) return;
      for (const [index, state] of states.entries()) {
        const found = rows.states({ until: index + 1 });
        expect(JSON.stringify(found && recoverState({ ...found, owner }).state)).toBe(JSON.stringify(state));
      }
    }),
  );
});

test('G17: what a trim leaves tells every event from there on, and the present', LIMIT, () => {
  holdsAlways(
    fc.property(life, fc.nat({ max: 12 }), ({ states, rows }, beforeSeq) => {
      rows.trim(states.length + 1, { beforeSeq });
      expect(JSON.stringify(recoverState({ ...rows.current, owner }).state)).toBe(JSON.stringify(states.at(-1)));
      for (const { seq } of rows.list({ limit: 1000 })) {
        const found = rows.states({ until: seq });
        expect(JSON.stringify(found && recoverState({ ...found, owner }).state)).toBe(JSON.stringify(states[seq - 1]));
      }
    }),
  );
});

const damage = fc.record({
  row: fc.nat({ max: 20 }),
  at: fc.nat({ max: 6000 }),
  kind: fc.constantFrom('flip', 'cut', 'zero', 'drop'),
});

test('G7: a damaged row gives the true state from older rows, or an error, and never another state', LIMIT, () => {
  let repaired = 0;
  let refused = 0;
  holdsAlways(
    fc.property(life, damage, ({ states, rows }, { row, at, kind }) => {
      const { snapshot, deltas } = rows.current;
      const all = [snapshot, ...deltas];
      const index = row % all.length;
      const victim = all[index] as StateRow;
      const hurt = hurtRow(victim, at, kind);
      if (hurt?.text === victim.text) return;
      const first = index > 0 ? snapshot : (hurt ?? { seq: 0, text: '', checksum: 0 });
      const others = deltas.flatMap((delta, i) => (i === index - 1 ? (hurt ?? []) : delta));
      const former = rows.states({ until: snapshot.seq, before: snapshot.seq });
      const told = tell({ snapshot: first, deltas: others }, former);
      // A last row that is gone leaves a whole chain: the sum of the actor's row tells that it is not the end.
      const isEndGone = kind === 'drop' && index === all.length - 1 && index > 0;
      if (told === undefined) refused++;
      else if (!isEndGone) {
        repaired++;
        expect(told).toBe(JSON.stringify(states.at(-1)));
      }
    }),
  );
  expect(repaired, 'some can be made again').toBeGreaterThan(100);
  expect(refused, 'and some cannot').toBeGreaterThan(100);
});

function hurtRow(row: StateRow, at: number, kind: string): StateRow | undefined {
  const text = String(row.text);
  const place = text.length === 0 ? 0 : at % text.length;
  switch (kind) {
    case 'flip':
      return {
        ...row,
        text: `${text.slice(0, place)}${String.fromCharCode(text.charCodeAt(place) ^ 1)}${text.slice(place + 1)}`,
      };
    case 'cut':
      return { ...row, text: text.slice(0, place) };
    case 'zero':
      return { ...row, text: `${text.slice(0, place)}\0${text.slice(place + 1)}` };
    default:
      return undefined;
  }
}

type Rows = Pick<MemoryStateRows['current'], 'snapshot' | 'deltas'>;

/** The state as JSON, nothing when it cannot be told. */
function tell(rows: Rows, former: Rows | undefined): string | undefined {
  try {
    return JSON.stringify(recoverState({ ...rows, owner }).state);
  } catch (error) {
    if (!isTroupeError(error, 'ERR_STATE_CORRUPT')) throw error;
  }
  try {
    return former && JSON.stringify(repairState({ ...rows, owner, former }).state);
  } catch (error) {
    if (!isTroupeError(error, 'ERR_STATE_CORRUPT')) throw error;
    return undefined;
  }
}
