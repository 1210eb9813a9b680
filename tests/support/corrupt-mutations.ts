/** Damage done at random to a store: to one column or row through SQL, or to the bytes of its files. */
import { existsSync, readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Database } from 'better-sqlite3';
import BetterSqlite3 from 'better-sqlite3';
import type { ChaosRandom } from './chaos-random.ts';

/** What was done, and to what. */
export interface Damage {
  readonly text: string;
  /** Whose row, where one was hit. */
  readonly address?: string;
  readonly where: 'row' | 'file' | 'wal';
}

/** Columns that are damaged, by table. Which are sealed, and which are not, docs/guarantees.md says. */
const COLUMNS: Readonly<Record<string, readonly string[]>> = {
  actors: [
    'type',
    'parent',
    'epoch',
    'seq',
    'version',
    'status',
    'extra',
    'created_at',
    'updated_at',
    'checksum',
    'meta',
    'error',
    'supervision',
    'in_flight',
    'marks',
    'snapshot',
    'timers',
    'next_due',
    'spawned',
    'snapshot_seq',
    'shape',
  ],
  snapshots: ['seq', 'checksum', 'text'],
  deltas: ['seq', 'checksum', 'text'],
  history: ['at', 'checksum', 'text'],
  log: ['n', 'at', 'text'],
  inbox: ['sender', 'kind', 'id', 'text'],
  scheduled: ['key', 'due_at', 'text'],
  kv: ['value'],
};

/** Rows of state are hit more often than others. */
const TABLES = [
  'actors',
  'actors',
  'actors',
  'snapshots',
  'snapshots',
  'deltas',
  'deltas',
  'history',
  'log',
  'inbox',
  'scheduled',
  'kv',
];
const DELETABLE: ReadonlySet<string> = new Set(['deltas', 'snapshots', 'log', 'history']);
const WRONG_SHAPES = [
  '[]',
  '{}',
  '7',
  '"text"',
  'null',
  'true',
  '{"status":"active","children":[1]}',
  '{"__proto__":{"x":1}}',
  '',
];

type Row = Readonly<Record<string, unknown>>;

/** Damages up to `count` rows of different owners. */
export function damageRows(file: string, random: ChaosRandom, count: number): readonly Damage[] {
  const db = new BetterSqlite3(file);
  try {
    const done: Damage[] = [];
    const spared = new Set<string>();
    for (let tries = 0; done.length < count && tries < count * 20; tries++) {
      const damage = damageRow(db, random, spared);
      if (!damage) continue;
      done.push(damage);
      if (damage.address !== undefined) spared.add(damage.address);
    }
    return done;
  } finally {
    db.close();
  }
}

function damageRow(db: Database, random: ChaosRandom, spared: ReadonlySet<string>): Damage | undefined {
  const table = random.pick(TABLES);
  const keys = keysOf(db, table);
  const rows = db.prepare<[], Row>(`SELECT * FROM ${table} ORDER BY ${keys.join(', ')}`).all();
  const row = random.pick(rows);
  const address = row && ownerOf(row);
  if (!row || address === 'small/teller' || (address !== undefined && spared.has(address))) return undefined;
  const where = keys.map((key) => `${key} = @${key}`).join(' AND ');
  try {
    const text =
      DELETABLE.has(table) && random.chance(0.15)
        ? deleteRow(db, { table, where, row })
        : damageColumn(db, { table, where, row, rows, random });
    return text === undefined ? undefined : { text, where: 'row', ...(address !== undefined && { address }) };
  } catch {
    // A constraint of the table refused this one.
    return undefined;
  }
}

function keysOf(db: Database, table: string): readonly string[] {
  const info = db.pragma(`table_info(${table})`) as readonly { readonly name: string; readonly pk: number }[];
  return info.filter(({ pk }) => pk > 0).map(({ name }) => name);
}

function ownerOf(row: Row): string | undefined {
  const owner = row['address'] ?? row['receiver'];
  return typeof owner === 'string' ? owner : undefined;
}

interface Target {
  readonly table: string;
  readonly where: string;
  readonly row: Row;
}

function deleteRow(db: Database, { table, where, row }: Target): string {
  db.prepare(`DELETE FROM ${table} WHERE ${where}`).run(row);
  return `${table} ${describeRow(row)}: deleted`;
}

type ColumnTarget = Target & { readonly rows: readonly Row[]; readonly random: ChaosRandom };

function damageColumn(db: Database, { table, where, row, rows, random }: ColumnTarget): string | undefined {
  const column = random.pick(COLUMNS[table] ?? []);
  const value = row[column];
  const other = random.pick(rows);
  if (random.chance(0.1)) return swap(db, { table, row, where, other, column });
  const { damaged, how } = typeof value === 'number' ? damageNumber(value, random) : damageText(value, random);
  if (damaged === value || (Buffer.isBuffer(damaged) && damaged.equals(toBytes(value)))) return undefined;
  const expression = typeof value === 'string' && Buffer.isBuffer(damaged) ? 'CAST(@damaged AS TEXT)' : '@damaged';
  const { changes } = db
    .prepare(`UPDATE ${table} SET ${column} = ${expression} WHERE ${where}`)
    .run({ ...row, damaged });
  return changes === 1 ? `${table} ${describeRow(row)}: ${column} ${how}` : undefined;
}

