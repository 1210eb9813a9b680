/** What the parts of a running system share on main. */
import type { Definitions } from '../actor/definitions.ts';
import type { Env } from '../env.ts';
import type { Address } from '../actor/address.ts';
import type { StoreClient } from '../store/store-client.ts';
import type { Asks } from './asks.ts';
import type { Requests } from './requests.ts';
import type { Sends } from './sends.ts';
import type { Tells } from './tells.ts';
import type { Watches } from './watches.ts';

export interface SystemCore {
  /** Id of this run; names its senders and its asks. */
  readonly boot: string;
  readonly definitions: Definitions;
  readonly env: Env;
  /** Messages that may wait for their answer. */
  readonly maxPending: number;
  readonly sends: Sends;
  readonly tells: Tells;
  readonly asks: Asks;
  readonly requests: Requests;
  readonly watches: Watches;
  /** Main's client of the store. */
  readonly store: () => StoreClient;
  /** Has an actor loaded, to go on with what there is for it. */
  readonly wake: (address: Address) => void;
  /** @throws {TroupeError} ERR_SYSTEM_STOPPED once the system stops. */
  assertRunning(): void;
}
