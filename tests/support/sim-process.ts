/** Processes of a simulated story, one after the other on one store: each is a system that is started, and stopped or killed. */
import { createSystem } from '../../src/index.ts';
import type { System, SystemOptions } from '../../src/index.ts';
import type { Store } from '../../src/store/store.ts';
import type { SimulatedEnv } from '../../src/testing.ts';
import { DEFINITIONS } from './sim-actors.ts';

const YEAR_MS = 365 * 86_400_000;

/** Callbacks taken at a time while something must come about. */
const STRIDE = 50;

/** More than any start or stop takes. */
const MAX_STRIDES = 4000;

/** More than the time limits of a stop together. */
const STOP_LIMIT_MS = 60_000;

export interface SimLogLine {
  readonly level: string;
  readonly text: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export class SimProcess {
  readonly #env: SimulatedEnv;
  readonly #store: Store;
  readonly #onLog: (line: SimLogLine) => void;
  #system: System | undefined;

  constructor(env: SimulatedEnv, store: Store, onLog: (line: SimLogLine) => void) {
    this.#env = env;
    this.#store = store;
    this.#onLog = onLog;
  }

  get system(): System {
    if (!this.#system) throw new Error('No process runs.');
    return this.#system;
  }

  /** Starts a process; with a number, it is killed after that many callbacks unless it runs by then. */
  async start(killAfter = Infinity): Promise<boolean> {
    const starting = this.#create();
    let failure: unknown;
    starting.then(
      (system) => void (this.#system = system),
      (error: unknown) => void (failure = error),
    );
    // Modules are imported first: real input and output, at the end of which something waits.
    while (this.#env.waiting === 0 && !this.#system && failure === undefined) await this.#env.step(0);
    for (let taken = 0, idle = 0; !this.#system;) {
      if (failure !== undefined) throw failure;
      if (taken >= killAfter) return this.kill();
      const stepped = await this.#env.step(Math.min(STRIDE, killAfter - taken));
      taken += stepped;
      idle = stepped === 0 ? idle + 1 : 0;
      if (idle > MAX_STRIDES) throw new Error('The start of a process came to a halt.');
    }
    return true;
  }

  /** Ends the process at once: nothing of it goes on. */
  kill(): false {
    this.#env.discard();
    this.#system = undefined;
    return false;
  }

  /** Stops the system in good order. */
  async stop(): Promise<void> {
    let isOver = false;
    const stopping = this.system.stop();
    const note = (): void => void (isOver = true);
    stopping.then(note, note);
    for (let i = 0; !isOver; i++) {
      if (i > MAX_STRIDES) throw new Error('The stop of a process came to a halt.');
      await this.#env.step(STRIDE, STOP_LIMIT_MS);
    }
    await stopping;
    this.kill();
  }

  #create(): Promise<System> {
    const log: SystemOptions['log'] = (level, fields, text) => this.#onLog({ level, fields, text });
    return createSystem({
      actors: Object.values(DEFINITIONS),
      store: 'memory:',
      openStore: async () => this.#store,
      threads: 0,
      inlineHosts: 3,
      env: this.#env,
      log,
      recoverEveryMs: 1000,
      // Only what is asked for goes: a clock that jumps must not make the past be forgotten.
      idRetentionMs: YEAR_MS,
      topicRetentionMs: YEAR_MS,
      maxLiveActors: 6,
    });
  }
}
