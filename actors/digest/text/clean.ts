/**
 * Clean running text out of markdown, HTML remains and control characters. Each pattern is linear or bounded, as the
 * input may be one line of 5 MB made of nothing but opening brackets.
 */

const TAGS = [
  'a|abbr|b|blockquote|br|center|cite|code|dd|details|div|dl|dt|em|h[1-6]|hr|i|img|kbd|li|mark|ol|p|picture|pre|q|s|samp',
  'small|source|span|strong|sub|summary|sup|table|tbody|td|tfoot|th|thead|tr|tt|u|ul|var',
].join('|');
const HTML_TAG = new RegExp(`</?(?:${TAGS})(?:\\s[^<>]{0,500})?/?>`, 'giu');
const IMAGE = /!\[[^\][]{0,300}\](?:\([^()]{0,500}\)|\[[^\][]{0,100}\])/gu;
const LINK = /\[([^\][]{0,300})\](?:\([^()]{0,500}\)|\[[^\][]{0,100}\])/gu;
const AUTOLINK = /<((?:https?|mailto):[^<>\s]{1,500})>/gu;
const EMPHASIS = /\*\*|__(?=\S)|(?<=\S)__|`+/gu;
const ITALIC = /(?<![\p{L}\p{N}*_])([*_])(?=\S)([^*_]{1,300})(?<=\S)\1(?![\p{L}\p{N}*_])/gu;
const ESCAPE = /\\([\][(){}<>*_`#+.!|~-])/gu;
const ENTITIES: Readonly<Record<string, string>> = {
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
  '&apos;': "'",
  '&nbsp;': ' ',
  '&amp;': '&',
};

/** Normalises line ends, accents and invisible characters, and replaces what is not valid Unicode. */
export function normalise(text: string): string {
  return (
    text
      .replace(/\p{Surrogate}/gu, '\uFFFD')
      .replace(/[\u00AD\u200B\u200E\u200F\u2060\uFEFF]/gu, '')
      // Normalising is quadratic in the marks on one letter; no language needs more than a few.
      .replace(/(\p{M}{8})\p{M}+/gu, '$1')
      .normalize('NFC')
      .replace(/\r\n?|[\f\v\u0085\u2028\u2029]/gu, '\n')
      .replace(/[^\P{Cc}\n]/gu, ' ')
  );
}

/** Drops HTML comments. A pattern would be quadratic in unclosed ones. */
export function dropComments(text: string): string {
  const kept: string[] = [];
  let from = 0;
  for (let open = text.indexOf('<!--'); open >= 0; open = text.indexOf('<!--', from)) {
    const close = text.indexOf('-->', open + 4);
    if (close < 0) break;
    kept.push(text.slice(from, open));
    from = close + 3;
  }
  return [...kept, text.slice(from)].join(' ');
}

/** The text of one block without markup, on one line, with single spaces. */
export function cleanInline(text: string): string {
  return text
    .replace(HTML_TAG, ' ')
    .replace(IMAGE, ' ')
    .replace(LINK, '$1')
    .replace(AUTOLINK, '$1')
    .replace(EMPHASIS, '')
    .replace(ITALIC, '$2')
    .replace(/&(?:lt|gt|quot|#39|apos|nbsp|amp);/gu, (entity) => ENTITIES[entity] ?? entity)
    .replace(ESCAPE, '$1')
    .replace(/\s+/gu, ' ')
    .trim();
}
