/** G8: the cost of saving follows the change. */
import { describe, expect, test } from 'vitest';
import { StateSaver, WHOLE_STATE_CHARS } from '../../../src/cell/state-saver.ts';
import type { SaverOptions } from '../../../src/cell/state-saver.ts';
import type { PersistedState } from '../../../src/state/persisted.ts';
import { recoverState } from '../../../src/state/recover.ts';
import type { StateWrite } from '../../../src/store/store.ts';

const state = (context: unknown): PersistedState => ({ status: 'active', value: 'on', context }) as PersistedState;
const big = (n: number, text = 'x'): PersistedState => state({ n, blob: BLOB + text, list: [] });
const BLOB = 'y'.repeat(3 * WHOLE_STATE_CHARS);

const newSaver = (options: Partial<SaverOptions> = {}): StateSaver =>
  new StateSaver({ owner: 'a/b', maxStateBytes: 1_000_000, keepsSteps: false, ...options });

/** What a store would hold after these writes. */
function recover(writes: readonly (StateWrite | undefined)[]): PersistedState {
  const kept = writes.filter((write) => write !== undefined);
  const at = kept.findLastIndex(({ kind }) => kind === 'snapshot');
  return recoverState({ snapshot: kept[at] as StateWrite, deltas: kept.slice(at + 1), owner: 'a/b' }).state;
}

describe('StateSaver', () => {
  test('small states are written whole', () => {
    const saver = newSaver();
    const writes = [1, 2, 3].map((n) => saver.write(state({ n }))?.state);
    expect(writes.map((write) => write?.kind)).toEqual(['snapshot', 'snapshot', 'snapshot']);
    expect(recover(writes)).toEqual(state({ n: 3 }));
  });

  test('an unchanged state is not written, whether it is the same object or an equal one', () => {
    const saver = newSaver();
    const first = big(1);
    saver.write(first);
    expect(saver.write(first)?.state).toBeUndefined();
    expect(saver.write(big(1))?.state).toBeUndefined();
  });

  test('large states are written as what changed, and compacted when that outweighs them', () => {
    const saver = newSaver();
    const writes = [saver.write(big(0))?.state];
    expect(writes[0]?.kind).toBe('snapshot');
    for (let n = 1; n <= 1500; n++) writes.push(saver.write(big(n))?.state);
    const later = writes.slice(1) as StateWrite[];
    const deltas = later.filter(({ kind }) => kind === 'delta');
    expect(Math.max(...deltas.map(({ text }) => text.length))).toBeLessThan(200);
    expect(later.length - deltas.length, 'compactions').toBeGreaterThan(0);
    expect(later.length - deltas.length, 'and few').toBeLessThan(10);
    expect(recover(writes)).toEqual(big(1500));
  });

  test('a state over the cap is refused and counts for nothing', () => {
    const saver = newSaver({ maxStateBytes: 20_000 });
    const writes = [saver.write(big(1))?.state];
    expect(() => saver.write(state({ blob: 'z'.repeat(30_000) }))).toThrow(
      expect.objectContaining({
        code: 'ERR_STATE_TOO_LARGE',
        details: { address: 'a/b', bytes: expect.any(Number), maxStateBytes: 20_000 },
      }),
    );
    writes.push(saver.write(big(2))?.state);
    expect(recover(writes)).toEqual(big(2));
  });

  test('goes on from a restored state with deltas that fit it', () => {
    const first = newSaver();
    const writes = [first.write(big(1))?.state, first.write(big(2))?.state];
    const kept = writes as StateWrite[];
    const saved = recoverState({ snapshot: kept[0] as StateWrite, deltas: kept.slice(1), owner: 'a/b' });
    const second = newSaver({ last: saved });
    expect(second.rebase(big(2))).toBe(true);
    expect(second.rebase(big(99))).toBe(false);
    writes.push(second.write(big(3))?.state);
    expect(writes.at(-1)?.kind).toBe('delta');
    expect(recover(writes)).toEqual(big(3));
  });
});
