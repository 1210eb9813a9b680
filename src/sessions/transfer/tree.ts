/** An actor and everything below it. */
import type { Address } from '../../actor/address.ts';
import type { StoreClient } from '../../store/store-client.ts';

const PAGE = 1000;

/** Addresses of an actor and of what is below it, parents before their children, those in the order of their start. */
export async function findTree(store: StoreClient, root: Address): Promise<readonly Address[]> {
  const found = [root];
  for (let i = 0; i < found.length; i++) found.push(...(await findChildren(store, found[i] as Address)));
  return found;
}

async function findChildren(store: StoreClient, parent: Address): Promise<readonly Address[]> {
  const found: { readonly address: Address; readonly spawned: number }[] = [];
  let cursor: string | undefined;
  do {
    const query = { parent, order: 'oldest', limit: PAGE, ...(cursor !== undefined && { cursor }) } as const;
    const page = await store.call('list', query);
    found.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return found.toSorted((a, b) => a.spawned - b.spawned).map(({ address }) => address);
}
