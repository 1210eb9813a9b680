import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createActor } from 'xstate';
import { researcher, writer } from '../../../actors/digest/agents.ts';
import { hashOf } from '../../../actors/digest/folder.ts';
import { research, review, write, type Craft, type Outcome } from '../../../actors/digest/skills.ts';
import { splitSentences, type Sentence } from '../../../actors/digest/text/sentences.ts';
import { createWork, readWork, type Work } from '../../../actors/digest/work.ts';

const LICENSE = readFileSync(new URL('../../../LICENSE', import.meta.url), 'utf8');
const TASK = { document: 'copy.txt', sha256: 'hash', lengthWords: 160, paceMs: 0, slowMs: 0 };
const CRAFTS: readonly Craft[] = [research, write, review];

/** Turns of all three, round after round, until one says it is over. */
function converse(sentences: readonly Sentence[], lengthWords: number): { turns: Outcome[]; work: Work } {
  let work = createWork({ ...TASK, lengthWords });
  const turns: Outcome[] = [];
  for (const craft of [...CRAFTS, ...CRAFTS, ...CRAFTS]) {
    const outcome = craft(work, sentences);
    turns.push(outcome);
    // As a group keeps it: through JSON.
    work = readWork(JSON.parse(JSON.stringify({ ...work, ...outcome.changes })) as Work);
    if (outcome.isOver) break;
  }
  return { turns, work };
}

describe('three agents at work', () => {
  const sentences = splitSentences(LICENSE);
  const { turns, work } = converse(sentences, 160);

  test('send the first draft back and accept a later one', () => {
    expect(turns.map(({ isOver }) => isOver)).toEqual([false, false, false, false, false, true]);
    expect(work.best).toMatchObject({ revision: 1, passed: true, text: work.draft?.text });
  });

  test('say in a line each what they did', () => {
    const texts = turns.map(({ text }) => text);
    expect(texts[0]).toMatch(
      /^ranked \d+ sentences of 1,\d{3} words\. It is about work, license, .* Strongest sentence: “.*”$/u,
    );
    expect(texts[1]).toMatch(/^draft 1: \d+ words in \d+ sentences\.$/u);
    expect(texts[2]).toMatch(/^draft 1: coverage 0\.\d\d, .*\(falls short\).*Needs another draft: /u);
    expect(texts[3]).toMatch(/^the draft leaves out .* could fill that, \d+ of them new to the writer\.$/u);
    expect(texts[5]).toMatch(/^draft 2: coverage .*\. Accepted: /u);
    expect(texts.filter((text) => text.includes('\n'))).toEqual([]);
  });

  test('keep what they share as plain JSON, and small', () => {
    for (const { changes } of turns) expect(JSON.parse(JSON.stringify(changes))).toEqual(changes);
    expect(JSON.stringify(work).length).toBeLessThan(16_384);
  });

  test('give the same again, byte for byte, when a turn is repeated', () => {
    expect(JSON.stringify(converse(splitSentences(LICENSE), 160))).toBe(JSON.stringify({ turns, work }));
  });
});

test('the researcher adds sentences on key terms that a draft left out', () => {
  const common = Array.from({ length: 260 }, (_, at) => `The river carries water past the old mill number ${at}.`);
  const sentences = splitSentences([...common, ...Array<string>(9).fill('Zebras graze elsewhere.')].join(' '));
  const findings = {
    ranking: [[0, 1]] as [number, number][],
    keyTerms: [{ term: 'zebras', stem: 'zebra', weight: 1 }],
  };
  const draft = { revision: 0, text: '', sentenceIndexes: [0], words: 10, feedback: null };
  const { text, changes } = research({ ...createWork(TASK), findings, draft, reviewed: 0 }, sentences);
  expect(text).toBe('the draft leaves out zebras; 5 sentences could fill that, 5 of them new to the writer.');
  expect(changes.findings?.ranking.map(([index]) => sentences[index]?.text)).toContain('Zebras graze elsewhere.');
});

test('the reviewer keeps the best of the drafts that fell short', () => {
  const sentences = splitSentences(LICENSE);
  const { findings } = readWork({ ...createWork(TASK), ...research(createWork(TASK), sentences).changes });
  const draftOf = (sentenceIndexes: number[], revision: number) => ({
    revision,
    text: `${revision}`,
    sentenceIndexes,
    words: 30,
    feedback: null,
  });
  const all = sentences.filter(({ heading }) => !heading).map(({ index }) => index);
  const reviewed = (best: Work['best'], draft: Work['draft']) =>
    review({ ...createWork(TASK), findings, best, draft }, sentences);
  const worse = reviewed(null, draftOf([], 0));
  expect(worse).toMatchObject({ isOver: false, changes: { best: { revision: 0, passed: false } } });
  const better = reviewed(worse.changes.best ?? null, draftOf(all, 1));
  expect(better).toMatchObject({ isOver: false, changes: { best: { revision: 1, passed: false } } });
  expect(reviewed(better.changes.best ?? null, draftOf([], 2)).changes).not.toHaveProperty('best');
});

test('an agent whose colleague failed says what is missing', () => {
  expect(() => write(createWork(TASK), [])).toThrow('There is no ranking to write from.');
  expect(() => review(createWork(TASK), [])).toThrow('There is no draft to review.');
});

test('nobody changes a draft before it is reviewed, and a round whose reviewer was missing changes nothing', () => {
  const sentences = splitSentences(LICENSE);
  const usual = converse(sentences, 160);
  const merge = (work: Work, craft: Craft): Work => ({ ...work, ...craft(work, sentences).changes });
  const drafted = [research, write].reduce(merge, createWork({ ...TASK }));
  const waits = 'nothing to add before draft 1 is reviewed.';
  for (const craft of [research, write]) {
    expect(craft(drafted, sentences)).toEqual({ text: waits, changes: {}, isOver: false });
  }
  const late = [review, research, write, review].reduce(merge, drafted);
  expect(late.best).toEqual(usual.work.best);
});

describe('as actors', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'troupe-agents-'));
    writeFileSync(join(folder, 'copy.txt'), LICENSE);
    writeFileSync(join(folder, 'changed.txt'), `${LICENSE} changed`);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('report what a turn changes', async () => {
    const work = createWork({ ...TASK, document: join(folder, 'copy.txt'), sha256: hashOf(LICENSE) });
    const { event } = await speak(researcher, 'research', work);
    expect(event).toMatchObject({ type: 'TURN.DONE', turn: 1, isOver: false, shared: { restarts: 0 } });
  });

  test('report a document that is not the one the run began with', async () => {
    const work = createWork({ ...TASK, document: join(folder, 'changed.txt'), sha256: hashOf(`${LICENSE}!`) });
    const { event } = await speak(writer, 'write', work);
    expect(event).toMatchObject({
      type: 'TURN.FAILED',
      message: expect.stringContaining('has been changed. Start anew'),
    });
  });

  /** Gives an agent a turn, as a plain XState actor, and returns what it tells the group. */
  function speak(agent: typeof researcher, skill: string, shared: Work): Promise<{ readonly event: unknown }> {
    const actor = createActor(agent.machine, { input: { name: 'one', skill } });
    return new Promise((resolve) => {
      actor.on('*', (effect) => resolve(effect as unknown as { readonly event: unknown }));
      actor.start().send({ type: 'TURN', group: 'group/g', turn: 1, round: 1, shared });
    });
  }
});
