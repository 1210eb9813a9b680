/** A digest as markdown: title, one paragraph per section of the document, key terms. */
import { keyTerms } from './key-terms.ts';
import type { Sentence } from './sentences.ts';

const LISTED_TERMS = 8;
const MAX_TITLE_CHARS = 80;
const TITLE_SEARCH = 5;
const NO_TITLE = 'Untitled document';

type Section = { readonly key: string; readonly name: string | undefined };

/** Renders the chosen sentences, which come in document order. */
export function renderDigest(sentences: readonly Sentence[], chosen: readonly Sentence[]): string {
  const terms = keyTerms(sentences, LISTED_TERMS).map(({ term }) => term);
  const parts = [`# ${findTitle(sentences)}`, ...renderSections(sentences, chosen)];
  if (terms.length > 0) parts.push(`**Key terms:** ${terms.join(', ')}`);
  return `${parts.join('\n\n')}\n`;
}

// The first heading near the top names the document, otherwise its first words do.
function findTitle(sentences: readonly Sentence[]): string {
  const source = sentences.slice(0, TITLE_SEARCH).find(({ heading }) => heading) ?? sentences[0];
  const title = (source?.text ?? '')
    .replace(/https?:\/\/\S+/gu, '')
    .replace(/\s+/gu, ' ')
    .replace(/[\s.:;,]+$/u, '')
    .trim();
  if (title.length <= MAX_TITLE_CHARS) return title === '' ? NO_TITLE : title;
  const cut = title.slice(0, MAX_TITLE_CHARS).replace(/[\uD800-\uDBFF]$/u, '');
  return `${cut.includes(' ') ? cut.slice(0, cut.lastIndexOf(' ')) : cut} …`;
}

function renderSections(sentences: readonly Sentence[], chosen: readonly Sentence[]): string[] {
  const sections = findSections(sentences);
  const paragraphs = new Map<string, string[]>();
  for (const sentence of chosen) {
    const { key, name } = sections.get(sentence.index) ?? { key: '', name: undefined };
    const paragraph = paragraphs.get(key) ?? (name === undefined ? [] : [`**${name}**`]);
    paragraph.push(toWhole(sentence.text));
    paragraphs.set(key, paragraph);
  }
  return [...paragraphs.values()].map((paragraph) => paragraph.join(' '));
}

// Sentences before the second heading stand under the title alone and keep their own paragraphs.
function findSections(sentences: readonly Sentence[]): Map<number, Section> {
  const sections = new Map<number, Section>();
  let headings = 0;
  let name: string | undefined;
  for (const sentence of sentences) {
    if (sentence.heading) headings += 1;
    if (sentence.heading) name = headings > 1 ? toWhole(sentence.text.replace(/[\s.:]*$/u, '')) : undefined;
    sections.set(sentence.index, {
      key: name === undefined ? `paragraph ${sentence.paragraph}` : `section ${headings}`,
      name,
    });
  }
  return sections;
}

/** A list item as a sentence: a capital in front, a full stop instead of "; and". */
function toWhole(text: string): string {
  const ended = text.replace(/[;,](?: (?:and|or))?$/u, '');
  const whole = /[.!?…。！？:：]["'”’»)\]]*$/u.test(ended) ? ended : `${ended}.`;
  return whole.replace(/^\p{Ll}/u, (letter) => letter.toUpperCase());
}
