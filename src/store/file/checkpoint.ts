/**
 * Writes what the journal led to into files of their own, so that the journal begins anew. Until the manifest is replaced,
 * at the very end, everything is as it was; from then on the files before it count no more, and go.
 */
import { dirname, join } from 'node:path';
import type { Address } from '../../actor/address.ts';
import { toActorImage, toTablesImage } from '../memory/image.ts';
import type { ActorEntry } from '../memory/tables.ts';
import { encodeActor } from './actor-file.ts';
import { tryTo, writeWhole } from './disk.ts';
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

/**
 * Writes a checkpoint. With `isWhole` every file is written anew, also what is not changed.
 * @throws what the disk throws; then what was on disk still counts, and so does the journal.
 */
export function writeCheckpoint(place: Place, held: Held, isWhole = false): void {
  const writer = new Writer(place, held.manifest.nextFile);
  try {
    writeFiles(place, held, writer, isWhole);
  } catch (error) {
    // A manifest that names them may have got its name all the same: these numbers are taken.
    held.manifest = { ...held.manifest, nextFile: writer.next };
    throw error;
  }
}

function writeFiles(place: Place, held: Held, writer: Writer, isWhole: boolean): void {
  const index = writeActors(writer, held, isWhole);
  const tables = writeTables(writer, held, isWhole);
  const listed = encodeDocument('index', [...index.values()]);
  const former = held.manifest.index;
  const indexRef = former && !isWhole && listed.sum === former.sum ? former : writer.write('tables/index', listed);
  writer.nameAll();
  const { next, tip } = held;
  const written = { index: indexRef, tables, journalFrom: next, tip, nextFile: writer.next, isSynced: place.isSynced };
  writeManifest(place, written);
  const before = [held.manifest, held.index, held.journalFiles] as const;
  Object.assign(held, { manifest: written, index, journalFiles: [], journalBytes: 0 });
  held.touched.clear();
  removeFormer(place, before, held);
}

/** The file that says which others count. */
export function writeManifest({ disk, folder, isSynced }: Place, manifest: Manifest): void {
  const { bytes } = encodeDocument('manifest', manifest, { isPretty: true, isPlain: true });
  writeWhole(disk, join(folder, MANIFEST), bytes, { isSynced });
}

/** Gives files their numbers, and folders their names, made durable once. */
class Writer {
  next: number;
  readonly #place: Place;
  readonly #folders = new Set<string>();

  constructor(place: Place, next: number) {
    this.#place = place;
    this.next = next;
  }

  write(name: string, { sum, bytes, extension }: EncodedDocument): FileRef {
    const { disk, folder, isSynced } = this.#place;
    const file = `${name}.${this.next++}${extension}`;
    this.#folders.add(dirname(file));
    writeWhole(disk, join(folder, file), bytes, { isSynced, isNamed: false });
    return { file, sum, bytes: bytes.length };
  }

  writeActor(address: Address, document: EncodedDocument): FileRef {
    const { disk, folder } = this.#place;
    const inner = dirname(actorFile(address));
    if (!this.#folders.has(inner)) disk.makeFolder(join(folder, inner));
    this.#folders.add('actors');
    return this.write(actorFile(address), document);
  }

  nameAll(): void {
    const { disk, folder, isSynced } = this.#place;
    if (isSynced) for (const inner of this.#folders) disk.syncFolder(join(folder, inner));
  }
}

function writeActors(writer: Writer, held: Held, isWhole: boolean): ReadonlyMap<Address, IndexEntry> {
  const index = new Map(held.index);
  const changed = isWhole ? new Set([...held.tables.actors.keys(), ...index.keys()]) : held.touched;
  for (const address of changed) {
    const entry = held.tables.actors.get(address);
    if (entry) index.set(address, writeActor(writer, held, address, entry));
    else index.delete(address);
  }
  return index;
}

function writeActor(writer: Writer, { damaged }: Held, address: Address, entry: ActorEntry): IndexEntry {
  const { n, actor } = entry;
  const ref = writer.writeActor(address, encodeActor(toActorImage(entry)));
  const harm = damaged.get(address);
  return { ...ref, n, actor: toIndexed(actor), ...(harm?.n === n && { damaged: harm.files }) };
}

function writeTables(writer: Writer, { tables, manifest }: Held, isWhole: boolean): Manifest['tables'] {
  const images = Object.entries(toTablesImage(tables)) as (readonly [TableName, unknown])[];
  return Object.fromEntries(
    images.map(([name, image]) => {
      const document = encodeDocument('table', image);
      const before = manifest.tables[name];
      return [name, !isWhole && before?.sum === document.sum ? before : writer.write(`tables/${name}`, document)];
    }),
  );
}

function removeFormer(
  { disk, folder }: Place,
  [manifest, index, journal]: readonly [Manifest, Held['index'], readonly string[]],
  held: Held,
): void {
  const wanted = new Set([
    ...Object.values(held.manifest.tables).map(({ file }) => file),
    held.manifest.index?.file,
    ...[...held.index.values()].flatMap(({ file, damaged = [] }) => [file, ...damaged]),
  ]);
  const former = [
    ...journal,
    ...[manifest.index, ...Object.values(manifest.tables)].flatMap((ref) => (ref ? [ref.file] : [])),
    ...[...index.values()].flatMap(({ file, damaged = [] }) => [file, ...damaged]),
  ];
  for (const file of former) if (!wanted.has(file)) tryTo(() => disk.remove(join(folder, file)));
}
