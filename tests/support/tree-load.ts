/** The load of the tree run: sends, half of them with an id, and chains of tells between actors, each call and outcome in a history. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isTroupeError } from '../../src/index.ts';
import type { ActorEvent, SendOptions, System } from '../../src/index.ts';
import type { ChaosOp, HistoryLine } from './chaos-history.ts';
import type { ChaosRandom } from './chaos-random.ts';
import { TREE_DEFINITIONS } from './tree-actors.ts';
import type { TreeType } from './tree-shape.ts';

/** Sends without an outcome at most; those to a blocked thread wait there. */
const MOST_OPEN = 2_000;
const BATCH = 3;
const BATCH_EVERY_MS = 5;
const PASSED_ON = 0.4;
const PARTNERS = 3;

const SENDER = 'main';

/** What is sent besides the note itself. */
type Extra = Readonly<Record<string, unknown>>;

export class TreeLoad {
  readonly lines: HistoryLine[] = [];
  readonly #system: System;
  readonly #random: ChaosRandom;
  readonly #isStopped = new AbortController();
  #sent = 0;
  #open = 0;
  /** Addresses that may be sent to; temporary ones change. */
  targets: readonly string[];
  /** Those that do not end by themselves, in one order for good. */
  readonly #lasting: readonly string[];

  constructor(system: System, random: ChaosRandom, targets: readonly string[]) {
    this.#system = system;
    this.#random = random;
    this.targets = targets;
    this.#lasting = targets.filter((address) => !isBrief(address));
  }

  get sent(): number {
    return this.#sent;
  }

  get open(): number {
    return this.#open;
  }

  /** Sends one event and notes how that ended. Resolves with whether it was acknowledged; that it was rejected is no error here. */
  async send(to: string, type: string, op: ChaosOp, extra: Extra = {}): Promise<boolean> {
    const n = ++this.#sent;
    const id = typeof extra['id'] === 'string' ? extra['id'] : `m.${n}`;
    const route = (extra['route'] as readonly string[] | undefined) ?? [];
    const known = { id, from: SENDER, n, at: Date.now() };
    const rejectable = isBrief(to) && op !== 'bad' ? 'frail' : op;
    // Half of them without an id of the caller's: what is repeated to a new thread must be known by other means.
    const isKeyed = n % 2 === 0;
    this.lines.push({ t: 'call', ...known, op: rejectable, to, route, isKeyed });
    this.#open++;
    const event = { ...extra, type, id, from: SENDER, n } as ActorEvent;
    const code = await this.#outcomeOf(to, event, isKeyed ? { id } : {});
    this.#open--;
    const is = code === undefined ? 'ok' : 'fail';
    this.lines.push({ t: 'end', id, from: SENDER, n, is, at: Date.now(), ...(code !== undefined && { code }) });
    return is === 'ok';
  }

  async #outcomeOf(to: string, event: ActorEvent, options: SendOptions): Promise<string | undefined> {
    const [type = '', key = ''] = to.split('/');
    try {
      await this.#system.actor(TREE_DEFINITIONS[type as TreeType], key).send(event as never, options);
      return undefined;
    } catch (error) {
      if (isTroupeError(error)) return error.code;
      throw error;
    }
  }

  /** Sends at a steady pace until it is stopped. */
  async run(): Promise<void> {
    while (!this.#isStopped.signal.aborted) {
      for (let i = 0; i < BATCH && this.#open < MOST_OPEN; i++) void this.#sendOne();
      await sleep(BATCH_EVERY_MS);
    }
  }

  stop(): void {
    this.#isStopped.abort();
  }

  #sendOne(): Promise<boolean> {
    const to = this.#random.pick(this.targets);
    if (!this.#random.chance(PASSED_ON)) return this.send(to, 'NOTE', 'note');
    const first = this.#partnerOf(to);
    const route = this.#random.chance(0.5) ? [first] : [first, this.#partnerOf(first)];
    return this.send(to, 'PASS', 'pass', { route });
  }

  /** Few each: an actor keeps a count for every other it ever told something. */
  #partnerOf(address: string): string {
    const at = this.#lasting.indexOf(address) + 1;
    const partner = this.#lasting[(at * 7 + 31 * this.#random.between(1, PARTNERS)) % this.#lasting.length] as string;
    return partner === address ? this.#partnerOf(address) : partner;
  }
}

/** True for an address of a temporary actor. */
export function isBrief(address: string): boolean {
  return address.startsWith('brief/');
}
