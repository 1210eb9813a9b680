/** Makes events dead letters of the subscription that gave up on them. */
import { toAddress } from '../actor/address.ts';
import type { Env } from '../env.ts';
import type { Logger } from '../observe/logger.ts';
import type { StoreClient } from '../store/store-client.ts';
import type { BusEventRow } from '../store/store.ts';
import { encodeError } from '../thread/error-codec.ts';
import { toLetterText } from './received.ts';

/** Makes an event a dead letter of `subscriber/NAME`; resolves when that is durable. */
export type GiveUp = (name: string, row: BusEventRow, error: unknown, attempts: number) => Promise<void>;

/** How the subscriptions of one bus give up. */
export function createGiveUp({ env, log, store }: { env: Env; log: Logger; store: StoreClient }): GiveUp {
  return (name, row, error, attempts) => {
    const address = toAddress('subscriber', name);
    const { id, source: sender } = row;
    const text = toLetterText(row);
    const letter = { id, sender, text, error: JSON.stringify(encodeError(error)), attempts };
    const orphan = { address, seq: 0, epoch: 1, version: 1, at: env.now(), status: 'active' } as const;
    return new Promise((resolve) => {
      store.post({ ...orphan, deadLetters: [letter] }, (result) => {
        if (result.outcome === 'refused') {
          const { detail = result.reason } = result;
          log.error('a dead letter was refused by the store', { address, event: id, detail });
        }
        resolve();
      });
    });
  };
}
