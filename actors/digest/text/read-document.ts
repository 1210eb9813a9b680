/** Reads the document of a digest. Whatever is wrong with it becomes one line: which file, what, and what to do. */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { hasWords } from './words.ts';

/** A document that can be digested. */
export type SourceDocument = {
  readonly text: string;
  /** Of the bytes of the file, in hex: two runs over the same document can tell. */
  readonly sha256: string;
  readonly bytes: number;
};

/** Largest document in bytes. */
export const MAX_DOCUMENT_BYTES = 5 * 1024 * 1024;

/** A document that cannot be digested. The message is one line for a person. */
export class DocumentError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'DocumentError';
  }
}

const OPEN_FAILURES: Readonly<Record<string, readonly [problem: string, next: string]>> = {
  ENOENT: ['there is no such file', 'Check the path.'],
  ENOTDIR: ['a part of the path is a file, not a folder', 'Check the path.'],
  ENAMETOOLONG: ['the path is too long', 'Check the path.'],
  ELOOP: ['the link leads back to itself', 'Pass the file itself.'],
  EACCES: ['you may not read it', 'Give yourself read permission, or pass a copy you can read.'],
  EPERM: ['you may not read it', 'Give yourself read permission, or pass a copy you can read.'],
  EISDIR: ['it is a folder', 'Pass one file of it.'],
  ENXIO: ['it is not a regular file', 'Pass a text file.'],
  ERR_INVALID_ARG_VALUE: ['the path holds a NUL character', 'Check the path.'],
};

/**
 * Reads a UTF-8 text file.
 * @throws {DocumentError} when it is missing, no readable file, too large, not UTF-8 text, or without words.
 */
export async function readDocument(path: string): Promise<SourceDocument> {
  const bytes = await readBytes(path);
  const text = decode(path, bytes);
  const problem = bytes.length === 0 ? 'it is empty' : 'there are no words in it';
  if (!hasWords(text)) throw refuse(path, problem, 'Pass a document with some text.');
  return { text, sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length };
}

async function readBytes(path: string): Promise<Uint8Array> {
  let file: FileHandle | undefined;
  try {
    // Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    return await readUpToLimit(path, file);
  } catch (error) {
    throw error instanceof DocumentError ? error : toDocumentError(path, error);
  } finally {
    await file?.close();
  }
}

// The size may lie, as it does under /proc or while the file grows, so the limit is held while reading.
async function readUpToLimit(path: string, file: FileHandle): Promise<Uint8Array> {
  const stats = await file.stat();
  if (stats.isDirectory()) throw refuse(path, ...fail('EISDIR'));
  if (!stats.isFile()) throw refuse(path, ...fail('ENXIO'));
  const buffer = Buffer.alloc(MAX_DOCUMENT_BYTES + 1);
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length);
    if (bytesRead === 0) return buffer.subarray(0, length);
    length += bytesRead;
  }
  const size = stats.size > MAX_DOCUMENT_BYTES ? `it has ${stats.size} bytes, ` : 'it is too large, ';
  throw refuse(path, `${size}the limit is ${MAX_DOCUMENT_BYTES}`, 'Pass a part of it.');
}

function decode(path: string, bytes: Uint8Array): string {
  const [first, second] = bytes;
  const isUtf16 = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  if (isUtf16) throw refuse(path, 'it is UTF-16 text', 'Save it as UTF-8.');
  if (bytes.includes(0))
    throw refuse(path, 'it is a binary file', 'Pass plain text; a PDF or Word file exports as such.');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw refuse(path, 'it is not UTF-8 text', 'Save it as UTF-8; a PDF or Word file exports as plain text.', cause);
  }
}

/** Puts a failure of the file system into a line for a person. */
export function toDocumentError(path: string, cause: unknown): DocumentError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error';
  return refuse(path, ...fail(code), cause);
}

function fail(code: string): readonly [problem: string, next: string] {
  return OPEN_FAILURES[code] ?? [`the system could not read it (${code})`, 'Try again, or pass a copy of it.'];
}

function refuse(path: string, problem: string, next: string, cause?: unknown): DocumentError {
  const name = path === '' ? 'the empty path' : `'${path.replace(/[\p{Cc}\u2028\u2029]/gu, '?')}'`;
  return new DocumentError(`Cannot digest ${name}: ${problem}. ${next}`, cause === undefined ? {} : { cause });
}
