/** The limits of saving and recovering states: bare serialization, bare reading, bare XState. */
import { join } from 'node:path';
import { constants, zstdCompressSync } from 'node:zlib';
import BetterSqlite3 from 'better-sqlite3';
import { createActor, fromPromise } from 'xstate';
import type { Snapshot } from 'xstate';
import { workerMachine, toMessage } from './machines.ts';
import { measureEach, toThroughput } from './measure.ts';
import type { Figure } from './measure.ts';
import { inFolder } from './support.ts';

/** Stringify and zstd of a whole conversation, as engines do that save whole states. */
export function benchWholeSave({ messages, count }: { readonly messages: number; readonly count: number }): Figure {
  const conversation = { messages: Array.from({ length: messages }, (_, id) => toMessage(id)) };
  const params = { [constants.ZSTD_c_compressionLevel]: 3 };
  return measureEach(count, () => void zstdCompressSync(JSON.stringify(conversation), { params }));
}

/** Rows of actors with an effect function in flight: one scan, each parsed, each restored and started. */
export function benchBareRecover(actors: number): Promise<Figure> {
  return inFolder(async (folder) => {
    const db = fillRows(join(folder, 'bare.db'), actors);
    const select = db.prepare<[number], { readonly text: string }>('SELECT text FROM rows LIMIT ?');
    restoreRows(select.all(Math.ceil(actors / 10)));
    const startMs = performance.now();
    restoreRows(select.all(actors));
    const figure = toThroughput(actors, performance.now() - startMs);
    db.close();
    return figure;
  });
}

/** Without our effect functions, which do more at their start than a promise of XState. */
const bareMachine = workerMachine.provide({ actors: { work: fromPromise(() => new Promise<void>(() => {})) } });

/** Restores and starts an actor of each row. */
export function restoreRows(rows: readonly { readonly text: string }[]): void {
  for (const { text } of rows) {
    const snapshot = JSON.parse(text) as Snapshot<unknown>;
    createActor(bareMachine, { snapshot }).start();
  }
}

/** Makes a file with a row for each actor. */
export function fillRows(file: string, actors: number): BetterSqlite3.Database {
  const actor = createActor(bareMachine).start();
  const text = JSON.stringify(actor.getPersistedSnapshot());
  actor.stop();
  const db = new BetterSqlite3(file);
  db.pragma('journal_mode = WAL');
  db.exec('CREATE TABLE rows (address TEXT PRIMARY KEY NOT NULL, text TEXT NOT NULL)');
  const insert = db.prepare('INSERT INTO rows VALUES (?, ?)');
  db.transaction(() => {
    for (let n = 0; n < actors; n++) insert.run(`bench-worker/w${n}`, text);
  })();
  return db;
}
