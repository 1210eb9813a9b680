/** One actor as a file that a person can read: texts that are JSON stand there as JSON. */
import type { ActorImage } from '../memory/image.ts';
import { encodeDocument, fromReadable, toReadable } from './document.ts';
import type { EncodedDocument, Readable } from './document.ts';

type WithText = { readonly text: string | Uint8Array };
type Written<T extends WithText> = Omit<T, 'text'> & Readable;

/** The lists of an actor whose rows have a text. */
const LISTS = ['snapshots', 'deltas', 'events', 'log'] as const;

/** What stands in the file. */
export type ActorFile = Omit<ActorImage, (typeof LISTS)[number]> & {
  readonly [list in (typeof LISTS)[number]]: readonly Written<ActorImage[list][number]>[];
};

/** An actor as a file. */
export function encodeActor(image: ActorImage): EncodedDocument {
  const lists = LISTS.map((name) => [name, (image[name] as readonly WithText[]).map(write)] as const);
  return encodeDocument('actor', { ...image, ...Object.fromEntries(lists) }, { isPretty: true });
}

/** An actor from the data of its file. */
export function decodeActor(file: ActorFile): ActorImage {
  const lists = LISTS.map((name) => [name, (file[name] as readonly Written<WithText>[]).map(read)] as const);
  return { ...file, ...Object.fromEntries(lists) } as ActorImage;
}

function write<T extends WithText>({ text, ...row }: T): Written<T> {
  return { ...row, ...toReadable(text) } as Written<T>;
}

function read<T extends WithText>(row: Written<T>): T {
  const { json: _j, text: _t, packed: _p, ...rest } = row as Record<string, unknown>;
  return { ...rest, text: fromReadable(row) } as unknown as T;
}
