/**
 * What every bus must do, alone or beside a NATS server. An engine's test file is one call of `busContract`.
 *
 * Names cite docs/guarantees.md: G12 topics, G20 durable subscriptions and queue groups, G21 replay. The suite waits for facts, never for
 * durations: time passes by itself, or because the fixture moves it while somebody waits.
 */
import { describe } from 'vitest';
import type { System } from '../../src/index.ts';
import { busAttemptsContract } from './bus-attempts.ts';
import { busBadInputContract } from './bus-bad-input.ts';
import { busGroupsContract } from './bus-groups.ts';
import { busLogContract } from './bus-log.ts';
import { busModelContract } from './bus-model.ts';
import { busReplayContract } from './bus-replay.ts';
import { busTopicsContract } from './bus-topics.ts';

/** A system to try the bus of. */
export interface BusFixture extends AsyncDisposable {
  /** The system of now. */
  readonly system: System;
  /** Another system of the same namespace; undefined where there is none. */
  readonly other?: System | undefined;
  /** Looks until what it sees is a fact, and returns it; lets time pass meanwhile. @throws {Error} that prints what it last saw */
  until<T>(look: () => T | Promise<T>, isFact: (seen: T) => boolean): Promise<T>;
  /** Awaits a promise, and lets time pass meanwhile. */
  run<T>(promise: Promise<T>): Promise<T>;
  /** Stops the system and starts another one on its store. */
  restart(): Promise<void>;
}

/** How the contract gets its systems; each test has its own, with the actors of tests/support/actors-topics.ts. */
export type OpenBus = () => Promise<BusFixture>;

/** What the engine's tests ask for. */
export interface BusContractOptions {
  /** Runs of the property test. */
  readonly runs: number;
}

/** Registers the suite for one engine. */
export function busContract(name: string, open: OpenBus, options: BusContractOptions): void {
  describe(`bus contract: ${name}`, () => {
    busTopicsContract(open);
    busAttemptsContract(open);
    busGroupsContract(open);
    busReplayContract(open);
    busLogContract(open);
    busBadInputContract(open);
    busModelContract(open, options);
  });
}
