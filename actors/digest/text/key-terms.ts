/** Key terms: the words a document keeps coming back to, though not everywhere. */
import type { Sentence } from './sentences.ts';
import { round6 } from './vectors.ts';
import { toTerms } from './words.ts';

/** A topic word of the document. */
export type KeyTerm = {
  /** As the document writes it most often, lower-cased. */
  readonly term: string;
  /** What sentences are compared by. */
  readonly stem: string;
  /** 1 for the first term, less for the others. */
  readonly weight: number;
};

type Usage = { times: number; sentences: number; lastRow: number; forms: Map<string, number> };

// Function words are known for English only, where they are a third of a text or more; elsewhere they are mostly short.
const ENGLISH_FUNCTION_WORDS = 0.1;
const WORDS_TO_TELL = 50;
const ENGLISH_TOPIC = /\p{L}{3}/u;
const OTHER_TOPIC = /\p{L}{5}/u;
const PICTORIAL_TOPIC = /^(?!\p{sc=Hiragana}+$)[^\p{sc=Latin}\p{sc=Cyrillic}\p{sc=Greek}\p{N}]{2,}$/u;

/** The `count` heaviest terms, heaviest first; ties go to the one that occurs first. */
export function keyTerms(sentences: readonly Sentence[], count: number): KeyTerm[] {
  const isTopic = readsEnglish(sentences) ? ENGLISH_TOPIC : OTHER_TOPIC;
  const heavy = [...collectUsages(sentences)]
    .map(([stem, usage]) => ({
      term: commonForm(usage),
      stem,
      weight: round6(weigh(usage, sentences.length)),
    }))
    .filter(({ term }) => isTopic.test(term) || PICTORIAL_TOPIC.test(term))
    .sort((a, b) => b.weight - a.weight)
    .slice(0, Math.max(0, Math.floor(count)));
  const top = heavy[0]?.weight ?? 1;
  return heavy.map((term) => ({ ...term, weight: round6(term.weight / top) }));
}

function weigh(usage: Usage, sentences: number): number {
  return usage.times * Math.log(1 + sentences / usage.sentences);
}

function readsEnglish(sentences: readonly Sentence[]): boolean {
  const words = sentences.flatMap((sentence) => sentence.words);
  const cache = new Map<string, string>();
  const functionWords = words.length - toTerms(words, cache).length;
  return words.length < WORDS_TO_TELL || functionWords >= words.length * ENGLISH_FUNCTION_WORDS;
}

function collectUsages(sentences: readonly Sentence[]): Map<string, Usage> {
  const usages = new Map<string, Usage>();
  const cache = new Map<string, string>();
  for (const [row, sentence] of sentences.entries()) {
    for (const word of sentence.words) {
      const [stem] = toTerms([word], cache);
      if (stem !== undefined) count(usages, stem, word, row);
    }
  }
  return usages;
}

function count(usages: Map<string, Usage>, stem: string, word: string, row: number): void {
  const usage = usages.get(stem) ?? { times: 0, sentences: 0, lastRow: -1, forms: new Map<string, number>() };
  usage.times += 1;
  if (usage.lastRow !== row) usage.sentences += 1;
  usage.lastRow = row;
  usage.forms.set(word, (usage.forms.get(word) ?? 0) + 1);
  usages.set(stem, usage);
}

function commonForm(usage: Usage): string {
  let best = '';
  for (const [form, times] of usage.forms) if (times > (usage.forms.get(best) ?? 0)) best = form;
  return best;
}
