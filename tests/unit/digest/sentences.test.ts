import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_SENTENCE_CHARS, splitSentences } from '../../../actors/digest/text/sentences.ts';
import { hasWords, tokenizeWords } from '../../../actors/digest/text/words.ts';
import { runs } from '../state/random.ts';

const texts = (text: string): string[] => splitSentences(text).map((sentence) => sentence.text);

describe('where a sentence ends', () => {
  test.each([
    ['at a full stop', 'It rains. We stay.', ['It rains.', 'We stay.']],
    ['at question and exclamation marks', 'Why? Because! So it is.', ['Why?', 'Because!', 'So it is.']],
    ['after a closing quote', 'He said "stop." Then he left.', ['He said "stop."', 'Then he left.']],
    ['not inside a quote that goes on', '"Why?" he asked.', ['"Why?" he asked.']],
    [
      'not after e.g. and i.e.',
      'Use a port, e.g. NATS. It works, i.e. it runs.',
      ['Use a port, e.g. NATS.', 'It works, i.e. it runs.'],
    ],
    ['not after a title', 'Ask Dr. Smith or Mrs. Jones.', ['Ask Dr. Smith or Mrs. Jones.']],
    ['not after an initial', 'J. R. Smith wrote it.', ['J. R. Smith wrote it.']],
    ['not in Inc. before a name', 'Sold by Acme Inc. Boston last year.', ['Sold by Acme Inc. Boston last year.']],
    ['after Inc. before a new sentence', 'Sold by Acme Inc. The price rose.', ['Sold by Acme Inc.', 'The price rose.']],
    ['after U.S. before a new sentence', 'Made in the U.S. It sells.', ['Made in the U.S.', 'It sells.']],
    ['not in the U.S. before a name', 'The U.S. Congress met.', ['The U.S. Congress met.']],
    ['not before a number it belongs to', 'See No. 5 and Fig. 3 there.', ['See No. 5 and Fig. 3 there.']],
    ['after a plain no', 'He said no. Five came.', ['He said no.', 'Five came.']],
    ['not in decimals and versions', 'Pi is 3.14 in v1.2.3 here.', ['Pi is 3.14 in v1.2.3 here.']],
    ['not in addresses', 'See https://a.example/b.c?d=e. Then go.', ['See https://a.example/b.c?d=e.', 'Then go.']],
    ['not at an ellipsis that goes on', 'Well... perhaps. Yes.', ['Well... perhaps.', 'Yes.']],
    ['at CJK full stops without spaces', '今天下雨。我们留下！好吗？', ['今天下雨。', '我们留下！', '好吗？']],
    ['in text without capitals', 'it rains. we stay.', ['it rains.', 'we stay.']],
  ])('%s', (_, text, expected) => {
    expect(texts(text)).toEqual(expected);
  });
});

