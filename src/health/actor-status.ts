/** What the store says about actors that are, or are to be, under watch. */
import { typeOf } from '../actor/address.ts';
import type { Address } from '../actor/address.ts';
import type { Definitions } from '../actor/definitions.ts';
import { TroupeError } from '../errors.ts';
import type { StoreClient } from '../store/store-client.ts';

export interface StatusParts {
  readonly definitions: Definitions;
  readonly store: StoreClient;
}

/**
 * Why an actor is down; nothing when it is not, or is not stored at all.
 * @throws {TroupeError} ERR_ACTOR_TYPE_UNKNOWN, ERR_ACTOR_NOT_FOUND.
 */
export async function whyDown({ definitions, store }: StatusParts, address: Address): Promise<string | undefined> {
  if (!definitions.get(typeOf(address)).policy.isDurable) return undefined;
  const actor = await store.call('load', address);
  if (actor) return actor.status === 'active' ? undefined : actor.status;
  throw new TroupeError(
    'ERR_ACTOR_NOT_FOUND',
    `The agent '${address}' does not exist. Create it first, by sending it something, then register it.`,
    { details: { address } },
  );
}
