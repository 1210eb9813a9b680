/**
 * Events the host program sends and forgets: at most once. What is on its way to one host is bounded by credit that the host
 * gives back; beyond that the sender's promise waits (G14).
 */
import type { Address } from '../actor/address.ts';
import { Lane } from '../cell/lane.ts';
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
  readonly waiting: Lane<Waiting>;
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
    if (link && link.onTheWay < MAX_TELLS_ON_THE_WAY && link.waiting.size === 0) {
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

  /** Tells of a committed row. Over the bound it is left out: the recovery loop finds the row. */
  hint(to: Address, text: string): void {
    const { post, indexOf } = this.#options;
    const index = indexOf(to);
    if (index === undefined) return post(to, text);
    const link = this.#linkOf(index);
    if (link.onTheWay >= MAX_TELLS_ON_THE_WAY) return;
    link.onTheWay++;
    post(to, text);
  }

  /** A host has taken that many. */
  credit(index: number, count: number): void {
    const link = this.#links.get(index);
    if (!link) return;
    link.onTheWay = Math.max(0, link.onTheWay - count);
    this.#release(link);
  }

  /** A host was replaced, or has gone with the actor it was for: what was on its way is lost. */
  replaced(index: number): void {
    const { indexOf, post } = this.#options;
    const waiting = [...(this.#links.get(index)?.waiting.takeAll() ?? []), ...this.#unrouted];
    this.#links.delete(index);
    this.#unrouted = [];
    for (const each of waiting) {
      const at = indexOf(each.to);
      if (at !== undefined) this.#linkOf(at).waiting.push(each);
      else {
        this.#unrouted.push(each);
        // Asks for a thread again.
        post(each.to, each.text);
      }
    }
    for (const link of this.#links.values()) this.#release(link);
  }

  /** Lets whoever waits go on; nothing goes out any more. */
  abandon(): void {
    const waiting = [...this.#links.values()].flatMap((link) => link.waiting.takeAll());
    for (const { resolve } of [...waiting, ...this.#unrouted.splice(0)]) resolve();
  }

  #linkOf(index: number): Link {
    let link = this.#links.get(index);
    if (!link) this.#links.set(index, (link = { onTheWay: 0, waiting: new Lane() }));
    return link;
  }

  #release(link: Link): void {
    while (link.onTheWay < MAX_TELLS_ON_THE_WAY) {
      const next = link.waiting.shift();
      if (!next) return;
      link.onTheWay++;
      this.#waiting--;
      this.#options.post(next.to, next.text);
      next.resolve();
    }
  }
}
