/**
 * One file of the store: JSON that says what it is, with a checksum over its data. The checksum is over the data written
 * without spaces, so that a person may lay it out anew, and may not change it unnoticed.
 */
import { crc32, gunzipSync, gzipSync } from 'node:zlib';
import { TroupeError } from '../../errors.ts';

/** What a file holds. */
export type DocumentKind = 'manifest' | 'index' | 'table' | 'actor' | 'journal';

/** The version of the layout this Troupe writes. */
export const FORMAT = 2;

/** From so many bytes on a file is compressed. */
const GZIP_BYTES = 100_000;

/** A file that is to be written. */
export interface EncodedDocument {
  /** Of its data. */
  readonly sum: string;
  readonly bytes: Buffer;
  /** What its name ends with. */
  readonly extension: '.json' | '.json.gz';
}

/** A file that was read. */
export interface DecodedDocument<T> {
  readonly sum: string;
  readonly data: T;
}

/** How a file is laid out. */
export interface Layout {
  /** Indented, for a person. @default false */
  readonly isPretty?: boolean;
  /** Never compressed, since its name is fixed. @default false */
  readonly isPlain?: boolean;
}

/** Data as a file. */
export function encodeDocument(kind: DocumentKind, data: unknown, layout: Layout = {}): EncodedDocument {
  const body = JSON.stringify(data);
  const sum = sumOf(body);
  const head = { troupe: kind, format: FORMAT, sum };
  const text = layout.isPretty
    ? `${JSON.stringify({ ...head, data }, null, 2)}\n`
    : `${JSON.stringify(head).slice(0, -1)},"data":${body}}\n`;
  const bytes = Buffer.from(text);
  if (layout.isPlain === true || bytes.length <= GZIP_BYTES) return { sum, bytes, extension: '.json' };
  return { sum, bytes: gzipSync(bytes, { level: 1 }), extension: '.json.gz' };
}

/**
 * Reads a file back.
 * @throws {TroupeError} ERR_STORE_NEWER; any other error says what is wrong with it.
 */
export function decodeDocument<T>(kind: DocumentKind, bytes: Buffer, path: string): DecodedDocument<T> {
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
  const document = JSON.parse(text) as Partial<Record<'troupe' | 'format' | 'sum' | 'data', unknown>> | null;
  if (document?.troupe !== kind) throw new Error(`it is not a ${kind} of this store`);
  if (typeof document.format === 'number' && document.format > FORMAT) throw newerError(path, document.format);
  const sum = sumOf(JSON.stringify(document.data));
  if (sum !== document.sum) throw new Error(`its checksum is ${sum}, not ${String(document.sum)}`);
  return { sum, data: document.data as T };
}

function sumOf(text = ''): string {
  return crc32(text).toString(16).padStart(8, '0');
}

function newerError(path: string, stored: number): TroupeError {
  return new TroupeError(
    'ERR_STORE_NEWER',
    `Store file '${path}' has format ${stored}, and this Troupe writes format ${FORMAT}. Upgrade Troupe, or use another folder; this one was left untouched.`,
    { details: { file: path, stored, supported: FORMAT } },
  );
}

/** JSON text as JSON, where that gives the very text back; bytes in base64; any other text as it is. */
export type Readable = { readonly json: unknown } | { readonly text: string } | { readonly packed: string };

/** A text as a person would read it. */
export function toReadable(text: string | Uint8Array): Readable {
  if (typeof text !== 'string') return { packed: Buffer.from(text).toString('base64') };
  try {
    const json: unknown = JSON.parse(text);
    return JSON.stringify(json) === text ? { json } : { text };
  } catch {
    return { text };
  }
}

/** The text it was. */
export function fromReadable(readable: Readable): string | Uint8Array {
  if ('json' in readable) return JSON.stringify(readable.json);
  return 'text' in readable ? readable.text : Buffer.from(readable.packed, 'base64');
}
