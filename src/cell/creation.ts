/** Who makes an actor that does not exist. Pure. */
import { ROOT } from '../actor/address.ts';
import type { Address } from '../actor/address.ts';
import { isDamaged, isWork, originOf } from './items.ts';
import type { Item } from './items.ts';
import type { Mailbox } from './mailbox.ts';

/** The item that makes the actor, and what from. */
export interface Creator {
  readonly item: Item;
  readonly input: unknown;
  readonly parent: Address;
}

/** The first item that brings an input; else, where none is needed, the first that asks something of the actor. */
export function findCreator(mailbox: Mailbox, acceptsNoInput: boolean): Creator | undefined {
  const item = mailbox.find((candidate) => originOf(candidate) !== undefined);
  const origin = item && originOf(item);
  if (origin) return { item, ...origin };
  const asker = acceptsNoInput ? mailbox.find(wantsActor) : undefined;
  return asker && { item: asker, input: undefined, parent: ROOT };
}

function wantsActor(item: Item): boolean {
  if (item.kind === 'direct')
    return isWork(item) && item.ifSeq === undefined && !(item.command && 'unschedule' in item.command);
  return item.kind === 'inbox' && item.row.kind === 'event' && !isDamaged(item);
}
