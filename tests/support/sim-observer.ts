/**
 * Watches the commits of a simulated story as they are applied, and keeps books of its own: which turns are durable, who is
 * subscribed to what, and who must receive each publication. Knows nothing of how the store does it.
 */
import type { Commit } from '../../src/store/store.ts';
import { topicsOf } from './sim-actors.ts';
import { entriesOf } from './sim-record.ts';
import type { ExpectedTopic, Publication, Violation } from './sim-record.ts';
import type { Did } from './sim-words.ts';

export class Observer {
  /** Turns, runs, publications, deliveries and answers that are durable. */
  readonly durable = new Set<string>();
  readonly publications: Publication[] = [];
  readonly expectedTopics = new Map<string, ExpectedTopic[]>();
  readonly found: Violation[] = [];
  readonly #subscriptions = new Map<string, Map<string, string>>();
  readonly #line: (text: string) => void;

  constructor(line: (text: string) => void) {
    this.#line = line;
  }

  /** Takes a commit that was applied. */
  take(commit: Commit): void {
    const { address, seq, status } = commit;
    const entries = entriesOf(commit);
    this.#line(`commit ${address} ${seq} ${status}${entries.map(({ kind, id }) => ` ${kind}:${id}`).join('')}`);
    if (seq === 1) this.#subscriptions.set(address, new Map(Object.entries(topicsOf(commit.actor?.type ?? ''))));
    for (const { kind, id, did } of entries) {
      this.durable.add(`${kind}:${id}`);
      for (const done of did) this.#note(address, done);
    }
    if (status === 'done' || status === 'stopped') this.#subscriptions.delete(address);
    const published = entries.flatMap(({ did }) =>
      did.flatMap((done) => ('published' in done ? [done.published] : [])),
    );
    this.#publish(commit, published);
  }

  /** Says that something leaves which must be durable by now. */
  mustBeDurable(what: string, rule: string, text: string): void {
    if (!this.durable.has(what)) this.found.push({ rule, text });
  }

  #note(address: string, did: Did): void {
    if ('subscribed' in did) this.#subscriptions.get(address)?.set(did.subscribed, 'EXTRA');
    if ('unsubscribed' in did) this.#subscriptions.get(address)?.delete(did.unsubscribed);
    if ('entered' in did) this.durable.add(`run:${did.entered}`);
    if ('delivered' in did) this.durable.add(`delivery:${did.delivered}`);
    if ('answered' in did) this.durable.add(`answer:${did.answered}`);
  }

  #publish({ address, seq, publish = [] }: Commit, noted: readonly string[]): void {
    const own = publish.filter(({ topic }) => !topic.startsWith('system.'));
    const events = own.map(({ topic, text }) => ({ topic, id: (JSON.parse(text) as { id: string }).id }));
    const written = events.map(({ id }) => id);
    if (seq > 0 && String(written) !== String(noted)) {
      const text = `'${address}' noted the publications [${String(noted)}], its commit holds [${String(written)}]`;
      this.found.push({ rule: 'topic-commit', text });
    }
    for (const { topic, id } of events)
      if (!this.durable.has(`topic:${id}`)) this.#deliver({ topic, id, source: address });
  }

  #deliver(publication: Publication): void {
    const { id, topic, source } = publication;
    this.durable.add(`topic:${id}`);
    this.publications.push(publication);
    for (const [address, patterns] of this.#subscriptions) {
      const types = new Set([...patterns].filter(([pattern]) => fits(pattern, topic)).map(([, type]) => type));
      const expected = this.expectedTopics.get(address) ?? [];
      for (const type of types) expected.push({ id: `${id}>${type}`, source, place: this.publications.length });
      this.expectedTopics.set(address, expected);
    }
  }
}

/** Whether a topic fits a pattern: `*` is one token, `>` at the end one or more. */
export function fits(pattern: string, topic: string): boolean {
  const tokens = topic.split('.');
  const wanted = pattern.split('.');
  const isOpen = wanted.at(-1) === '>';
  if (isOpen ? tokens.length < wanted.length : tokens.length !== wanted.length) return false;
  return wanted.every((token, i) => token === '*' || (isOpen && i === wanted.length - 1) || token === tokens[i]);
}
