/** Sentences of a document: where they end, in which paragraph they stand and which words they hold. */
import { toBlocks } from './blocks.ts';
import type { Block } from './blocks.ts';
import { isStopWord } from './stop-words.ts';
import { hasWords, tokenizeWords } from './words.ts';

/** One sentence, heading or list item, in document order. */
export type Sentence = {
  /** Position in the document, from 0. */
  readonly index: number;
  /** On one line, clean of markup. A part of an over-long sentence has an ellipsis where it was cut. */
  readonly text: string;
  readonly paragraph: number;
  /** Lower-cased, function words included, so the length is the word count. */
  readonly words: readonly string[];
  /** Headings name a section and are never quoted in a digest. */
  readonly heading: boolean;
};

/** Most sentences of one document; what follows is left out. A 5 MB book has about 50,000. */
export const MAX_SENTENCES = 100_000;
/** Longest sentence in characters; longer ones are cut at a semicolon, a comma or a space. */
export const MAX_SENTENCE_CHARS = 400;
const MIN_PART_CHARS = 80;
const CLAUSE_TITLE_WORDS = 8;

const UNSPACED_END = /[。！？｡]+[”’」』）]*/gu;
const ENDING = /([.!?…])["'”’»)\]]*$/u;
const OPENERS = /^["'“‘«([{¿¡]+/u;
const TITLES = new Set(
  'mr mrs ms dr prof st mt messrs rev hon gen rep sen gov capt lt col sgt vs e.g i.e eg ie cf viz approx'.split(' '),
);
const NUMBERED = new Set(
  'no nos fig figs sec sect art arts p pp vol ch par eq jan feb mar apr jun jul aug sep sept oct nov dec'.split(' '),
);
const OFTEN_LAST = new Set('inc ltd co corp llc plc gmbh etc jr sr al ave blvd dept est bros'.split(' '));

/** Splits a document into sentences. One that is mostly headings is read as prose. */
export function splitSentences(text: string): Sentence[] {
  const blocks = toBlocks(text);
  const pieces = blocks.flatMap(splitBlock).slice(0, MAX_SENTENCES);
  const keepHeadings = countWords(pieces, false) >= countWords(pieces, true);
  let paragraph = -1;
  let source = -1;
  return pieces.map((piece, index) => {
    if (piece.paragraph !== source) paragraph += 1;
    source = piece.paragraph;
    return { index, text: piece.text, paragraph, words: piece.words, heading: piece.heading && keepHeadings };
  });
}

type Piece = Omit<Sentence, 'index'>;

function countWords(pieces: readonly Piece[], heading: boolean): number {
  return pieces.reduce((sum, piece) => sum + (piece.heading === heading ? piece.words.length : 0), 0);
}

function splitBlock(block: Block): Piece[] {
  const caseless = !/\p{Lu}/u.test(block.text);
  const parts = block.heading ? [block.text] : splitAtEnds(block.text, caseless);
  return parts.flatMap((part, at) => {
    const heading = block.heading || (block.numbered && at === 0 && isClauseTitle(part));
    const text = heading ? part.replace(/\.$/u, '') : part;
    return cutLong(text).map((cut) => ({ text: cut, paragraph: block.paragraph, words: tokenizeWords(cut), heading }));
  });
}

// "Grant of Patent License." after a clause number is the clause's title.
function isClauseTitle(text: string): boolean {
  const names = text.match(/[\p{L}\p{N}]+/gu) ?? [];
  if (text.length > 100 || names.length > CLAUSE_TITLE_WORDS || !/^\p{Lu}/u.test(text)) return false;
  return names.every((name) => !/^\p{Ll}/u.test(name) || isStopWord(name));
}

function splitAtEnds(text: string, caseless: boolean): string[] {
  const sentences: string[] = [];
  for (const run of text.replace(UNSPACED_END, '$&\n').split('\n')) {
    const tokens = run.trim().split(' ');
    let open: string[] = [];
    for (const [at, token] of tokens.entries()) {
      open.push(token);
      const next = tokens[at + 1];
      if (next !== undefined && !endsSentence(token, next, caseless)) continue;
      sentences.push(open.join(' '));
      open = [];
    }
  }
  return sentences.filter(hasWords);
}

function endsSentence(token: string, next: string, caseless: boolean): boolean {
  const mark = ENDING.exec(token.slice(-8))?.[1];
  const start = next.slice(0, 40).replace(OPENERS, '');
  if (mark === undefined || (!caseless && /^\p{Ll}/u.test(start))) return false;
  return mark !== '.' || !isAbbreviation(token, start);
}

function isAbbreviation(token: string, next: string): boolean {
  if (token.length > 20) return false;
  const name = token
    .replace(OPENERS, '')
    .replace(/\.["'”’»)\]]*$/u, '')
    .toLowerCase();
  if (TITLES.has(name)) return true;
  if (NUMBERED.has(name)) return /^\p{N}/u.test(next);
  const shortened = OFTEN_LAST.has(name) || /^\p{L}(?:\.\p{L})*$/u.test(name);
  return shortened && !opensSentence(next);
}

// After "Inc." or "U.S." a capitalised function word tells a new sentence from a name.
function opensSentence(next: string): boolean {
  return /^\p{Lu}/u.test(next) && isStopWord(next.toLowerCase().replace(/[^\p{L}]+$/u, ''));
}

/** Cuts an over-long sentence into parts of like length, each at the best place near its end. */
function cutLong(text: string): string[] {
  const parts: string[] = [];
  let rest = text;
  while (rest.length > MAX_SENTENCE_CHARS) {
    const at = findCut(rest);
    parts.push(rest.slice(0, at).trim());
    rest = rest.slice(at).trim();
  }
  const cuts = [...parts, rest].filter(hasWords);
  return cuts.map((part, at) => `${at > 0 ? '… ' : ''}${part}${at < cuts.length - 1 ? ' …' : ''}`);
}

function findCut(text: string): number {
  const fair = text.length / Math.ceil(text.length / MAX_SENTENCE_CHARS);
  const head = text.slice(0, MAX_SENTENCE_CHARS);
  for (const mark of [/;(?= )/gu, /[,:、，；](?= |\p{Lo})/gu, / /gu]) {
    const ends = [...head.matchAll(mark)].map((found) => found.index + 1).filter((end) => end >= MIN_PART_CHARS);
    const best = ends.reduce((near, end) => (Math.abs(end - fair) < Math.abs(near - fair) ? end : near), Infinity);
    if (best !== Infinity) return best;
  }
  return /[\uD800-\uDBFF]$/u.test(head) ? MAX_SENTENCE_CHARS - 1 : MAX_SENTENCE_CHARS;
}
