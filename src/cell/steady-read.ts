/** Reads of the store that are tried again until it answers; what waits for them has nowhere else to go. */
import type { Address } from '../actor/address.ts';
import type { ActorSummary } from '../store/store.ts';
import { encodeError } from '../thread/error-codec.ts';
import type { CellServices } from './services.ts';

const RETRY_MS = 500;

/** Runs `read` until it succeeds, or until nobody wants the answer any more: then it rejects with the last error. */
export async function readSteadily<T>(
  services: CellServices,
  address: Address,
  isWanted: () => boolean,
  read: () => Promise<T>,
): Promise<T> {
  for (;;) {
    try {
      return await read();
    } catch (error) {
      if (!isWanted()) throw error;
      services.log.warn('the store does not answer, trying again', { address, error: encodeError(error) });
      await new Promise<void>((resolve) => void services.env.setTimeout(resolve, RETRY_MS));
    }
  }
}

/** Every child of an actor, whatever became of it, in the order of their start. */
export async function findChildren(
  services: CellServices,
  address: Address,
  isWanted: () => boolean,
): Promise<readonly ActorSummary[]> {
  const children: ActorSummary[] = [];
  let cursor: string | undefined;
  do {
    const query = { parent: address, order: 'oldest', limit: 1000, ...(cursor !== undefined && { cursor }) } as const;
    const page = await readSteadily(services, address, isWanted, () => services.store.call('list', query));
    children.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return children.sort((a, b) => a.spawned - b.spawned);
}
