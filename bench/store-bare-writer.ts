/** The bare group-commit writer: what a thread with better-sqlite3 can do at most. See `bench/baselines-store.ts`. */
import { parentPort, workerData } from 'node:worker_threads';
import BetterSqlite3 from 'better-sqlite3';

const { file, actors, how } = workerData as {
  readonly file: string;
  readonly actors: number;
  readonly how: 'insert' | 'update';
};
const db = new BetterSqlite3(file);
db.pragma('journal_mode = WAL');
db.pragma('synchronous = FULL');
db.pragma('wal_autocheckpoint = 16384');
db.exec('CREATE TABLE rows (id INTEGER PRIMARY KEY, text TEXT NOT NULL)');
const insert = db.prepare('INSERT INTO rows (text) VALUES (?)');
const update = db.prepare('UPDATE rows SET text = ? WHERE id = ?');
const begin = db.prepare('BEGIN IMMEDIATE');
const commit = db.prepare('COMMIT');

begin.run();
if (how === 'update') for (let id = 1; id <= actors; id++) insert.run('x'.repeat(1_000));
commit.run();

type Row = readonly [number, number, string];
let gathered: Row[] = [];

function write(): void {
  const rows = gathered;
  gathered = [];
  begin.run();
  for (const [, index, text] of rows) {
    if (how === 'insert') insert.run(text);
    else update.run(`${text.slice(12)}${String(index).padStart(12)}`, (index % actors) + 1);
  }
  commit.run();
  parentPort?.postMessage(rows.map(([n]) => n));
}

parentPort?.on('message', (rows: readonly Row[] | 'close') => {
  if (rows === 'close') {
    db.close();
    parentPort?.close();
    return;
  }
  if (gathered.length === 0) setImmediate(write);
  for (const row of rows) gathered.push(row);
});
parentPort?.postMessage('ready');
