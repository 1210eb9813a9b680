/** The id of a store, by which systems tell their own events from those of others. It is made once and stays with the store. */
import type { Env } from '../env.ts';
import type { StoreClient } from '../store/store-client.ts';

/** Outside the keys of users, which have a prefix of their own. */
const KEY = 'runtime/store-id';

/** The id of a store; a new one is durable before it is returned. */
export async function storeIdOf(store: StoreClient, env: Env): Promise<string> {
  const known = await store.call('kvGet', KEY, env.now());
  if (known !== undefined) return known;
  const id = env.randomUuid();
  await store.call('kvSet', KEY, id);
  return id;
}
