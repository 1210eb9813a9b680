/** Actors whose state says how it came to be: the numbers of the commits that changed it. For tests of histories. */
import type { Address } from '../../src/actor/address.ts';
import type { Commit, StateRow, Store } from '../../src/store/store.ts';
import { firstCommit, nextCommit } from './store-commits.ts';

/** What a commit does to the state: nothing, a difference, all of it, or all of it beside the difference. */
export type Change = 'none' | 'delta' | 'snapshot' | 'step';

/** The state after each commit that was told, by address and number. */
const former = new Map<string, string>();

/**
 * The commit `seq` of an actor that was told with this function before; a state is the list of the commits that changed it.
 * @param hasHistory whether it says what led to it
 */
export function told(
  address: Address,
  seq: number,
  change: Change,
  more: Partial<Commit> = {},
  hasHistory = true,
): Commit {
  const before = seq === 1 ? '' : (former.get(`${address} ${seq - 1}`) ?? '');
  const piece = seq === 1 ? String(seq) : `,${seq}`;
  const after = change === 'none' ? before : before + piece;
  former.set(`${address} ${seq}`, after);
  const commit: Commit = {
    ...(seq === 1 ? firstCommit(address) : nextCommit(address, seq)),
    at: 1_000 + seq,
    ...(hasHistory && { history: { text: `{"e":${seq}}`, checksum: seq } }),
    ...more,
    ...toState(change, piece, after),
  };
  const { state: _state, ...stateless } = commit;
  return change === 'none' ? stateless : commit;
}

function toState(change: Change, piece: string, after: string): Partial<Commit> {
  const delta = { text: piece, checksum: piece.length };
  if (change === 'none') return {};
  if (change === 'delta') return { state: { kind: 'delta', ...delta } };
  const state = { kind: 'snapshot', text: after, checksum: after.length } as const;
  return change === 'step' ? { state, step: delta } : { state };
}

/** The state at a commit, put together from what the store has. */
export async function readAt(
  store: Store,
  address: Address,
  until: number,
  before?: number,
): Promise<string | undefined> {
  const rows = await store.states(address, { until, ...(before !== undefined && { before }) });
  return rows && [rows.snapshot, ...rows.deltas].map(textOf).join('');
}

function textOf({ text }: StateRow): string {
  return typeof text === 'string' ? text : '(packed)';
}
