/**
 * Events the host program sends and forgets: at most once. What is on its way to one host is bounded by credit that the host
 * gives back; beyond that the sender's promise waits (G14).
 */
import type { Address } from '../actor/address.ts';
import { overloaded } from './sends.ts';

/** Tells on their way to one host. */
export const MAX_TELLS_ON_THE_WAY = 16_384;

interface Waiting {
  readonly to: Address;
  readonly text: string;
  readonly resolve: () => void;
}

interface Link {
  onTheWay: number;
  waiting: Waiting[];
}

export interface TellsOptions {
  readonly post: (to: Address, text: string) => void;
  readonly indexOf: (to: Address) => number | undefined;
  /** Tells that may wait for their turn. */
  readonly maxPending: number;
}

const DONE = Promise.resolve();

export class Tells {
  readonly #options: TellsOptions;
  readonly #links = new Map<number, Link>();
  /** For actors whose own thread is being started. */
  #unrouted: Waiting[] = [];
  #waiting = 0;

  constructor(options: TellsOptions) {
    this.#options = options;
  }

  /** Resolves when the event is on its way; at once, unless its thread has too much to do. @throws ERR_OVERLOADED */
  tell(to: Address, eventText: string, create: string | undefined): Promise<void> {
    const { post, indexOf, maxPending } = this.#options;
    const createPart = create === undefined ? '' : `"create":${create},`;
    const text = `{"k":"tell","to":"${to}",${createPart}"event":${eventText}}`;
    const index = indexOf(to);
    const link = index === undefined ? undefined : this.#linkOf(index);
    if (link && link.onTheWay < MAX_TELLS_ON_THE_WAY && link.waiting.length === 0) {
      link.onTheWay++;
      post(to, text);
      return DONE;
    }
    if (this.#waiting >= maxPending) return Promise.reject(overloaded(to, maxPending));
    this.#waiting++;
    // Asks for the thread of an actor that has none yet; the tell itself waits for it.
    if (!link) post(to, text);
    return new Promise((resolve) => void (link?.waiting ?? this.#unrouted).push({ to, text, resolve }));
  }

  /** A host has taken that many. */
  credit(index: number, count: number): void {
    const link = this.#linkOf(index);
    link.onTheWay = Math.max(0, link.onTheWay - count);
    this.#release(link);
  }

  /** A host was replaced: what was on its way is lost. */
  replaced(index: number): void {
    const link = this.#linkOf(index);
    link.onTheWay = 0;
    const isHere = ({ to }: Waiting): boolean => this.#options.indexOf(to) === index;
    link.waiting.push(...this.#unrouted.filter(isHere));
    this.#unrouted = this.#unrouted.filter((waiting) => !isHere(waiting));
    this.#release(link);
  }

  /** Lets whoever waits go on; nothing goes out any more. */
  abandon(): void {
    const waiting = [...this.#links.values()].flatMap((link) => link.waiting.splice(0));
    for (const { resolve } of [...waiting, ...this.#unrouted.splice(0)]) resolve();
  }

  #linkOf(index: number): Link {
    let link = this.#links.get(index);
    if (!link) this.#links.set(index, (link = { onTheWay: 0, waiting: [] }));
    return link;
  }

  #release(link: Link): void {
    const count = Math.min(link.waiting.length, MAX_TELLS_ON_THE_WAY - link.onTheWay);
    for (const { to, text, resolve } of link.waiting.splice(0, count)) {
      link.onTheWay++;
      this.#waiting--;
      this.#options.post(to, text);
      resolve();
    }
  }
}
