/** A system in simulated time for the contract of the bus: on the calling thread, over a store that outlives it. */
import { MemoryStoreOnLoan } from './store-loan.ts';
import type { BusFixture, OpenBus } from '../contract/bus.ts';
import { testSystem } from '../../src/testing.ts';
import type { TestSystem, TestSystemOptions } from '../../src/testing.ts';
import { tempStoreFile } from './store-files.ts';

const ACTORS = new URL('./actors-topics.ts', import.meta.url);

/** Time that passes between two looks, and looks before it is said that nothing moves. */
const STEP_MS = 50;
const MAX_LOOKS = 4_000;

/** A fixture, and the hand on its time. */
export interface EmbeddedBusFixture extends BusFixture {
  readonly test: TestSystem;
}

/** Opens systems over a store in memory. */
export const openOverMemory = async (): Promise<EmbeddedBusFixture> => {
  const loan = new MemoryStoreOnLoan();
  return createFixture({ openStore: async () => loan.lend() }, () => undefined);
};

/** Opens systems over SQLite. */
export const openOverSqlite: OpenBus = async () => {
  const temp = tempStoreFile();
  return createFixture({ store: `sqlite:${temp.file}` }, () => temp.clean());
};

async function createFixture(options: Partial<TestSystemOptions>, clean: () => void): Promise<EmbeddedBusFixture> {
  let test = await begin(options, 1, undefined);
  const until: BusFixture['until'] = async (look, isFact) => {
    for (let looks = 0; ; looks++) {
      const seen = await drive(test, Promise.resolve(look()));
      if (isFact(seen)) return seen;
      if (looks === MAX_LOOKS) throw new Error(`Nothing moves: ${String(isFact)}. Last seen: ${JSON.stringify(seen)}`);
      await test.clock.advance(STEP_MS);
    }
  };
  return {
    get system() {
      return test.system;
    },
    get test() {
      return test;
    },
    until,
    run: (promise) => drive(test, promise),
    restart: async () => {
      const { seed, clock } = test;
      await test.stop();
      test = await begin(options, seed + 1, clock.now());
    },
    [Symbol.asyncDispose]: async () => {
      await test.stop();
      clean();
    },
  };
}

function begin(options: Partial<TestSystemOptions>, seed: number, startAt: number | undefined): Promise<TestSystem> {
  return testSystem({ actors: [ACTORS], ...options, seed, ...(startAt !== undefined && { startAt }) });
}

/** Lets time pass until a promise has settled. */
async function drive<T>(test: TestSystem, promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const note = (): void => void (isSettled = true);
  promise.then(note, note);
  await test.env.settle();
  for (let looks = 0; !isSettled && looks < MAX_LOOKS; looks++) await test.clock.advance(STEP_MS);
  if (!isSettled) throw new Error(`Nothing moves. Timers: ${JSON.stringify(test.unresolved().timers)}`);
  return promise;
}
