/** What the parts of a running system share on main. */
import { typeOf } from '../actor/address.ts';
import type { Address } from '../actor/address.ts';
import type { Definitions } from '../actor/definitions.ts';
import type { Env } from '../env.ts';
import type { Logger } from '../observe/logger.ts';
import type { Routes } from '../thread/routes.ts';
import type { Pool } from '../pool/pool.ts';
import type { StoreClient } from '../store/store-client.ts';
import { Asks } from './asks.ts';
import type { NatsEngine } from './nats.ts';
import type { ResolvedOptions } from './options.ts';
import { Requests } from './requests.ts';
import { Sends } from './sends.ts';
import type { StoreWatch } from './store-status.ts';
import { Tells } from './tells.ts';
import { Watches } from './watches.ts';

/** What a system is made of. */
export interface SystemParts {
  readonly env: Env;
  readonly log: Logger;
  readonly boot: string;
  readonly definitions: Definitions;
  readonly routes: Routes;
  readonly options: ResolvedOptions;
  readonly pool: Pool;
  /** Present with option `nats`. */
  readonly nats?: NatsEngine | undefined;
}

/** What every part may lean on. */
export interface SystemCore {
  /** Id of this run; names its senders and its asks. */
  readonly boot: string;
  readonly definitions: Definitions;
  readonly env: Env;
  readonly log: Logger;
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
  /**
   * Nothing new is taken while it could not be saved.
   * @param address who it is for; one that is not stored takes it all the same
   * @throws {TroupeError} ERR_STORE_TROUBLE
   */
  assertSaves(address: Address): void;
  /** The same for what is for no actor. @throws {TroupeError} ERR_STORE_TROUBLE */
  assertSavesWhat(what: string): void;
  /** True while the store cannot save: reads show what is saved. */
  readonly isInTrouble: boolean;
}

interface CoreOptions {
  readonly parts: SystemParts;
  /** Main's client of the store, once the threads run. */
  readonly store: () => StoreClient;
  /** Queues an entry for the host of an actor. */
  readonly post: (to: Address, text: string) => void;
  readonly storeWatch: StoreWatch;
  readonly assertRunning: () => void;
}

/** Makes the core of a system. */
export function createCore({ parts, post, store, storeWatch, assertRunning }: CoreOptions): SystemCore {
  const { boot, definitions, env, log, routes } = parts;
  const { maxPending } = parts.options;
  let order = 0;
  const nextOrder = (): number => ++order;
  return {
    boot,
    definitions,
    env,
    log,
    maxPending,
    sends: new Sends({ sender: `${boot}.main`, post, nextOrder, maxPending }),
    tells: new Tells({ post, indexOf: (to) => routes.indexOf(to), maxPending }),
    asks: new Asks(env),
    requests: new Requests(post, nextOrder, maxPending),
    watches: new Watches((address, isOn) => post(address, `{"k":"watch","to":"${address}","on":${isOn}}`)),
    store,
    wake: (address) => post(address, `{"k":"wake","to":"${address}"}`),
    assertRunning,
    assertSavesWhat: (what) => storeWatch.assertSaves(what),
    assertSaves: (address) => {
      if (definitions.isDurable(typeOf(address))) storeWatch.assertSaves(`what was meant for '${address}'`);
    },
    get isInTrouble() {
      return storeWatch.isInTrouble;
    },
  };
}
