/** Subscriptions of actors, by topic and by actor. A picture in memory of what a store keeps: the store keeps it in step. */
import type { Address } from '../actor/address.ts';
import { SubjectTrie } from '../bus/trie.ts';
import { endsActor } from './decide.ts';
import type { Commit, Subscription } from './store.ts';

/** One subscription and whose it is. */
export interface Subscriber extends Subscription {
  readonly address: Address;
}

/** All subscriptions of a store. */
export class SubscriptionIndex {
  readonly #trie = new SubjectTrie<Subscriber>();
  readonly #byActor = new Map<Address, Map<string, Subscriber>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(address: Address): boolean {
    return this.#byActor.has(address);
  }

  /** Subscriptions of an actor, in order of pattern. */
  of(address: Address): readonly Subscription[] {
    const own = [...(this.#byActor.get(address)?.values() ?? [])];
    return own.map(({ pattern, event }) => ({ pattern, event })).sort((a, b) => (a.pattern < b.pattern ? -1 : 1));
  }

  /** Every subscription there is. */
  all(): readonly Subscriber[] {
    return [...this.#byActor.values()].flatMap((own) => [...own.values()]);
  }

  /** Everything that a topic meets, an actor as often as patterns of it match. */
  match(topic: string): readonly Subscriber[] {
    return this.#trie.match(topic);
  }

  add(address: Address, { pattern, event }: Subscription): void {
    this.#remove(address, pattern);
    const subscriber = { address, pattern, event };
    this.#trie.add(pattern, subscriber);
    const own = this.#byActor.get(address) ?? new Map<string, Subscriber>();
    this.#byActor.set(address, own.set(pattern, subscriber));
    this.#size++;
  }

  /** What a commit does to the subscriptions of its actor. */
  apply(commit: Commit): void {
    const { address, unsubscribe = [], subscribe = [] } = commit;
    if (endsActor(commit)) return this.#removeAll(address);
    for (const pattern of unsubscribe) this.#remove(address, pattern);
    for (const subscription of subscribe) this.add(address, subscription);
  }

  #removeAll(address: Address): void {
    for (const pattern of this.#byActor.get(address)?.keys() ?? []) this.#remove(address, pattern);
  }

  #remove(address: Address, pattern: string): void {
    const own = this.#byActor.get(address);
    const subscriber = own?.get(pattern);
    if (!own || !subscriber) return;
    this.#trie.remove(pattern, subscriber);
    own.delete(pattern);
    if (own.size === 0) this.#byActor.delete(address);
    this.#size--;
  }
}
