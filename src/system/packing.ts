/**
 * Compresses what has come to rest: large snapshots, and old events of histories. In the pool, one at a time, so that neither actors nor the
 * store wait for it. What is replaced, trimmed or removed meanwhile is left alone.
 */
import type { Address } from '../actor/address.ts';
import { POOL_MIN_BYTES } from '../pool/pool.ts';
import type { Pool } from '../pool/pool.ts';
import type { HistoryRun } from '../store/store.ts';
import type { StoreClient } from '../store/store-client.ts';
import type { Chore } from './recovery.ts';

/** Age from which a snapshot, or an event, counts as being at rest. */
const REST_MS = 60_000;
/** Snapshots of one run; the rest waits for the next. */
const MOST_SNAPSHOTS = 500;
/** Failures that end a run: then it is not the snapshots. */
const MOST_FAILURES = 10;
/** Looks for old events of one run, each at 256 actors at most or for one segment; the next run goes on where this one ended. */
const MOST_LOOKS = 100;
/** Events in a row that are worth a segment: fewer share too little to be compressed well. */
const MIN_EVENTS = 64;

type Calls = Pick<StoreClient, 'call'>;
type Compressor = Pick<Pool, 'compress'>;

/** The chores of a system. */
export function packingChores(store: Calls, pool: Compressor): readonly Chore[] {
  let place: Address | undefined;
  return [
    { everyMs: REST_MS, run: (now) => packSnapshots(store, pool, now - REST_MS) },
    {
      everyMs: REST_MS,
      run: async (now) => {
        place = await packHistories(store, pool, { before: now - REST_MS, after: place });
      },
    },
  ];
}

/**
 * Compresses what was written before a time. Returns how many. One that cannot be is left out of this run, and holds up no other.
 * @throws what the first of those failed with, at the end.
 */
async function packSnapshots(store: Calls, pool: Compressor, before: number): Promise<number> {
  const failures: unknown[] = [];
  let count = 0;
  while (count + failures.length < MOST_SNAPSHOTS) {
    // Those that failed stay loose, and come first again.
    const query = { minChars: POOL_MIN_BYTES, before, limit: failures.length + 1 };
    const snapshot = (await store.call('looseSnapshots', query))[failures.length];
    if (!snapshot) break;
    const { address, seq, text } = snapshot;
    try {
      const packed = await pool.compress(text, { owner: `The snapshot of '${address}'` });
      await store.call('packSnapshot', address, seq, packed);
      count++;
    } catch (error) {
      failures.push(error);
      if (failures.length === MOST_FAILURES) break;
    }
  }
  if (failures.length > 0) throw failures[0];
  return count;
}

/** Packs events from before a time, of actors after one. Returns after which to go on; undefined when all had their turn. */
async function packHistories(
  store: Calls,
  pool: Compressor,
  from: { readonly before: number; readonly after: Address | undefined },
): Promise<Address | undefined> {
  let { after } = from;
  for (let looks = 0; looks < MOST_LOOKS; looks++) {
    const query = { minEvents: MIN_EVENTS, before: from.before, ...(after !== undefined && { after }) };
    const found = await store.call('looseHistory', query);
    if (!found.run && found.after === undefined) return undefined;
    const isDone = !found.run || (await packRun(store, pool, found.run));
    // An actor whose rows have changed meanwhile has its turn another time.
    after = isDone ? found.after : found.run.address;
  }
  return after;
}

async function packRun(store: Calls, pool: Compressor, run: HistoryRun): Promise<boolean> {
  const { address, firstSeq, lastSeq, events, text } = run;
  const packed = await pool.compress(text, { owner: `Events ${firstSeq} to ${lastSeq} of '${address}'` });
  return store.call('packHistory', address, { firstSeq, lastSeq, events }, packed);
}
