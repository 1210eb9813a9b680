/** What the histories of a simulated story are worth at its end: do they tell every commit, and the state as it is now? */
import { readHistoryRow } from '../../src/state/history.ts';
import { recoverState } from '../../src/state/recover.ts';
import type { ActorSummary, Store } from '../../src/store/store.ts';

const PAGE = 1000;

/** Faults of all histories: gaps, rows that cannot be read, states that cannot be told, a last one that is not the present. */
export async function countHistoryFaults(store: Store): Promise<number> {
  const { items } = await store.list({ limit: PAGE });
  const faults = await Promise.all(items.map((actor) => countFaults(store, actor)));
  return faults.reduce((sum, count) => sum + count, 0);
}

async function countFaults(store: Store, { address, seq: last }: ActorSummary): Promise<number> {
  const rows = await store.history(address, { limit: PAGE, direction: 'backward' });
  let next: number | undefined;
  let faults = 0;
  for (const row of rows) {
    if (next !== undefined && row.seq !== next) faults++;
    next = row.seq + 1;
    if (!(await tells(store, address, row))) faults++;
  }
  if (next !== undefined && next !== last + 1) faults++;
  return faults + (rows.length > 0 && !(await isPresent(store, address, last)) ? 1 : 0);
}

async function tells(
  store: Store,
  address: ActorSummary['address'],
  row: Awaited<ReturnType<Store['history']>>[number],
): Promise<boolean> {
  try {
    readHistoryRow(address, row);
    const states = await store.states(address, { until: row.seq });
    return states !== undefined && recoverState({ ...states, owner: address }).state !== undefined;
  } catch {
    return false;
  }
}

async function isPresent(store: Store, address: ActorSummary['address'], last: number): Promise<boolean> {
  const [states, actor] = await Promise.all([store.states(address, { until: last }), store.load(address)]);
  if (!states || !actor) return false;
  const then = recoverState({ ...states, owner: address }).state;
  return JSON.stringify(then) === JSON.stringify(recoverState({ ...actor, owner: address }).state);
}
