/** The system of a tree run: starts it, and reads from it what a wave is judged by. */
import BetterSqlite3 from 'better-sqlite3';
import type { Database } from 'better-sqlite3';
import { setTimeout as sleep } from 'node:timers/promises';
import { createSystem } from '../../src/index.ts';
import type { Address, System } from '../../src/index.ts';
import { TREE_DEFINITIONS } from './tree-actors.ts';
import type { Said } from './tree-check.ts';
import { addressOf, placesFrom } from './tree-shape.ts';
import type { TreePlace } from './tree-shape.ts';

const BEAT_MS = 50;
const MAX_HEAP_MB = 48;
const RECOVER_EVERY_MS = 200;

const PAGE = 1000;
const LOOK_EVERY_MS = 10;
const TIMEOUT_MS = 60_000;
/** Published between two rests: whatever main said before has a lower position. */
const REST_TOPIC = 'tree.rest';

export interface HomeOptions {
  readonly folder: string;
  readonly threads: number;
  /** Time a turn may block its thread, in milliseconds. */
  readonly hangMs: number;
  readonly root: TreePlace;
  /** Lines of the log, for when something goes wrong. */
  readonly log: (line: string) => void;
}

export class TreeHome {
  readonly system: System;
  readonly #db: Database;
  #pos = 0;

  private constructor(system: System, db: Database) {
    this.system = system;
    this.#db = db;
  }

  /** Starts the system and waits until every actor of the tree is there. */
  static async start({ folder, threads, hangMs, root, log }: HomeOptions): Promise<TreeHome> {
    const file = `${folder}/store.db`;
    const system = await createSystem({
      actors: [new URL('./tree-actors.ts', import.meta.url)],
      store: `sqlite:${file}`,
      threads,
      recoverEveryMs: RECOVER_EVERY_MS,
      beatMs: BEAT_MS,
      hangMs,
      maxThreadHeapMb: MAX_HEAP_MB,
      log: (level, fields, text) =>
        void (level !== 'debug' && log(`${Math.round(performance.now())} ${level} ${text} ${JSON.stringify(fields)}`)),
    });
    const home = new TreeHome(system, new BetterSqlite3(file, { readonly: true }));
    await home.#plant(root).catch(async (error: unknown) => {
      await home.stop();
      throw error;
    });
    return home;
  }

  async #plant(root: TreePlace): Promise<void> {
    const input = { children: root.children, isBrief: false };
    await this.system.actor(TREE_DEFINITIONS[root.type], root.key, input as never).snapshot();
    const all = placesFrom(root).map((place) => addressOf(place));
    const isThere = async (): Promise<boolean> => (await this.system.stats()).actors >= all.length;
    await until(isThere, 'every actor of the tree');
  }

  /** What the runtime has said since the last call, all of it that is older than now. */
  async hear(): Promise<readonly Said[]> {
    await this.system.bus.publish(REST_TOPIC, {});
    const end = await this.system.store.call('lastBusPos');
    const said: Said[] = [];
    while (this.#pos < end) {
      const rows = await this.system.store.call('busEvents', { afterPos: this.#pos, limit: PAGE });
      for (const { pos, at, topic, text } of rows)
        if (topic !== REST_TOPIC) said.push({ pos, at, topic, data: JSON.parse(text) } as Said);
      this.#pos = rows.at(-1)?.pos ?? end;
    }
    return said;
  }

  /** Rows by which supervision travels: none of them waits when all that follows from the failures so far has been ordered and obeyed. */
  countSupervisionRows(): number {
    const query = "SELECT count(*) FROM inbox WHERE kind <> 'event' OR text LIKE '%child.exited%'";
    return this.#db.prepare<[], number>(query).pluck().get() ?? 0;
  }

  homesOf(addresses: readonly string[]): ReadonlyMap<string, number> {
    return new Map(addresses.map((address) => [address, this.system.threads.indexOf(address as Address) ?? -1]));
  }

  async statusOf(address: string): Promise<string | undefined> {
    return (await this.system.store.call('load', address as Address))?.status;
  }

  /** True when no fault is under way in an effect function of an actor. */
  async isIdle(address: string): Promise<boolean> {
    const [type = '', key = ''] = address.split('/');
    const view = await this.system.actor(TREE_DEFINITIONS[type as TreePlace['type']], key).snapshot();
    return view.status !== 'active' || view.value === 'idle';
  }

  async stop(): Promise<void> {
    this.#db.close();
    await this.system.stop();
  }
}

/** Waits for what has an end of its own, unless something is broken. */
export async function inTime<T>(fact: Promise<T>, what: string): Promise<T> {
  const over = new AbortController();
  const late = sleep(TIMEOUT_MS, undefined, { signal: over.signal }).then(() => {
    throw new Error(`Not within ${TIMEOUT_MS} ms: ${what}`);
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([fact, late]);
  } finally {
    over.abort();
  }
}

/** Looks until it is a fact. */
export async function until(isFact: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + TIMEOUT_MS;
  while (!(await isFact())) {
    if (performance.now() > deadline) throw new Error(`Not within ${TIMEOUT_MS} ms: ${what}`);
    await sleep(LOOK_EVERY_MS);
  }
}
