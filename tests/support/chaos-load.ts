/** The load of a chaos run: clients that send, ask, repeat and burst, all seeded, with every call and outcome in the history. */
import { hashAddress } from '../../src/actor/address.ts';
import { isTroupeError } from '../../src/index.ts';
import type { ActorRef, AnyDefinition, System } from '../../src/index.ts';
import { job, ledger, relay } from './chaos-actors.ts';
import { record } from './chaos-history.ts';
import type { CallOutcome, ChaosOp, Invocation } from './chaos-history.ts';
import type { ChaosRandom } from './chaos-random.ts';

/** Keys of the actors under load. */
export const LEDGERS = ['l0', 'l1', 'l2', 'l3'] as const;
export const RELAYS = ['r0', 'r1', 'r2', 'r3'] as const;
export const JOBS = ['j0', 'j1', 'j2'] as const;

const CLIENTS = 12;
const MOST_IN_A_BURST = 12;

/** Every address under load. */
export const ADDRESSES: readonly string[] = [
  ...LEDGERS.map((key) => `ledger/${key}`),
  ...RELAYS.map((key) => `relay/${key}`),
  ...JOBS.map((key) => `job/${key}`),
];

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
  readonly #acknowledged: Invocation[] = [];
  #n = 0;
  #isOver = false;
  #hasOutcome = false;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#refs = createRefs(options.system);
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
    const op = pickOp(random);
    const to = pickReceiver(op, random);
    const count = op !== 'run' && random.chance(0.15) ? random.between(2, MOST_IN_A_BURST) : 1;
    await Promise.all(Array.from({ length: count }, () => this.#call(this.#create(op, to))));
  }

  #create(op: ChaosOp, to: string): Invocation {
    const { random, threads } = this.#options;
    const next = this.#next();
    const isKeyed = random.chance(0.4);
    const route = pickRoute(op, to, random, threads);
    return { t: 'call', id: `${next.from}.${next.n}`, op, to, route, isKeyed, ...next };
  }

  #next(): { readonly from: string; readonly n: number } {
    return { from: this.#options.sender, n: ++this.#n };
  }

  async #call(call: Invocation): Promise<void> {
    record(call);
    this.#open.add(call);
    const outcome = await this.#perform(call);
    this.#open.delete(call);
    record({ t: 'end', id: call.id, from: call.from, n: call.n, ...outcome });
    if (outcome.is === 'ok' && call.isKeyed) this.#remember(call);
    if (this.#hasOutcome) return;
    this.#hasOutcome = true;
    this.#options.onFirst?.();
  }

  async #perform({
    id,
    op,
    to,
    route,
    from,
    n,
    isKeyed,
  }: Invocation): Promise<Pick<CallOutcome, 'is' | 'code' | 'reply'>> {
    const ref = this.#refs.get(to) as ActorRef;
    const event = { type: EVENT_TYPES[op], id, from, n, ...(route.length > 0 && { route }) };
    const options = isKeyed ? { id } : {};
    try {
      if (op === 'ask') return { is: 'ok', reply: await ref.ask(event as never, options) };
      await ref.send(event as never, options);
      return { is: 'ok' };
    } catch (error) {
      return describeFailure(error);
    }
  }

  /** Kept to be sent once more under the same id. */
  #remember(call: Invocation): void {
    this.#acknowledged.push(call);
    if (this.#acknowledged.length > 50) this.#acknowledged.shift();
  }
}

const EVENT_TYPES: Readonly<Record<ChaosOp, string>> = {
  note: 'NOTE',
  ask: 'ASK',
  pass: 'PASS',
  run: 'RUN',
  bad: 'BAD',
};

const UNKNOWN_OUTCOMES: ReadonlySet<string> = new Set(['ERR_SYSTEM_STOPPED', 'ERR_ASK_TIMEOUT']);

function describeFailure(error: unknown): Pick<CallOutcome, 'is' | 'code'> {
  const code = isTroupeError(error) ? error.code : String(error);
  return { is: UNKNOWN_OUTCOMES.has(code) ? 'unknown' : 'fail', code };
}

function createRefs(system: System): ReadonlyMap<string, ActorRef> {
  const refs = [
    ...LEDGERS.map((key) => system.actor(ledger, key)),
    ...RELAYS.map((key) => system.actor(relay, key)),
    ...JOBS.map((key) => system.actor(job, key)),
  ] as unknown as readonly ActorRef<AnyDefinition>[];
  return new Map(refs.map((ref) => [ref.address, ref]));
}

function pickOp(random: ChaosRandom): ChaosOp {
  const dice = random.next();
  if (dice < 0.45) return 'note';
  if (dice < 0.6) return 'ask';
  if (dice < 0.95) return 'pass';
  return dice < 0.985 ? 'run' : 'bad';
}

function pickReceiver(op: ChaosOp, random: ChaosRandom): string {
  if (op === 'pass') return `relay/${random.pick(RELAYS)}`;
  if (op === 'run') return `job/${random.pick(JOBS)}`;
  if (op === 'bad') return random.pick(ADDRESSES);
  return `ledger/${random.pick(LEDGERS)}`;
}

/** One stop for a run; one or two for a pass, each mostly on another thread than the one before. */
function pickRoute(op: ChaosOp, to: string, random: ChaosRandom, threads: number): readonly string[] {
  if (op === 'run') return [`ledger/${random.pick(LEDGERS)}`];
  if (op !== 'pass') return [];
  if (random.chance(0.7))
    return [
      elsewhere(
        to,
        LEDGERS.map((key) => `ledger/${key}`),
        random,
        threads,
      ),
    ];
  const next = elsewhere(
    to,
    RELAYS.map((key) => `relay/${key}`),
    random,
    threads,
  );
  return [
    next,
    elsewhere(
      next,
      LEDGERS.map((key) => `ledger/${key}`),
      random,
      threads,
    ),
  ];
}

function elsewhere(from: string, choices: readonly string[], random: ChaosRandom, threads: number): string {
  const others = choices.filter((address) => threadOf(address, threads) !== threadOf(from, threads));
  return random.pick(others.length > 0 && random.chance(0.8) ? others : choices);
}

function threadOf(address: string, threads: number): number {
  return hashAddress(address as never) % threads;
}
