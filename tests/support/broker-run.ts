/** A run with a broker: one server behind a proxy, two systems, foreign clients, and what goes wrong among them. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BrokerHistory, Hearing } from './broker-check.ts';
import { carryOut, killServer } from './broker-faults.ts';
import type { BrokerWorld } from './broker-faults.ts';
import { Flows } from './broker-flows.ts';
import { startForeignPublisher, startRequester } from './broker-foreign.ts';
import type { ForeignClient } from './broker-foreign.ts';
import { gatherPublications, gatherReceivers, gatherRefusals, gatherTorn } from './broker-gather.ts';
import { describeFault, SIDES } from './broker-plan.ts';
import type { Step } from './broker-plan.ts';
import type { SystemLook } from './broker-protocol.ts';
import { StreamReader } from './broker-stream.ts';
import { BrokerSystem } from './broker-system.ts';
import type { FaultMark } from './broker-times.ts';
import type { ChaosRandom } from './chaos-random.ts';

export interface BrokerRunOptions {
  readonly world: Omit<BrokerWorld, 'restartSystem'>;
  readonly random: ChaosRandom;
  readonly seed: number;
  readonly folder: string;
  readonly threads: number;
  /** Events per second of both systems together. */
  readonly perSecond: number;
  readonly say: (line: string) => void;
}

/** Something that went wrong while it ran. */
export interface RunFinding {
  readonly kind: 'stuck' | 'not-drained' | 'crashed' | 'refused' | 'torn';
  readonly text: string;
}

/** What the end of a run took. */
export interface Drain {
  /** What both systems held when the server accepted again, and the time until all of it was acknowledged. */
  readonly held: number;
  readonly drainMs: number;
}

const NAMESPACE = 'chaos';
const FOREIGN_PUBLISHERS = 3;
const FOREIGN_EVERY_MS = 25;
const REQUEST_EVERY_MS = 40;
/** The requirement: after every fault something moves again within this time. */
const PROGRESS_MS = 10_000;
const START_MS = 60_000;
/** The last outage, at whose end both systems hold what they have published meanwhile. */
const LAST_DOWN_MS = 2500;
/** Server 2.9.10 may have lost the place of the group, which then goes through the whole stream again. */
const DRAIN_TIMEOUT_MS = 180_000;
const LOOK_EVERY_MS = 20;

/** One run. */
export class BrokerRun {
  readonly #options: BrokerRunOptions;
  readonly #flows = new Flows();
  readonly #systems: readonly BrokerSystem[];
  readonly #world: BrokerWorld;
  readonly #foreign: ForeignClient[] = [];
  readonly #faults: FaultMark[] = [];
  readonly #findings: RunFinding[] = [];

