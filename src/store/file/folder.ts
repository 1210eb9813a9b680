/**
 * What a store's folder has: `manifest.json` names everything else that counts.
 *
 *   manifest.json                      replaced as a whole; names the index, the tables, and where the journal begins
 *   actors/TYPE/KEY.N.json[.gz]        one actor, for a person to read
 *   tables/NAME.N.json[.gz]            what belongs to no single actor; `index` lists the actors and their files
 *   journal/N.json[.gz]                one change after the manifest was written, each naming the checksum of the one before
 *
 * A file is never changed: what changes gets another number N.
 */
import { join } from 'node:path';
import type { Address } from '../../actor/address.ts';
import type { TablesImage } from '../memory/image.ts';
import type { ActorHead } from '../memory/tables.ts';
import type { Change } from './changes.ts';

/** A file of the store and the checksum of its data. */
export interface FileRef {
  /** Path in the folder. */
  readonly file: string;
  readonly sum: string;
  readonly bytes: number;
}

/** What the index says of an actor: enough to hold it when its file is damaged. */
export interface IndexEntry extends FileRef {
  readonly n: number;
  readonly actor: ActorHead;
  /** Its files that were damaged, untouched, with what is known since in `file`. */
  readonly damaged?: readonly string[];
}

export type TableName = keyof TablesImage;

/** The row of an actor without what only its own file needs to know. */
export function toIndexed(actor: ActorHead): ActorHead {
  return { ...actor, marks: null, supervision: null, inFlight: null, timers: null, subscriptions: [] };
}

/** What counts. */
export interface Manifest {
  /** Actors; absent as long as there was never one. */
  readonly index?: FileRef;
  readonly tables: { readonly [name in TableName]?: FileRef };
  /** Number of the first change that is in no other file, and the checksum of the one before. */
  readonly journalFrom: number;
  readonly tip: string;
  /** The next number of a file. */
  readonly nextFile: number;
  /** False when the files were written without syncs: they may not be there after a power loss. */
  readonly isSynced: boolean;
}

/** One change, as it stands in the journal. */
export interface JournalEntry {
  readonly n: number;
  /** Checksum of the change before. */
  readonly after: string;
  readonly change: Change;
  /** The limit it was made under: what was refused then is refused again. */
  readonly maxFanOut: number;
}

export const MANIFEST = 'manifest.json';
export const FOLDERS = ['actors', 'tables', 'journal'] as const;

/** Checksum before the first change. */
export const NO_SUM = '00000000';

/** Without its extension. */
export const journalFile = (n: number): string => join('journal', String(n).padStart(10, '0'));

/** File systems take names of 255 bytes; the number, the extension and that of a temporary file come after these. */
const MAX_NAME_CHARS = 200;

/** Without its number, which tells names apart that had to be cut, and extension. Not every file system takes the colons of keys. */
export function actorFile(address: Address): string {
  const [type = '', key = ''] = address.split('/');
  return join('actors', type, key.replaceAll(':', '%3A').slice(0, MAX_NAME_CHARS));
}

/** The number of a journal file; undefined for any other name. */
export function numberOf(name: string): number | undefined {
  const digits = /^(\d{10})\.json(?:\.gz)?$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** True for names this store gives to files below its folders. */
export function isOurs(name: string): boolean {
  return (
    /\.\d+\.json(?:\.gz)?$/.test(name) ||
    numberOf(name) !== undefined ||
    name.endsWith('.json.tmp') ||
    name.endsWith('.gz.tmp')
  );
}
