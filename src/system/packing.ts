/**
 * Compresses large snapshots that have come to rest: in the pool, one at a time, so that neither actors nor the store wait for it. A snapshot that
 * is replaced meanwhile is left alone.
 */
import { POOL_MIN_BYTES } from '../pool/pool.ts';
import type { Pool } from '../pool/pool.ts';
import type { StoreClient } from '../store/store-client.ts';
import type { Chore } from './recovery.ts';

/** Age from which a snapshot counts as being at rest. */
const REST_MS = 60_000;
/** Snapshots of one run; the rest waits for the next. */
const MOST = 500;

/** The chore of a system. */
export function packingChore(store: Pick<StoreClient, 'call'>, pool: Pick<Pool, 'compress'>): Chore {
  return { everyMs: REST_MS, run: (now) => packSnapshots(store, pool, now - REST_MS) };
}

/** Compresses what was written before a time. Returns how many. */
async function packSnapshots(
  store: Pick<StoreClient, 'call'>,
  pool: Pick<Pool, 'compress'>,
  before: number,
): Promise<number> {
  let count = 0;
  while (count < MOST) {
    const [snapshot] = await store.call('looseSnapshots', { minChars: POOL_MIN_BYTES, before, limit: 1 });
    if (!snapshot) break;
    const { address, seq, text } = snapshot;
    const packed = await pool.compress(text, { owner: `The snapshot of '${address}'` });
    await store.call('packSnapshot', address, seq, packed);
    count++;
  }
  return count;
}
