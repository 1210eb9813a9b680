/**
 * Writes what the journal led to into files of their own, so that the journal begins anew. Until the manifest is replaced,
 * at the very end, everything is as it was; from then on the files before it count no more, and go. Changes go on meanwhile: a
 * checkpoint is of the moment it was planned.
 */
import { dirname, join } from 'node:path';
import type { Address } from '../../actor/address.ts';
import { toActorImage, toTablesImage } from '../memory/image.ts';
import type { ActorEntry } from '../memory/tables.ts';
import { encodeActor } from './actor-file.ts';
import { tryTo, writeMany, writeWhole } from './disk.ts';
import type { Disk } from './disk.ts';
import { encodeDocument } from './document.ts';
import type { EncodedDocument } from './document.ts';
import { MANIFEST, actorFile, toIndexed } from './folder.ts';
import type { FileRef, IndexEntry, Manifest, TableName } from './folder.ts';
import type { Held } from './load.ts';

/** Where files go, and whether they are synced. */
export interface Place {
  readonly disk: Disk;
  readonly folder: string;
  readonly isSynced: boolean;
}

/** Everything a checkpoint will write, as of one moment. */
interface Plan {
  readonly files: readonly { readonly file: string; readonly bytes: Buffer }[];
  readonly manifest: Manifest;
  readonly index: ReadonlyMap<Address, IndexEntry>;
  readonly touched: ReadonlySet<Address>;
  /** How much of the journal is in the files. */
  readonly journalFiles: number;
  readonly journalBytes: number;
}

/**
 * Writes a checkpoint. With `isWhole` every file is written anew, also what is not changed. One at a time.
 * @throws what the disk throws; then what was on disk still counts, and so does the journal.
 */
export async function writeCheckpoint(place: Place, held: Held, isWhole = false): Promise<void> {
  const plan = planCheckpoint(place, held, isWhole);
  try {
    await writeFiles(place, plan);
    writeManifest(place, plan.manifest);
  } catch (error) {
    for (const address of plan.touched) held.touched.add(address);
    throw error;
  }
  finish(place, held, plan);
}

/** The file that says which others count. */
export function writeManifest({ disk, folder, isSynced }: Place, manifest: Manifest): void {
  const { bytes } = encodeDocument('manifest', manifest, { isPretty: true, isPlain: true });
  writeWhole(disk, join(folder, MANIFEST), bytes, isSynced);
}

/** Takes numbers for files, which stay taken: a manifest that names them may get its name although its write fails. */
class Planner {
  readonly files: { readonly file: string; readonly bytes: Buffer }[] = [];
  next: number;

  constructor(next: number) {
    this.next = next;
  }

  add(name: string, { sum, bytes, extension }: EncodedDocument): FileRef {
    const file = `${name}.${this.next++}${extension}`;
    this.files.push({ file, bytes });
    return { file, sum, bytes: bytes.length };
  }
}

function planCheckpoint({ isSynced }: Place, held: Held, isWhole: boolean): Plan {
  const planner = new Planner(held.manifest.nextFile);
  const index = planActors(planner, held, isWhole);
  const tables = planTables(planner, held, isWhole);
  const listed = encodeDocument('index', [...index.values()]);
  const former = held.manifest.index;
  const indexRef = former && !isWhole && listed.sum === former.sum ? former : planner.add('tables/index', listed);
  const { next: journalFrom, tip, journalFiles, journalBytes } = held;
  const nextFile = planner.next;
  held.manifest = { ...held.manifest, nextFile };
  const manifest = { index: indexRef, tables, journalFrom, tip, nextFile, isSynced };
  const touched = new Set(held.touched);
  held.touched.clear();
  return { files: planner.files, manifest, index, touched, journalFiles: journalFiles.length, journalBytes };
}

function planActors(planner: Planner, held: Held, isWhole: boolean): ReadonlyMap<Address, IndexEntry> {
  const index = new Map(held.index);
  const changed = isWhole ? new Set([...held.tables.actors.keys(), ...index.keys()]) : held.touched;
  for (const address of changed) {
    const entry = held.tables.actors.get(address);
    if (entry) index.set(address, planActor(planner, held, address, entry));
    else index.delete(address);
  }
  return index;
}

function planActor(planner: Planner, { damaged }: Held, address: Address, entry: ActorEntry): IndexEntry {
  const { n, actor } = entry;
  const ref = planner.add(actorFile(address), encodeActor(toActorImage(entry)));
  const harm = damaged.get(address);
  return { ...ref, n, actor: toIndexed(actor), ...(harm?.n === n && { damaged: harm.files }) };
}

function planTables(planner: Planner, { tables, manifest }: Held, isWhole: boolean): Manifest['tables'] {
  const images = Object.entries(toTablesImage(tables)) as (readonly [TableName, unknown])[];
  return Object.fromEntries(
    images.map(([name, image]) => {
      const document = encodeDocument('table', image);
      const before = manifest.tables[name];
      return [name, !isWhole && before?.sum === document.sum ? before : planner.add(`tables/${name}`, document)];
    }),
  );
}

async function writeFiles({ disk, folder, isSynced }: Place, { files }: Plan): Promise<void> {
  const folders = new Set(files.map(({ file }) => dirname(file)));
  for (const inner of folders) disk.makeFolder(join(folder, inner));
  const placed = files.map(({ file, bytes }) => ({ path: join(folder, file), bytes }));
  await writeMany(disk, placed, isSynced);
  // Folders of types may be new, and their names stand in the folder of the actors.
  if (isSynced) for (const inner of [...folders, 'actors']) disk.syncFolder(join(folder, inner));
}

/** The manifest counts: what stood for this before goes. What changed meanwhile stays in the journal. */
function finish({ disk, folder }: Place, held: Held, plan: Plan): void {
  const before = filesOf(held.manifest, held.index);
  const wanted = new Set(filesOf(plan.manifest, plan.index));
  const journal = held.journalFiles.splice(0, plan.journalFiles);
  held.journalBytes -= plan.journalBytes;
  held.manifest = plan.manifest;
  held.index = plan.index;
  for (const file of [...journal, ...before]) if (!wanted.has(file)) tryTo(() => disk.remove(join(folder, file)));
}

/** Every file that counts but the journal. */
function filesOf(manifest: Manifest, index: ReadonlyMap<Address, IndexEntry>): readonly string[] {
  return [
    ...[manifest.index, ...Object.values(manifest.tables)].flatMap((ref) => (ref ? [ref.file] : [])),
    ...[...index.values()].flatMap(({ file, damaged = [] }) => [file, ...damaged]),
  ];
}
