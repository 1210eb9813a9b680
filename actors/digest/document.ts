/** The copy of the document that a run works on: kept beside its store, so that a resumed run reads the same bytes. */
import { DocumentError, readDocument } from './text/read-document.ts';
import { splitSentences } from './text/sentences.ts';
import type { Sentence } from './text/sentences.ts';

/** Names the copy and what must be in it. */
export interface DocumentCopy {
  readonly document: string;
  readonly sha256: string;
}

let latest: { readonly sha256: string; readonly sentences: readonly Sentence[] } | undefined;

/**
 * The sentences of the copy. A thread reads and parses it once.
 * @throws {DocumentError} when it cannot be read, or is not the document the run began with.
 */
export async function loadSentences(copy: DocumentCopy): Promise<readonly Sentence[]> {
  if (latest?.sha256 === copy.sha256) return latest.sentences;
  const text = await readCopy(copy);
  latest = { sha256: copy.sha256, sentences: splitSentences(text) };
  return latest.sentences;
}

/** The text of the copy. @throws {DocumentError} as `loadSentences`. */
export async function readCopy({ document, sha256 }: DocumentCopy): Promise<string> {
  const source = await readDocument(document).catch((cause: unknown) => lost(document, cause));
  return source.sha256 === sha256 ? source.text : lost(document);
}

function lost(path: string, cause?: unknown): never {
  const message = `The copy of the document, '${path}', is gone or has been changed. Start anew: npm run demo`;
  throw new DocumentError(message, { cause });
}
