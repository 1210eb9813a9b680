/** Events as files: one file of JSON lines per topic. One file is open at a time, however many topics there are. */
import { createHash } from 'node:crypto';
import { appendFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describeValue } from '../describe.ts';
import { TroupeError } from '../errors.ts';
import type { BusEventRow } from '../store/store.ts';
import type { ExportedEvents } from './bus.ts';
import { toCloudEventText } from './cloud-event.ts';

/** Names of files, without their ending, are shorter; those that are cut have this length, so that no whole name is like one. */
const MAX_NAME_CHARS = 180;

/** Names that some systems keep for devices, whatever follows after a dot. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/;

/**
 * Writes pages of events into a folder.
 * @throws {TroupeError} ERR_OPTIONS_INVALID when the folder cannot be written, or a file is there already.
 */
export async function exportEvents(
  folder: string,
  pages: AsyncIterable<readonly BusEventRow[]>,
): Promise<ExportedEvents> {
  const files = new Map<string, string>();
  let events = 0;
  await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw unwritable(folder, cause);
  });
  for await (const page of pages) {
    for (const [topic, rows] of Map.groupBy(page, (row) => row.topic)) {
      const known = files.get(topic);
      const file = known ?? join(folder, `${toFileName(topic)}.jsonl`);
      files.set(topic, file);
      await append(file, rows, known === undefined);
    }
    events += page.length;
  }
  return { events, files: [...files.values()] };
}

/**
 * Checks the folder of an export.
 * @throws {TroupeError} ERR_OPTIONS_INVALID.
 */
export function checkFolder(folder: unknown): string {
  if (typeof folder === 'string' && folder !== '' && !folder.includes('\0')) return folder;
  throw new TroupeError(
    'ERR_OPTIONS_INVALID',
    `The folder of exportTo() is ${describeValue(folder)}. Pass the path of a folder: exportTo('./events').`,
    { details: { option: 'folder' } },
  );
}

/**
 * A name for the file of a topic, on every file system: no two topics share one, also where case does not count or names are normalized.
 * Pure.
 */
export function toFileName(topic: string): string {
  const [first = 0, ...others] = Buffer.from(topic, 'utf8');
  const name = [DEVICE.test(topic) ? toEscape(first) : toSafe(first), ...others.map(toSafe)].join('');
  if (name.length < MAX_NAME_CHARS) return name;
  return `${name.slice(0, MAX_NAME_CHARS - 33)}-${createHash('sha256').update(topic).digest('hex').slice(0, 32)}`;
}

/** One byte: small letters, digits, dots, dashes and underscores as they are. */
function toSafe(byte: number): string {
  const character = String.fromCharCode(byte);
  return /[a-z0-9._-]/.test(character) ? character : toEscape(byte);
}

function toEscape(byte: number): string {
  return `%${byte.toString(16).padStart(2, '0')}`;
}

async function append(file: string, rows: readonly BusEventRow[], isNew: boolean): Promise<void> {
  const lines = rows.map((row) => `${toCloudEventText(row)}\n`).join('');
  await appendFile(file, lines, { flag: isNew ? 'ax' : 'a' }).catch((cause: unknown) => {
    throw unwritable(file, cause);
  });
}

function unwritable(path: string, cause: unknown): TroupeError {
  const isThere = (cause as { readonly code?: unknown }).code === 'EEXIST';
  const next = isThere
    ? 'It is there already, and nothing is written over. Export into an empty folder.'
    : 'Check its path and permissions; the cause says more. What was written stays.';
  return new TroupeError('ERR_OPTIONS_INVALID', `exportTo() cannot write '${path}'. ${next}`, {
    cause,
    details: { option: 'folder', path },
  });
}
