/** Words and terms: what counts as a word in any script, and which form of it two sentences are compared by. */
import { isStopWord } from './stop-words.ts';

const WORD = /[\p{L}\p{N}][\p{L}\p{N}\p{M}\u200C\u200D]*(?:['’][\p{L}\p{M}]+)*/gu;
// Scripts written without spaces: a run of them is no word, so it is read as overlapping pairs of characters.
const UNSPACED = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}ー]+/u;
const UNSPACED_RUNS = new RegExp(`(${UNSPACED.source})`, 'u');

/** True when the text holds at least one letter or digit. */
export function hasWords(text: string): boolean {
  return /[\p{L}\p{N}]/u.test(text);
}

/** The words of a text, lower-cased, in order. */
export function tokenizeWords(text: string): string[] {
  const words = text.toLowerCase().match(WORD) ?? [];
  return UNSPACED.test(text) ? words.flatMap(splitUnspaced) : [...words];
}

function splitUnspaced(word: string): string[] {
  return word
    .split(UNSPACED_RUNS)
    .filter((part) => part !== '')
    .flatMap((part) => (UNSPACED.test(part) ? toPairs([...part]) : [part]));
}

function toPairs(letters: readonly string[]): string[] {
  if (letters.length < 2) return [...letters];
  return letters.slice(1).map((letter, before) => `${letters[before] ?? ''}${letter}`);
}

/** The terms of a sentence: stems of its words without function words and single Latin letters. */
export function toTerms(words: readonly string[], cache: Map<string, string> = new Map()): string[] {
  const terms: string[] = [];
  for (const word of words) {
    const term = cache.get(word) ?? toTerm(word);
    cache.set(word, term);
    if (term !== '') terms.push(term);
  }
  return terms;
}

/** The stem of a lower-cased word, or '' when the word says nothing about the topic. */
export function toTerm(word: string): string {
  const bare = word.replace(/['’](?:s|t|d|m|ll|re|ve)$/u, '');
  if (isStopWord(bare) || /^[a-z0-9]$/u.test(bare)) return '';
  return stem(bare);
}

/** Porter's first step plus a dropped final e, so that license, licenses, licensed and licensing meet. */
export function stem(word: string): string {
  if (!/^[a-z]{4,}$/u.test(word)) return word;
  const root = dropVerbEnding(dropPlural(word));
  const soft = root.replace(/([^aeiou])y$/u, '$1i');
  return soft.length > 4 ? soft.replace(/e$/u, '') : soft;
}

function dropPlural(word: string): string {
  if (/(?:ss|us|is)$/u.test(word)) return word;
  if (word.endsWith('sses')) return word.slice(0, -2);
  if (word.endsWith('ies')) return word.length > 4 ? word.slice(0, -2) : word.slice(0, -1);
  return word.endsWith('s') ? word.slice(0, -1) : word;
}

function dropVerbEnding(word: string): string {
  if (word.endsWith('eed')) return word.length > 5 ? word.slice(0, -1) : word;
  const root = word.replace(/(?:ed|ing)$/u, '');
  if (root === word || root.length < 3 || !/[aeiouy]/u.test(root)) return word;
  return root.replace(/([^aeioulsz])\1$/u, '$1');
}