  constructor(options: BrokerRunOptions) {
    const { world, folder, threads, perSecond, seed } = options;
    this.#options = options;
    this.#systems = SIDES.map((side, index) => {
      const url = world.proxy.url;
      const shared = { url, namespace: NAMESPACE, threads, perSecond: perSecond / SIDES.length };
      const onFlow: Flows['note'] = (flow, sentAt) => this.#flows.note(flow, sentAt);
      return new BrokerSystem({
        ...shared,
        side,
        folder,
        onFlow,
        cacheFolder: join(folder, 'cache'),
        seed: seed + 1000 * (index + 1),
      });
    });
    this.#world = { ...world, restartSystem: async (side, downMs) => this.#systemOf(side).restart(downMs) };
  }

  get findings(): readonly RunFinding[] {
    return this.#findings;
  }

  get faults(): readonly FaultMark[] {
    return this.#faults;
  }

  /** Requests that were answered, and attempts of foreign clients beyond the first. */
  get foreign(): { readonly requests: number; readonly repeats: number } {
    const requester = this.#foreign.at(-1);
    return {
      requests: requester?.publications.length ?? 0,
      repeats: this.#foreign.reduce((sum, { repeats }) => sum + repeats, 0),
    };
  }

  /** Starts everything. Resolves when events flow everywhere. */
  async start(): Promise<void> {
    const startedAt = Date.now();
    // One after the other: the first makes the stream.
    for (const system of this.#systems) await system.start();
    // What is published before both have seen the stream is for one of them only.
    for (const { child } of this.#systems) child.go();
    const { random, world } = this.#options;
    const shared = { url: world.proxy.url, namespace: NAMESPACE, random };
    for (let i = 1; i <= FOREIGN_PUBLISHERS; i++)
      this.#foreign.push(startForeignPublisher(`F.${i}`, { ...shared, everyMs: FOREIGN_EVERY_MS }));
    const onAcknowledged = (sentAt: number): void => this.#flows.note('requests', sentAt);
    this.#foreign.push(startRequester('R.1', { ...shared, everyMs: REQUEST_EVERY_MS, onAcknowledged }));
    await this.#awaitFlows(startedAt, 'the start', START_MS);
  }

  /** Goes through the plan; ends early when something is stuck. The last step is left to `drain`. */
  async suffer(steps: readonly Step[]): Promise<void> {
    for (const [index, { fault, pauseMs, isAwaited }] of steps.slice(0, -1).entries()) {
      await sleep(pauseMs);
      const name = `${describeFault(fault)} (${index + 1} of ${steps.length})`;
      const mark = await carryOut(fault, this.#world);
      this.#faults.push({ ...mark, name, isAwaited });
      if (!isAwaited) continue;
      await this.#awaitFlows(mark.overAt, name, PROGRESS_MS);
      const tookMs = Date.now() - mark.overAt;
      const lastedMs = mark.overAt - mark.beganAt;
      this.#options.say(`${name}, over after ${lastedMs} ms: everything flows again ${tookMs} ms later`);
      if (this.#findings.length > 0) return;
    }
  }

  /** The last kill of the server: the load ends while it is away, and what is held drains when it is back. */
  async drain(): Promise<Drain> {
    let [beganAt, held] = [Date.now(), 0];
    const whileDown = async (): Promise<void> => {
      await sleep(LAST_DOWN_MS);
      await Promise.all(this.#systems.map(({ child }) => child.halt()));
      held = sumOf((await this.#look()).map(({ unsent }) => unsent));
    };
    await killServer(this.#world, () => void (beganAt = Date.now()), whileDown);
    const overAt = Date.now();
    this.#faults.push({ kind: 'kill', name: 'the last kill', beganAt, overAt, isAwaited: true });
    await this.#until('everything published is sent', (looks) => looks.every(({ unsent }) => unsent === 0));
    const drainMs = Date.now() - overAt;
    await Promise.all(this.#foreign.map((client) => client.halt()));
    await this.#settle();
    return { held, drainMs };
  }

  /** Lets both systems write down what they have. Resolves with the history of all. */
  async finish(): Promise<BrokerHistory> {
    await Promise.all(this.#systems.map(({ child }) => child.finish()));
    const records = this.#systems.map((system) => ({ side: system.side, lives: system.lives(), dump: system.dump() }));
    for (const text of gatherRefusals(records)) this.#find('refused', text);
    for (const text of gatherTorn(records)) this.#find('torn', text);
    const foreign = this.#foreign.flatMap(({ publications }) => publications);
    return {
      publications: [...gatherPublications(records), ...foreign],
      receivers: gatherReceivers(records, await this.#readStream()),
      faults: this.#faults,
    };
  }

  /** Kills what still runs. */
  async abandon(): Promise<void> {
    await Promise.all(this.#systems.map((system) => system.kill()));
  }

  /** Notes an error that ended the run. */
  fail(error: unknown): void {
    this.#find('crashed', error instanceof Error ? (error.stack ?? error.message) : String(error));
  }

  /** Everything sent is in the stream: all of it is to be read, handled and acknowledged. */
  async #settle(): Promise<void> {
    await using reader = await this.#reader();
    const isDone = async (looks: readonly SystemLook[]): Promise<boolean> => {
      const { lastSeq, pending, unacknowledged } = await reader.look();
      return (
        pending + unacknowledged === 0 &&
        looks.every(
          ({ streamSeq, unsent, unread, inboxRows, outboxRows, unhandled }) =>
            streamSeq >= lastSeq && unsent + unread + inboxRows + outboxRows + unhandled === 0,
        )
      );
    };
    await this.#until('everything sent is handled', isDone, () => reader.look());
  }

  async #readStream(): Promise<readonly Hearing[]> {
    await using reader = await this.#reader();
    return await reader.read();
  }

  #reader(): Promise<StreamReader> {
    return StreamReader.connect(this.#options.world.server.url, NAMESPACE);
  }

  #look(): Promise<readonly SystemLook[]> {
    return Promise.all(this.#systems.map(({ child }) => child.look()));
  }

  async #until(
    what: string,
    isFact: (looks: readonly SystemLook[]) => boolean | Promise<boolean>,
    more: () => unknown = () => '',
  ): Promise<void> {
    const giveUpAt = performance.now() + DRAIN_TIMEOUT_MS;
    for (;;) {
      const looks = await this.#look();
      if (await isFact(looks)) return;
      if (performance.now() > giveUpAt) {
        const seen = JSON.stringify([...looks, await more()]);
        return this.#find('not-drained', `not within ${DRAIN_TIMEOUT_MS} ms: ${what}. Last seen: ${seen}`);
      }
      await sleep(LOOK_EVERY_MS);
    }
  }

  async #awaitFlows(sinceAt: number, name: string, timeoutMs: number): Promise<void> {
    const stuck = await this.#flows.resumed(sinceAt, timeoutMs);
    if (stuck.length === 0) return;
    const logs = this.#systems.map(({ side, child }) => `Log of ${side}:\n${child.log}`);
    const failures = this.#foreign.map(({ lastFailure }) => lastFailure);
    const details = [...failures, ...logs, `Log of the server:\n${this.#options.world.server.log().slice(-3000)}`];
    this.#find('stuck', `${timeoutMs} ms after ${name}: nothing in ${stuck.join(', ')}\n${details.join('\n')}`);
  }

  #systemOf(side: string): BrokerSystem {
    return this.#systems.find((system) => system.side === side) as BrokerSystem;
  }

  #find(kind: RunFinding['kind'], text: string): void {
    this.#findings.push({ kind, text });
  }
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
