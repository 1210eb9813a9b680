/** The end of a simulated story: what is left although nothing moves any more, and what every actor processed. */
import type { System } from '../../src/index.ts';
import type { Store } from '../../src/store/store.ts';
import { countHistoryFaults } from './sim-history.ts';
import type { FinalActor, FinalLetter } from './sim-record.ts';
import type { Entry } from './sim-words.ts';

const MOST = 1000;
const MOST_ROWS = 10_000;

/** What is left, counts by name; all 0 when everything has come to rest. */
export async function findLeftovers(store: Store, { pending }: System): Promise<Readonly<Record<string, number>>> {
  const { inboxRows, outboxRows, scheduled } = await store.stats();
  const recoverable = (await store.recoverable()).length;
  const due = (await store.due({ until: Number.MAX_SAFE_INTEGER, limit: MOST })).length;
  const historyFaults = await countHistoryFaults(store);
  return { ...pending, inboxRows, outboxRows, scheduled, recoverable, due, historyFaults };
}

/** Every actor there is, with its log. */
export async function readActors(store: Store): Promise<ReadonlyMap<string, FinalActor>> {
  const { items } = await store.list({ limit: MOST });
  const actors = new Map<string, FinalActor>();
  for (const { address, status, parent } of items) {
    const rows = await store.log(address, { limit: MOST_ROWS });
    actors.set(address, { address, status, parent, entries: rows.map(({ text }) => JSON.parse(text) as Entry) });
  }
  return actors;
}

export async function readLetters(store: Store): Promise<readonly FinalLetter[]> {
  return (await store.deadLetters({ limit: MOST })).map(({ address, id, text }) => ({ address, id, text }));
}
