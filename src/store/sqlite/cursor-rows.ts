/** How far the readers of published events have come, by name. */
import type { Database, Statement } from 'better-sqlite3';
import type { Cursor } from '../store.ts';
import type { NamedCursor } from '../topics.ts';

/** Reads and writes of places. Call writes in a transaction. */
export class CursorRows {
  readonly #get: Statement<[string], Cursor>;
  readonly #all: Statement<[], NamedCursor>;
  readonly #set: Statement<[string, string, number]>;
  readonly #delete: Statement<[string]>;

  constructor(db: Database) {
    this.#get = db.prepare('SELECT pattern, pos FROM cursors WHERE name = ?');
    this.#all = db.prepare('SELECT name, pattern, pos FROM cursors ORDER BY name');
    this.#set = db.prepare(
      `INSERT INTO cursors (name, pattern, pos) VALUES (?, ?, ?)
         ON CONFLICT (name) DO UPDATE SET pattern = excluded.pattern, pos = excluded.pos`,
    );
    this.#delete = db.prepare('DELETE FROM cursors WHERE name = ?');
  }

  get(name: string): Cursor | undefined {
    return this.#get.get(name);
  }

  all(): readonly NamedCursor[] {
    return this.#all.all();
  }

  set({ name, pattern, pos }: NamedCursor): void {
    this.#set.run(name, pattern, pos);
  }

  /** True when there was one. */
  delete(name: string): boolean {
    return this.#delete.run(name).changes === 1;
  }
}