describe('layout', () => {
  test('wrapped lines are one sentence, and a hyphen at a line end keeps its word', () => {
    expect(texts('A perpetual, royalty-\n   free license\n   for all.')).toEqual([
      'A perpetual, royalty-free license for all.',
    ]);
  });

  test('list items and clauses are sentences without their markers', () => {
    const list = 'You must:\n- keep the notice;\n- change nothing\n\n(a) You give a copy; and\n\n(b) You say so.';
    expect(texts(list)).toEqual([
      'You must:',
      'keep the notice;',
      'change nothing',
      'You give a copy; and',
      'You say so.',
    ]);
  });

  test('a number at the start of a wrapped line is no clause number', () => {
    expect(texts('As told in section\n12. It grew fast.')).toEqual(['As told in section 12.', 'It grew fast.']);
  });

  test('the first number below a short line opens a list', () => {
    expect(texts('Shopping list\n1. Milk and bread.\n2. Fresh eggs from here.')).toEqual([
      'Shopping list',
      'Milk and bread.',
      'Fresh eggs from here.',
    ]);
  });

  test('headings are marked: hashes, short lines apart, titles after a clause number', () => {
    const document =
      '# Guide #\n\nSome text stands here and goes on for a while.\n\nSecond Part\n\n2. Grant of License. You may copy it as you like.';
    const headings = splitSentences(document).filter((sentence) => sentence.heading);
    expect(headings.map((sentence) => sentence.text)).toEqual(['Guide', 'Second Part', 'Grant of License']);
  });

  test('a document of headings only is prose', () => {
    expect(splitSentences('Milk\n\nBread\n\nButter').map((sentence) => sentence.heading)).toEqual([
      false,
      false,
      false,
    ]);
  });

  test('rules, fenced code, comments and link definitions are left out', () => {
    const document =
      'One stays.\n\n-----\n* * *\n```js\ncode();\n```\n<!-- hidden\nwords -->\n[id]: https://a.example\nTwo stays.';
    expect(texts(document)).toEqual(['One stays.', 'Two stays.']);
  });

  test('a fence that is never closed swallows nothing', () => {
    expect(texts('```\nAll of this stays.\n\nThis too.')).toEqual(['All of this stays.', 'This too.']);
  });

  test('markdown and HTML leave their words', () => {
    const document = 'A **bold** [link](https://a.example) with `code` and ![picture](p.png) <b>tags</b> &amp; *more*.';
    expect(texts(document)).toEqual(['A bold link with code and tags & more.']);
  });

  test('angle brackets that are no tags stay', () => {
    expect(texts('Copyright (C) <year> <name of author> and others.')).toEqual([
      'Copyright (C) <year> <name of author> and others.',
    ]);
  });

  test('blank lines part paragraphs, which count from 0 without gaps', () => {
    const paragraphs = splitSentences('\n\nOne is. Two is.\n\n----\n\n\nThree is.\r\n\r\nFour is.').map(
      ({ paragraph }) => paragraph,
    );
    expect(paragraphs).toEqual([0, 0, 1, 2]);
  });
});

describe('long sentences', () => {
  test('are cut at a semicolon before a comma before a space, and say so', () => {
    const half = `${'word '.repeat(50)}end`;
    expect(texts(`${half}; ${half}.`)).toEqual([`${half}; …`, `… ${half}.`]);
  });

  test('without any break are cut hard, between whole characters', () => {
    for (const sentence of texts(`a${'𝒜'.repeat(1000)}`)) {
      expect(sentence.length).toBeLessThanOrEqual(MAX_SENTENCE_CHARS + 4);
      expect(sentence).not.toMatch(/\p{Surrogate}/u);
    }
  });
});

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({ unit: fc.constantFrom(...'aB1 .!?;,:\n-#*_`[]()<>|"&。漢\t…\u0301\ud800'), maxLength: 400 }),
);

describe('any text', () => {
  test('splits without throwing, the same way each time, into plain JSON', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const sentences = splitSentences(text);
        expect(splitSentences(text)).toEqual(sentences);
        expect(JSON.parse(JSON.stringify(sentences))).toStrictEqual(sentences);
      }),
      runs(500),
    );
  });

  test('yields sentences that are counted, on one line, trimmed, not too long and not without words', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        for (const [index, sentence] of splitSentences(text).entries()) {
          expect(sentence.index).toBe(index);
          expect(sentence.text).toBe(sentence.text.trim());
          expect(sentence.text).not.toMatch(/\n|\s\s/u);
          expect(sentence.text.length).toBeLessThanOrEqual(MAX_SENTENCE_CHARS + 4);
          expect(hasWords(sentence.text)).toBe(true);
        }
      }),
      runs(500),
    );
  });

  test('of words and punctuation loses no word', () => {
    const word = fc.constantFrom(
      'The',
      'license',
      'e.g.',
      'Inc.',
      '3.14',
      'ends.',
      'no;',
      'and,',
      '(why?)',
      '\n',
      '\n\n',
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 300 }), (words) => {
        const text = words.join(' ');
        expect(splitSentences(text).flatMap((sentence) => sentence.words)).toEqual(tokenizeWords(text));
      }),
      runs(200),
    );
  });
});

describe('hostile input of a megabyte takes no longer than prose', () => {
  test.each([
    '<!--',
    '[',
    '![a](',
    '<a ',
    '*a',
    '. . ',
    '```\n',
    '.a',
    ' \t',
    'foo-\nbar',
    '\r\n.a',
    '\u0301\u0323',
    '&amp',
  ])('%j', (unit) => {
    // Anything but linear work would run into the time limit of the test.
    expect(splitSentences(unit.repeat(1_000_000 / unit.length)).length).toBeLessThanOrEqual(100_000);
  });
});
