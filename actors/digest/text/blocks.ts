/**
 * The layout of a document: lines of plain text or markdown become blocks (a paragraph, a list item, a heading) of
 * clean running text. Owns no rule about sentences. Each pattern is linear or bounded: a 5 MB line is a valid document.
 */
import { cleanInline, dropComments, normalise } from './clean.ts';
import { hasWords, tokenizeWords } from './words.ts';

/** One paragraph, list item, table row or heading, as clean text on one line. */
export type Block = {
  readonly text: string;
  readonly heading: boolean;
  /** True when a clause number led the text, as in `2. Grant of License.` */
  readonly numbered: boolean;
  /** Blocks that no blank line parts share a paragraph. */
  readonly paragraph: number;
};

type Group = { lines: string[]; heading: boolean; item: boolean; numbered: boolean; paragraph: number };

/** What follows after so many blocks is left out, so that 5 MB of one-letter lines stay within memory. */
const MAX_BLOCKS = 100_000;
const HEADING_WORDS = 12;
const HEADING_LINES = 3;
const HEADING_CHARS = 200;
const FENCE = /^\s*(?:```|~~~)/u;
const QUOTE_MARKS = /^(?:>\s?)+/u;
const LINK_DEFINITION = /^\[[^\][]{1,100}\]:\s/u;
const HASHES = /^#{1,6}\s+/u;
const BULLET = /^[-*+•‣◦▪–—]\s+/u;
const NUMBER = /^\(?\d{1,3}(?:\.\d{1,3}){0,3}[.)]\s+/u;
const LETTER = /^(?:\(?[a-z]{1,2}\)|\([A-Z]{1,2}\)|\(?[ivx]{1,5}\)|[a-z]\.)\s+/u;
const FIRST = /^\(?[1ai][.)]/u;
const DIVISION = /^(?:APPENDIX|ANNEX|ARTICLE|CHAPTER|PART|SCHEDULE|SECTION)\b/u;
const LINE_END = /[.:;!?,。！？：；]$/u;

/** Splits a document into its blocks, in order. Rules, fenced code and link definitions are left out. */
export function toBlocks(text: string): Block[] {
  const lines = dropComments(normalise(text)).split('\n');
  const blocks = collectBlocks(dropFencedCode(lines));
  return blocks.length > 0 ? blocks : collectBlocks(normalise(text).split('\n'));
}

// A last fence without a partner opens nothing, or an unclosed one would swallow the document.
function dropFencedCode(lines: readonly string[]): string[] {
  const fences = lines.flatMap((line, at) => (FENCE.test(line) ? [at] : []));
  const kept = [...lines];
  for (let pair = 0; pair + 1 < fences.length; pair += 2) {
    const [open = 0, close = 0] = fences.slice(pair, pair + 2);
    kept.fill('', open, close + 1);
  }
  return kept;
}

function collectBlocks(lines: readonly string[]): Block[] {
  const groups: Group[] = [];
  let paragraph = 0;
  let open: Group | undefined;
  for (const raw of lines) {
    const line = raw.trim().replace(QUOTE_MARKS, '').trim();
    if (!hasWords(line) || LINK_DEFINITION.test(line)) {
      paragraph += 1;
      open = undefined;
      continue;
    }
    const started = startGroup(line, open, paragraph);
    if (started === undefined) {
      open?.lines.push(line);
      continue;
    }
    groups.push(started);
    open = started.heading ? undefined : started;
  }
  return groups
    .slice(0, MAX_BLOCKS)
    .map(toBlock)
    .filter((block) => hasWords(block.text));
}

/** The group this line opens, or undefined when it continues the open one. */
function startGroup(line: string, open: Group | undefined, paragraph: number): Group | undefined {
  const plain = { lines: [line], heading: false, item: false, numbered: false, paragraph };
  const title = line.length <= HEADING_CHARS && HASHES.test(line) ? line.replace(HASHES, '').replace(/#+$/u, '') : '';
  if (hasWords(title)) return { ...plain, lines: [title], heading: true };
  if (line.startsWith('|')) return { ...plain, lines: [readRow(line)], item: true };
  const marker = readMarker(line, open);
  if (marker !== '') return { ...plain, lines: [line.slice(marker.length)], item: true, numbered: NUMBER.test(marker) };
  return open === undefined ? plain : undefined;
}

function readRow(line: string): string {
  const cells = line.split('|').map((cell) => cell.trim());
  return cells.filter(hasWords).join(', ');
}

// A wrapped line may begin with "2004. " or "a. " by chance, so within a running sentence only bullets count.
function readMarker(line: string, open: Group | undefined): string {
  const bullet = BULLET.exec(line)?.[0];
  if (bullet !== undefined) return bullet;
  return isMidSentence(line, open) ? '' : (NUMBER.exec(line)?.[0] ?? LETTER.exec(line)?.[0] ?? '');
}

function isMidSentence(line: string, open: Group | undefined): boolean {
  if (open === undefined || open.item || LINE_END.test(open.lines.at(-1) ?? '')) return false;
  const isBelowTitle = open.lines.length === 1 && looksLikeHeading(open.lines[0] ?? '');
  return !(isBelowTitle && FIRST.test(line));
}

function toBlock(group: Group): Block {
  const text = cleanInline(joinLines(group.lines));
  const heading = group.heading || (!group.item && group.lines.length <= HEADING_LINES && looksLikeHeading(text));
  return { text, heading, numbered: group.numbered, paragraph: group.paragraph };
}

// A word broken at a hyphen is put together again: "royalty-" + "free".
function joinLines(lines: readonly string[]): string {
  const joined = lines.map((line, at) => {
    const isBroken = /\p{L}-$/u.test((lines[at - 1] ?? '').slice(-3)) && /^\p{Ll}/u.test(line);
    return isBroken ? line : ` ${line}`;
  });
  return joined.join('');
}

function looksLikeHeading(text: string): boolean {
  if (text.length > HEADING_CHARS || /^copyright\b/iu.test(text)) return false;
  if (LINE_END.test(text) && !DIVISION.test(text)) return false;
  return /^[^\p{Ll}]*(?:\p{Lu}|\p{Lo}|\p{N})/u.test(text) && tokenizeWords(text).length <= HEADING_WORDS;
}
