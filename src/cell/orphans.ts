/**
 * A child that comes to be while its parent ends: the parent did not see it in its list, and it does not know of the end. Whoever is
 * later sees the other: the child looks after its first commit, the parent after its last.
 */
import { ROOT } from '../actor/address.ts';
import type { Address } from '../actor/address.ts';
import { encodeError } from '../thread/error-codec.ts';
import type { Cell } from './cell.ts';
import { findChildren, readSteadily } from './steady-read.ts';
import type { CellServices } from './services.ts';

/** Ends an actor that has just been spawned by one that has ended meanwhile; without its parent it goes as that went. */
export async function followParent(cell: Cell): Promise<void> {
  const { parent, services, address } = cell;
  if (parent === ROOT) return;
  const query = { address: parent, limit: 1 };
  try {
    const { items } = await readSteadily(
      services,
      address,
      () => !cell.isDisposed,
      () => services.store.call('list', query),
    );
    const status = items[0]?.status;
    if (cell.isDisposed || status === 'active' || status === 'quarantined') return;
    services.log.info('a child follows its parent, which has ended', { address, parent });
    cell.enqueue({ kind: 'order', order: status === undefined ? 'remove' : 'stop', settle: () => {} });
  } catch (error) {
    services.log.warn('nobody knows whether a parent has ended', { address, parent, error: encodeError(error) });
  }
}

/** Children that came to be after the list for the end of their parent was read. */
export async function findLateChildren(
  services: CellServices,
  address: Address,
  isWanted: () => boolean,
): Promise<readonly Address[]> {
  const children = await findChildren(services, address, isWanted);
  return children.filter(({ status }) => status === 'active').map((child) => child.address);
}