function swap(
  db: Database,
  { table, row, where, other, column }: Target & { readonly other: Row; readonly column: string },
): string | undefined {
  if (ownerOf(other) === 'small/teller' || row[column] === other[column]) return undefined;
  // Only this row gets the other's: one owner is damaged at a time.
  db.prepare(`UPDATE ${table} SET ${column} = @damaged WHERE ${where}`).run({ ...row, damaged: other[column] });
  return `${table} ${describeRow(row)}: ${column} is that of ${describeRow(other)}`;
}

interface Damaged {
  readonly damaged: unknown;
  readonly how: string;
}

function damageNumber(value: number, random: ChaosRandom): Damaged {
  const damaged = random.pick([
    value + 1,
    value - 1,
    0,
    -1,
    value ^ (1 << random.between(0, 30)),
    2 ** 40,
    null,
    'text',
  ]);
  return { damaged, how: `${value} became ${String(damaged)}` };
}

function damageText(value: unknown, random: ChaosRandom): Damaged {
  if (value === null || random.chance(0.15)) {
    const damaged = random.pick(WRONG_SHAPES);
    return { damaged, how: `became ${damaged}` };
  }
  const bytes = Buffer.from(toBytes(value));
  const how = damageBytes(bytes, random);
  return typeof how === 'number' ? { damaged: bytes.subarray(0, how), how: `cut at ${how}` } : { damaged: bytes, how };
}

function toBytes(value: unknown): Buffer {
  return Buffer.isBuffer(value) ? value : Buffer.from(String(value));
}

/** Changes bytes in place and says how, or says where to cut. */
function damageBytes(bytes: Buffer, random: ChaosRandom): string | number {
  if (bytes.length === 0) return 0;
  const at = random.between(0, bytes.length - 1);
  const kind = random.between(0, 3);
  if (kind === 0) return at;
  if (kind === 1) {
    const length = Math.min(bytes.length - at, random.between(1, 200));
    bytes.fill(0, at, at + length);
    return `${length} bytes zeroed at ${at}`;
  }
  const bit = 1 << random.between(0, 7);
  bytes[at] = (bytes[at] ?? 0) ^ bit;
  return `bit ${bit} flipped at ${at}`;
}

function describeRow({ address, receiver, seq, n, pos, key }: Row): string {
  const parts = [address ?? receiver, seq ?? n ?? pos, key];
  return parts.flatMap((part) => (part === undefined ? [] : [String(part as string | number)])).join(' ');
}

/** Damages the bytes of the file, or of the log beside it. */
export function damageFile(file: string, random: ChaosRandom): Damage {
  const wal = `${file}-wal`;
  const isWal = existsSync(wal) && statSync(wal).size > 0 && random.chance(0.2);
  const where = isWal ? 'wal' : 'file';
  return { text: `${where}: ${damageContent(isWal ? wal : file, random)}`, where };
}

/** Damages one file of a file store, or takes it away. The end of a journal is left: that it is gone, nobody can tell. */
export function damageFolder(folder: string, random: ChaosRandom): Damage {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => !name.startsWith('lock') && statSync(join(folder, name)).isFile())
    .toSorted();
  const name = random.pick(files);
  const isTaken = !name.startsWith('journal') && random.chance(0.1);
  if (isTaken) rmSync(join(folder, name));
  return { text: `${name}: ${isTaken ? 'taken away' : damageContent(join(folder, name), random)}`, where: 'file' };
}

/** Says what was done. */
function damageContent(path: string, random: ChaosRandom): string {
  const bytes = readFileSync(path);
  if (random.chance(0.1)) {
    const length = random.between(0, bytes.length - 1);
    truncateSync(path, length);
    return `cut at ${length}`;
  }
  const how = damageStretch(bytes, random);
  writeFileSync(path, bytes);
  return how;
}

const MOST_FLIPS = 4;

function damageStretch(bytes: Buffer, random: ChaosRandom): string {
  if (random.chance(0.3)) {
    const at = random.between(0, bytes.length - 1);
    const length = Math.min(bytes.length - at, random.pick([1, 16, 512, 4096]));
    bytes.fill(0, at, at + length);
    return `${length} bytes zeroed at ${at}`;
  }
  const places = Array.from({ length: random.between(1, MOST_FLIPS) }, () => random.between(0, bytes.length - 1));
  for (const at of places) bytes[at] = (bytes[at] ?? 0) ^ (1 << random.between(0, 7));
  return `bits flipped at ${places.join(', ')}`;
}
