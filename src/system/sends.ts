/**
 * Sends of the host program. Each gets a number that grows; until it is acknowledged it is kept, and when its thread is
 * replaced all that were kept for it go out again, in order, before new ones (rule 3). A rejected send takes a new number
 * when it is tried again.
 *
 * Bounds (G14): as many may be under way to one actor as its mailbox holds, with the policy `block`; more wait here, in order,
 * and their promises with them. All of them together are bounded by `maxPending`; more are refused.
 */
import type { Address } from '../actor/address.ts';
import { Lane } from '../cell/lane.ts';
import { TroupeError } from '../errors.ts';
import { Slots } from '../slots.ts';
import { decodeError } from '../thread/error-codec.ts';
import type { EncodedError } from '../thread/error-codec.ts';

/** Something a host has not answered yet, and its place among all of them. */
export interface Unanswered {
  readonly order: number;
  readonly to: Address;
  readonly text: string;
}

interface Unacknowledged extends Unanswered {
  readonly window: Window | undefined;
  isPosted: boolean;
  /** Who waits for it to go out. */
  onPosted: (() => void)[] | undefined;
  readonly resolve: (reply: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** What is under way to one actor. */
interface Window {
  underWay: number;
  readonly waiting: Lane<Unacknowledged>;
}

export interface SendOptions {
  /** Id the caller chose. */
  readonly id?: string | undefined;
  /** JSON text of `create`, when the actor may be created. */
  readonly create: string | undefined;
  /** Seq the actor must have when the event's turn comes. Such an event makes no actor. */
  readonly ifSeq?: number | undefined;
  /** How many may be under way to this actor. @default Infinity */
  readonly most?: number;
}

export interface SendsOptions {
  /** Name of this sender. */
  readonly sender: string;
  readonly post: (to: Address, text: string) => void;
  /** Numbers everything that goes out to hosts, other requests included. */
  readonly nextOrder: () => number;
  /** Sends that may wait for their acknowledgement. */
  readonly maxPending: number;
}

export class Sends {
  readonly #options: SendsOptions;
  readonly #unacknowledged = new Slots<Unacknowledged>();
  readonly #windows = new Map<Address, Window>();
  #onEmpty: (() => void)[] = [];

  constructor(options: SendsOptions) {
    this.#options = options;
  }

  get pending(): number {
    return this.#unacknowledged.size;
  }

  /** Number the next send will have; names asks. */
  get nextNumber(): number {
    return this.#unacknowledged.next;
  }

  /**
   * Resolves when the state the event led to is durable; with the recorded reply when the id had been answered before.
   * @param body `"event":…` or `"command":…`, as JSON
   * @throws {TroupeError} ERR_OVERLOADED, as a rejection.
   */
  send(to: Address, body: string, options: SendOptions): Promise<unknown> {
    const { create, ifSeq, most = Infinity } = options;
    const { sender, nextOrder, maxPending } = this.#options;
    if (this.#unacknowledged.size >= maxPending) return Promise.reject(overloaded(to, maxPending));
    const n = this.#unacknowledged.next;
    // Sent again after a crash, an event with a condition must be told from one that met it and is done.
    const id = options.id ?? (ifSeq === undefined ? undefined : `if:${sender}:${n}`);
    const idPart = id === undefined ? '' : `"id":${JSON.stringify(id)},`;
    const ifPart = ifSeq === undefined ? '' : `"ifSeq":${ifSeq},`;
    const createPart = create === undefined || ifSeq !== undefined ? '' : `"create":${create},`;
    const text = `{"k":"send","to":"${to}","from":"${sender}","n":${n},${idPart}${ifPart}${createPart}${body}}`;
    return new Promise((resolve, reject) => {
      // A number below one that the actor has seen would be taken for a repetition: nothing overtakes what waits.
      const window = most === Infinity ? this.#windows.get(to) : this.#windowOf(to);
      const send = { order: nextOrder(), to, text, window, isPosted: false, onPosted: undefined, resolve, reject };
      this.#unacknowledged.add(send);
      if (window && (window.underWay >= most || window.waiting.size > 0)) window.waiting.push(send);
      else this.#post(send);
    });
  }

  /**
   * Resolves once everything sent to an actor so far has gone out, so that what follows comes after it. Nothing when all of
   * that has.
   * @throws {TroupeError} ERR_OVERLOADED, as a rejection.
   */
  posted(to: Address): Promise<void> | undefined {
    const { maxPending } = this.#options;
    const last = this.#windows.get(to)?.waiting.peekLast();
    if (!last) return undefined;
    const onPosted = (last.onPosted ??= []);
    if (onPosted.length >= maxPending) return Promise.reject(overloaded(to, maxPending));
    return new Promise((resolve) => void onPosted.push(resolve));
  }

  acknowledge(n: number, error: EncodedError | undefined, reply: unknown): void {
    const send = this.#unacknowledged.take(n);
    if (!send) return;
    if (send.window) this.#free(send.to, send.window);
    if (error) send.reject(decodeError(error));
    else send.resolve(reply);
    if (this.#unacknowledged.size === 0) for (const done of this.#onEmpty.splice(0)) done();
  }

  /** What is under way and waits for its acknowledgement. */
  get unanswered(): readonly Unanswered[] {
    return this.#unacknowledged.values().filter(({ isPosted }) => isPosted);
  }

  /** Resolves when nothing is unacknowledged. */
  settled(): Promise<void> {
    if (this.#unacknowledged.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onEmpty.push(resolve));
  }

  /** Rejects whatever still waits. */
  abandon(): void {
    for (const send of this.#unacknowledged.values()) {
      send.reject(abandoned(send.to));
      tellPosted(send);
    }
    this.#unacknowledged.clear();
    this.#windows.clear();
    for (const done of this.#onEmpty.splice(0)) done();
  }

  #post(send: Unacknowledged): void {
    if (send.window) send.window.underWay++;
    send.isPosted = true;
    this.#options.post(send.to, send.text);
    tellPosted(send);
  }

  #windowOf(to: Address): Window {
    let window = this.#windows.get(to);
    if (!window) this.#windows.set(to, (window = { underWay: 0, waiting: new Lane() }));
    return window;
  }

  #free(to: Address, window: Window): void {
    window.underWay--;
    const next = window.waiting.shift();
    if (next) this.#post(next);
    else if (window.underWay === 0) this.#windows.delete(to);
  }
}

function tellPosted({ onPosted }: Unacknowledged): void {
  if (onPosted) for (const posted of onPosted) posted();
}

/** What a caller is told that has too much under way. */
export function overloaded(to: Address, maxPending: number): TroupeError {
  return new TroupeError(
    'ERR_OVERLOADED',
    `${maxPending} messages wait for an answer, so that none was taken for '${to}'. Await earlier ones first, or raise maxPending in createSystem.`,
    { details: { address: to, maxPending } },
  );
}

function abandoned(to: Address): TroupeError {
  return new TroupeError(
    'ERR_SYSTEM_STOPPED',
    `The system stopped before '${to}' acknowledged. Whether the event was processed is unknown; send it again with an id.`,
    { details: { address: to } },
  );
}
