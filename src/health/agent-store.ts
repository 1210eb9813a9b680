/**
 * Keeps registrations in the store, by pages of a hundred: a registration writes one page, and a restart reads a few. Writes of one page
 * follow one another, and those that come meanwhile become one.
 */
import type { StoreClient } from '../store/store-client.ts';
import type { AgentRecord } from './agent.ts';

/** Agents of one page. */
const PAGE_AGENTS = 100;

const PAGES_KEY = 'health/pages';
const PLACE_KEY = 'health/place';

/** Nothing here expires. */
const ANY_TIME = 0;

type KeyValues = Pick<StoreClient, 'call'>;

export class AgentStore {
  readonly #store: KeyValues;
  readonly #pages: Map<string, AgentRecord>[] = [];
  readonly #pageOf = new Map<string, number>();
  /** Writes under way, by key; the next one of a key takes the text of then. */
  readonly #writing = new Map<string, { readonly done: Promise<void>; next: Promise<void> | undefined }>();
  #savedPages = 0;

  constructor(store: KeyValues) {
    this.#store = store;
  }

  /** What was kept, and the position of the last event that agents which were well can have seen. */
  async load(): Promise<{ readonly records: readonly AgentRecord[]; readonly place: number | undefined }> {
    this.#savedPages = Number((await this.#store.call('kvGet', PAGES_KEY, ANY_TIME)) ?? 0);
    for (let page = 0; page < this.#savedPages; page++) {
      const records = JSON.parse((await this.#store.call('kvGet', pageKey(page), ANY_TIME)) ?? '[]') as AgentRecord[];
      this.#pages[page] = new Map(records.map((record) => [record.agent, record]));
      for (const { agent } of records) this.#pageOf.set(agent, page);
    }
    const place = this.#savedPages > 0 ? await this.#store.call('kvGet', PLACE_KEY, ANY_TIME) : undefined;
    return {
      records: this.#pages.flatMap((page) => [...page.values()]),
      place: place === undefined ? undefined : Number(place),
    };
  }

  /** Resolves when it is durable. */
  async save(record: AgentRecord): Promise<void> {
    const index = this.#pageOf.get(record.agent) ?? this.#roomyPage();
    this.#pageOf.set(record.agent, index);
    this.#pages[index]?.set(record.agent, record);
    await this.#writePage(index);
    if (this.#savedPages < this.#pages.length) await this.#write(PAGES_KEY, () => this.#pagesText());
  }

  async remove(agent: string): Promise<void> {
    const index = this.#pageOf.get(agent);
    if (index === undefined) return;
    this.#pageOf.delete(agent);
    this.#pages[index]?.delete(agent);
    await this.#writePage(index);
  }

  savePlace(pos: number): Promise<void> {
    return this.#write(PLACE_KEY, () => String(pos));
  }

  #roomyPage(): number {
    const last = this.#pages.length - 1;
    if ((this.#pages[last]?.size ?? PAGE_AGENTS) < PAGE_AGENTS) return last;
    // Places that became free come first, but not by looking through everything again and again.
    const free = this.#pageOf.size < this.#pages.length * PAGE_AGENTS - PAGE_AGENTS ? this.#findFree() : -1;
    return free >= 0 ? free : this.#pages.push(new Map()) - 1;
  }

  #findFree(): number {
    return this.#pages.findIndex(({ size }) => size < PAGE_AGENTS);
  }

  #pagesText(): string {
    this.#savedPages = this.#pages.length;
    return String(this.#savedPages);
  }

  #writePage(index: number): Promise<void> {
    return this.#write(pageKey(index), () => JSON.stringify([...(this.#pages[index]?.values() ?? [])]));
  }

  /** @param toText asked when the write begins */
  #write(key: string, toText: () => string): Promise<void> {
    const writing = this.#writing.get(key);
    if (writing) {
      writing.next ??= writing.done.then(
        () => this.#begin(key, toText),
        () => this.#begin(key, toText),
      );
      return writing.next;
    }
    return this.#begin(key, toText);
  }

  #begin(key: string, toText: () => string): Promise<void> {
    const done = this.#store.call('kvSet', key, toText());
    const writing = { done, next: undefined };
    this.#writing.set(key, writing);
    const over = (): void => {
      if (this.#writing.get(key) === writing && writing.next === undefined) this.#writing.delete(key);
    };
    done.then(over, over);
    return done;
  }
}

const pageKey = (page: number): string => `health/agents/${page}`;
