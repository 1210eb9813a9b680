/**
 * Rule 9: what happens to a direct send when the mailbox is full, decided before the send is accepted. Answers leave at once:
 * if the thread died in between, a send that was refused must not come again after one that was accepted.
 */
import type { Address } from '../actor/address.ts';
import type { AnyDefinition } from '../actor/define.ts';
import { TroupeError } from '../errors.ts';
import { encodeError } from '../thread/error-codec.ts';
import { isDirectEvent, isTold } from './items.ts';
import type { DirectItem, OrderItem } from './items.ts';
import type { Mailbox } from './mailbox.ts';
import type { CellServices } from './services.ts';

/**
 * True when the item may enter; otherwise its sender has been told. With `block` senders wait before they send; a tell, whose
 * sender does not wait, is dropped, which is all it promises (G14).
 */
export function admit(
  item: DirectItem | OrderItem,
  mailbox: Mailbox,
  { policy }: AnyDefinition,
  address: Address,
  services: CellServices,
): boolean {
  const { capacity, overflow } = policy.mailbox;
  if (mailbox.direct < capacity || !isDirectEvent(item)) return true;
  if (overflow === 'block') return !isTold(item);
  const loser = overflow === 'reject' ? item : mailbox.takeOldestDirect();
  loser?.settle({
    error: encodeError(overflow === 'reject' ? mailboxFull(address, capacity) : dropped(address, capacity)),
  });
  services.flush();
  return loser !== item;
}

function mailboxFull(address: Address, capacity: number): TroupeError {
  return new TroupeError(
    'ERR_MAILBOX_FULL',
    `The mailbox of '${address}' is full: ${capacity} events wait. The event was not accepted; send it again later, or use the policy 'block'.`,
    { details: { address, capacity } },
  );
}

function dropped(address: Address, capacity: number): TroupeError {
  return new TroupeError(
    'ERR_MAILBOX_DROPPED',
    `An event for '${address}' gave way to a newer one: its mailbox holds ${capacity}. It was not processed; send it again if it still matters.`,
    { details: { address, capacity } },
  );
}
