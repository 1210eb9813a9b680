/** The load of a chaos run: clients that send, ask, schedule, publish, repeat and burst, with every call and outcome in the history. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isTroupeError } from '../../src/index.ts';
import type { ActorRef, System } from '../../src/index.ts';
import { createRefs } from './chaos-cast.ts';
import { ringOf } from './chaos-check-time.ts';
import { Choices, lockOf } from './chaos-choices.ts';
import type { Choice } from './chaos-choices.ts';
import { record } from './chaos-history.ts';
import type { CallOutcome, ChaosOp, Invocation } from './chaos-history.ts';
import type { ChaosRandom } from './chaos-random.ts';

const CLIENTS = 12;
const MOST_IN_A_BURST = 12;

export interface LoadOptions {
  readonly system: System;
  readonly random: ChaosRandom;
  /** Names this program as a sender; a new one for every start. */
  readonly sender: string;
  /** Threads of the system, so that relays know which ledgers live elsewhere. */
  readonly threads: number;
  /** Calls whose outcome is unknown; they go out again first. */
  readonly repeat: readonly Invocation[];
  /** Calls to make. */
  readonly limit: number;
  /** Called when the first outcome is known. */
  readonly onFirst?: () => void;
}

/** A load that runs. */
export interface Load {
  /** Calls that have no outcome yet. */
  open(): readonly Invocation[];
  /** Makes no new calls. Resolves when all that were made have an outcome. */
  stop(): Promise<void>;
  /** Resolves when `limit` calls were made and have an outcome. */
  readonly done: Promise<void>;
}

/** The name of the subscription that sees everything. */
export const WITNESS = 'witness';

/** Every so many events the witness takes its time, so that it may be killed with one in hand. */
const SLOW_EVERY = 4;
const SLOW_MS = 3;

/** Subscribes the witness, who writes down what it receives in the life of `sender`. */
export async function startWitness(system: System, sender: string): Promise<void> {
  let count = 0;
  const take = async ({ data }: { readonly data: unknown }): Promise<void> => {
    if (++count % SLOW_EVERY === 0) await sleep(SLOW_MS);
    record({ t: 'heard', id: (data as { readonly id: string }).id, life: sender });
  };
  await system.bus.subscribe('>', take, { name: WITNESS });
  record({ t: 'witness', id: WITNESS });
}

/** Starts a load. */
export function startLoad(options: LoadOptions): Load {
  const run = new LoadRun(options);
  return { open: () => run.open, stop: () => run.stop(), done: run.done };
}

class LoadRun {
  readonly done: Promise<void>;
  readonly #options: LoadOptions;
  readonly #refs: ReadonlyMap<string, ActorRef>;
  readonly #open = new Set<Invocation>();
  readonly #choices: Choices;
  readonly #acknowledged: Invocation[] = [];
  readonly #locks = new Set<string>();
  #n = 0;
  #isOver = false;
  #hasOutcome = false;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#refs = createRefs(options.system);
    this.#choices = new Choices(options.random, options.threads, options.sender);
    const repeated = options.repeat.map((former) => this.#call({ ...former, ...this.#next() }));
    const clients = Array.from({ length: CLIENTS }, () => this.#client());
    this.done = Promise.all([...repeated, ...clients]).then(() => undefined);
  }

  get open(): readonly Invocation[] {
    return [...this.#open];
  }

  stop(): Promise<void> {
    this.#isOver = true;
    return this.done;
  }

  async #client(): Promise<void> {
    while (!this.#isOver && this.#n < this.#options.limit) await this.#step();
  }

  /** One call, or a burst of calls to one actor that do not wait for each other. */
  async #step(): Promise<void> {
    const { random } = this.#options;
    if (random.chance(0.05) && this.#acknowledged.length > 0) {
      await this.#call({ ...random.pick(this.#acknowledged), ...this.#next() });
      return;
    }
    const choice = this.#choices.next();
    const lock = lockOf(choice);
    if (lock !== undefined) await this.#alone(lock, choice);
    else await Promise.all(Array.from({ length: this.#pickCount(choice.op) }, () => this.#call(this.#create(choice))));
  }

  #pickCount(op: ChaosOp): number {
    const { random } = this.#options;
    return op !== 'run' && random.chance(0.15) ? random.between(2, MOST_IN_A_BURST) : 1;
  }

  /** Makes a call unless one of the same lock is under way. */
  async #alone(lock: string, choice: Choice): Promise<void> {
    if (this.#locks.has(lock)) return;
    this.#locks.add(lock);
    await this.#call({ ...this.#create(choice), isKeyed: false });
    this.#locks.delete(lock);
  }

  #create(choice: Choice): Invocation {
    const next = this.#next();
    const isKeyed = this.#options.random.chance(0.4);
    return { t: 'call', id: `${next.from}.${next.n}`, isKeyed, ...choice, ...next };
  }

  #next(): { readonly from: string; readonly n: number; readonly at: number } {
    return { from: this.#options.sender, n: ++this.#n, at: Date.now() };
  }

  async #call(call: Invocation): Promise<void> {
    record(call);
    this.#open.add(call);
    const outcome = await this.#perform(call);
    this.#open.delete(call);
    record({ t: 'end', id: call.id, from: call.from, n: call.n, at: Date.now(), ...outcome });
    if (outcome.is === 'ok' && call.isKeyed) this.#remember(call);
    if (this.#hasOutcome) return;
    this.#hasOutcome = true;
    this.#options.onFirst?.();
  }

  async #perform(call: Invocation): Promise<Pick<CallOutcome, 'is' | 'code' | 'reply'>> {
    try {
      return { is: 'ok', reply: await this.#make(call) };
    } catch (error) {
      return describeFailure(error);
    }
  }

  #make(call: Invocation): Promise<unknown> {
    const { id, op, to, from, n, topic = '', timer, isKeyed } = call;
    const ref = this.#refs.get(to) as ActorRef;
    const options = isKeyed ? { id } : {};
    if (op === 'publish') return this.#options.system.bus.publish(topic, { id, from, n }, options);
    if (op === 'unschedule') return ref.unschedule(timer?.key ?? '');
    if (op === 'schedule') return ref.schedule(timer?.key ?? '', toRing(call) as never, toTime(call));
    return op === 'ask' ? ref.ask(toEvent(call) as never, options) : ref.send(toEvent(call) as never, options);
  }

  /** Kept to be sent once more under the same id. */
  #remember(call: Invocation): void {
    this.#acknowledged.push(call);
    if (this.#acknowledged.length > 50) this.#acknowledged.shift();
  }
}

function toEvent({ id, op, from, n, route, topic, timer }: Invocation) {
  const more = { ...(route.length > 0 && { route }), ...(topic !== undefined && { topic }), ...timer };
  return { type: op.toUpperCase(), id, from, n, ...more };
}

function toRing({ id, timer }: Invocation) {
  return { type: 'RING', id: ringOf(id), key: timer?.key };
}

function toTime({ timer: { dueAt, afterMs = 0 } = { key: '' } }: Invocation) {
  return dueAt === undefined ? { afterMs } : { at: dueAt };
}

const UNKNOWN_OUTCOMES: ReadonlySet<string> = new Set(['ERR_SYSTEM_STOPPED', 'ERR_ASK_TIMEOUT']);

function describeFailure(error: unknown): Pick<CallOutcome, 'is' | 'code'> {
  const code = isTroupeError(error) ? error.code : String(error);
  return { is: UNKNOWN_OUTCOMES.has(code) ? 'unknown' : 'fail', code };
}
