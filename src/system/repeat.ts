/** Sends again what a replaced host had not answered: everything in the order it went out first (rule 3). Pure. */
import type { Address } from '../actor/address.ts';
import type { Unanswered } from './sends.ts';

/** Posts what is unanswered and affected; a removal and the send after it never change places. */
export function repeatInOrder(
  unanswered: readonly Unanswered[],
  isAffected: (to: Address) => boolean,
  post: (to: Address, text: string) => void,
): void {
  for (const { to, text } of unanswered.toSorted((a, b) => a.order - b.order)) if (isAffected(to)) post(to, text);
}
