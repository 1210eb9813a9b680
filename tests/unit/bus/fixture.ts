/** A bus over a real memory store behind a store writer, in simulated time. It can be stopped, killed and begun anew. */
import { createEmbeddedBus } from '../../../src/bus/embedded-bus.ts';
import type { EmbeddedBus, EmbeddedBusOptions } from '../../../src/bus/embedded-bus.ts';
import type { BusEvent, TopicEvent } from '../../../src/bus/topic-event.ts';
import { TroupeError } from '../../../src/errors.ts';
import { createLogger } from '../../../src/observe/logger.ts';
import { createMemoryStore } from '../../../src/store/memory/memory-store.ts';
import { createStoreClient } from '../../../src/store/store-client.ts';
import type { StoreClient } from '../../../src/store/store-client.ts';
import type { BusQuery } from '../../../src/store/queries.ts';
import type { NewPublication, Published, Store } from '../../../src/store/store.ts';
import type { BusScan } from '../../../src/store/topics.ts';
import { StoreWriter } from '../../../src/store/writer.ts';
import { createSimulatedEnv } from '../../../src/testing.ts';
import type { SimulatedEnv } from '../../../src/testing.ts';

export interface Line {
  readonly level: string;
  readonly text: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** An event on its way to an actor. */
export interface Sent {
  readonly to: string;
  readonly event: TopicEvent;
  readonly id: string;
}

export interface BusFixture {
  readonly env: SimulatedEnv;
  readonly store: Store;
  readonly bus: EmbeddedBus;
  readonly client: StoreClient;
  readonly logs: readonly Line[];
  readonly hints: readonly {
    readonly published: Published;
    readonly publication: NewPublication;
    readonly at: number;
  }[];
  /** What `replayInto` sent. */
  readonly sent: readonly Sent[];
  /** Queries of `busEvents` and `scanBus` that reached the store. */
  readonly reads: readonly { readonly afterPos?: number; readonly limit?: number }[];
  /** Cursors that were saved, in order. */
  readonly saves: readonly number[];
  /** How many reads of events fail from now on. */
  failReads(count: number): void;
  /** Whether places can be saved. */
  failSaves(isOn: boolean): void;
  /** Drives everything until `promise` has settled. */
  run<T>(promise: Promise<T>): Promise<T>;
  /** Begins a new bus on the same store, without a word to the old one: that one is as good as killed. */
  kill(): void;
  /** Stops the bus and begins a new one on the same store. */
  restart(): Promise<void>;
}

/** Rounds `run` gives a promise before it says that nothing moves. */
const MAX_ROUNDS = 10_000;

export function createBusFixture({ maxFanOut = 1_000 }: { readonly maxFanOut?: number } = {}): BusFixture {
  const env = createSimulatedEnv();
  const logs: Line[] = [];
  const hints: { published: Published; publication: NewPublication; at: number }[] = [];
  const reads: Read[] = [];
  const saves: number[] = [];
  const sent: Sent[] = [];
  const faults = { reads: 0, saves: false };
  const store = watched(createMemoryStore({ maxFanOut }), { reads, saves, faults });
  const writer = new StoreWriter(store, env, () => undefined);
  const log = createLogger((level, fields, text) => void logs.push({ level, fields, text }), {});
  const begin = (): { client: StoreClient; bus: EmbeddedBus } => {
    const [ours, theirs] = env.createPort();
    writer.connect('main', theirs);
    const client = createStoreClient(ours, env);
    const hint = (published: Published, publication: NewPublication, at: number): void =>
      void hints.push({ published, publication, at });
    const always = { assertRunning: () => undefined, assertSaves: () => undefined };
    const send: EmbeddedBusOptions['send'] = async (to, event, id) => void sent.push({ to, event, id });
    return { client, bus: createEmbeddedBus({ env, log, store: client, hint, send, ...always }) };
  };
  let live = begin();
  const run = async <T>(promise: Promise<T>): Promise<T> => {
    let isSettled = false;
    const note = (): void => void (isSettled = true);
    promise.then(note, note);
    for (let round = 0; !isSettled; round++) {
      if (round > MAX_ROUNDS) throw new Error(`Nothing moves. Timers: ${JSON.stringify(env.pendingTimers)}`);
      await env.settle();
    }
    return promise;
  };
  const kill = (): void => {
    live.client.close();
    live = begin();
  };
  return {
    env,
    store,
    logs,
    hints,
    reads,
    saves,
    sent,
    get bus() {
      return live.bus;
    },
    get client() {
      return live.client;
    },
    failReads: (count) => void (faults.reads = count),
    failSaves: (isOn) => void (faults.saves = isOn),
    run,
    kill,
    restart: async () => {
      await run(live.bus.stop());
      kill();
    },
  };
}

type Read = BusQuery | BusScan;

interface Watch {
  readonly reads: Read[];
  readonly saves: number[];
  readonly faults: { reads: number; readonly saves: boolean };
}

/** A store that tells what is asked of it and fails when told to. */
function watched(store: Store, { reads, saves, faults }: Watch): Store {
  const note = (query: Read): void => {
    reads.push(query);
    if (faults.reads-- > 0) throw new TroupeError('ERR_STORE_UNAVAILABLE', "Store 'watched' could not read");
  };
  const busEvents: Store['busEvents'] = async (query = {}) => {
    note(query);
    return store.busEvents(query);
  };
  const scanBus: Store['scanBus'] = async (query = {}) => {
    note(query);
    return store.scanBus(query);
  };
  const setCursor: Store['setCursor'] = async (name, cursor) => {
    if (faults.saves) throw new TroupeError('ERR_STORE_UNAVAILABLE', "Store 'watched' could not save");
    saves.push(cursor.pos);
    return store.setCursor(name, cursor);
  };
  const own: Partial<Store> = { busEvents, scanBus, setCursor };
  const handler: ProxyHandler<Store> = {
    get: (target, key) => {
      const found: unknown = own[key as keyof Store] ?? target[key as keyof Store];
      return typeof found === 'function' ? (found as (...args: unknown[]) => unknown).bind(target) : found;
    },
  };
  return new Proxy(store, handler);
}

/** A handler that keeps what it gets. */
export function collector(): { readonly seen: unknown[]; readonly handler: (event: BusEvent) => void } {
  const seen: unknown[] = [];
  return { seen, handler: ({ data }) => void seen.push(data) };
}

/** A promise and the hand on it. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

/** 0 to `count` - 1. */
export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
