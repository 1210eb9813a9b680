/** Who may have ended a thread when nobody was in a turn: the actors whose effect functions were in flight on it. */
import type { Address } from '../actor/address.ts';
import type { StoreClient } from '../store/store-client.ts';

const PAGE = 1000;

/** The stored actors with effect functions in flight that `isThere` picks. Ask once what the thread had posted is written. */
export async function withEffects(
  store: StoreClient,
  isThere: (address: Address) => boolean,
): Promise<readonly Address[]> {
  const found: Address[] = [];
  let afterAddress: Address | undefined;
  for (;;) {
    const page = await store.call('recoverable', { limit: PAGE, ...(afterAddress && { afterAddress }) });
    for (const { address, hasInFlight } of page) if (hasInFlight && isThere(address)) found.push(address);
    afterAddress = page.at(-1)?.address;
    if (page.length < PAGE) return found;
  }
}
