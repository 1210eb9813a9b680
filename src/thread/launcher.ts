/**
 * How worker hosts and the store come to run: in threads, or inline on the main thread. The rest of the system does not
 * know which. A channel's ends are opaque until they are used: a real MessagePort must be handed over whole.
 */
import type { Address } from '../actor/address.ts';
import type { Env, Port } from '../env.ts';
import type { Definitions } from '../actor/definitions.ts';
import type { StoreOptions, StoreReport } from '../store/protocol.ts';
import type { Store } from '../store/store.ts';
import type { HostOptions, HostReport, ThreadEnd } from './protocol.ts';

/** One end of a channel that has not been opened. */
export type ChannelEnd = object;

export interface LaunchedHost {
  connectPeer(index: number, end: ChannelEnd): void;
  /** Says where main has put an actor; without an index that thread has gone. */
  route(address: Address, index: number | undefined): void;
  reconnectStore(end: ChannelEnd): void;
  /** Asks it to finish; the `stopped` report follows. */
  stop(): void;
  /** Ends it at once, whatever it does. */
  terminate(): Promise<void>;
}

export interface LaunchedStore {
  connect(client: string, end: ChannelEnd): void;
  /** The `drained` report follows once everything the client posted before its end is written. */
  drain(client: string): void;
  close(): void;
  terminate(): Promise<void>;
}

export interface HostEvents {
  report(report: HostReport): void;
  /** The host is gone, for whatever reason; `end` is how it looks from outside. */
  exit(error: unknown, end: ThreadEnd): void;
}

export interface StoreEvents {
  report(report: StoreReport): void;
  exit(error: unknown): void;
}

export interface Launcher {
  createChannel(): readonly [ChannelEnd, ChannelEnd];
  open(end: ChannelEnd): Port;
  launchHost(options: HostOptions, ends: { main: ChannelEnd; store: ChannelEnd }, events: HostEvents): LaunchedHost;
  launchStore(options: StoreOptions, events: StoreEvents): LaunchedStore;
  /** A thread in reserve, from which the next host is started; nothing where none is to be kept. */
  readonly spare?: Spare | undefined;
}

/** A thread in reserve. */
export interface Spare {
  /** Starts it and has it load definitions, if there is none. */
  prepare(modules: readonly string[]): void;
  /** Ends it, if there is one. */
  end(): Promise<void>;
}

/** What the inline launcher shares with the host program. */
export interface InlineContext {
  readonly env: Env;
  readonly definitions: Definitions;
  /** Opens the store; one that is given from outside outlives its writer. @default by its URL */
  readonly openStore?: ((options: StoreOptions) => Promise<Store>) | undefined;
}
