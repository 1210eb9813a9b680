/** The demo's agents: a researcher, a writer and a reviewer. Every thread loads this module. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Json } from '../../src/state/json.ts';
import { defineAgent } from '../agent.ts';
import type { Skill } from '../agent.ts';
import { loadSentences } from './document.ts';
import { research, review, write } from './skills.ts';
import type { Craft } from './skills.ts';
import { readWork } from './work.ts';
import type { Work } from './work.ts';

/** Ranks the sentences of the document. */
export const researcher = defineAgent('researcher', { skills: { research: toSkill(research) } });

/** Composes the drafts. */
export const writer = defineAgent('writer', { skills: { write: toSkill(write) } });

/** Scores the drafts and says when one is good enough. */
export const reviewer = defineAgent('reviewer', { skills: { review: toSkill(review, slowAtFirst) } });

/** Time a turn takes beside the work, in milliseconds. */
type Pause = (work: Work, round: number) => number;

/** For the reader. */
function forReader({ paceMs }: Work): number {
  return paceMs;
}

/** Longer in the first round. */
function slowAtFirst({ paceMs, slowMs }: Work, round: number): number {
  return round === 1 ? paceMs + slowMs : paceMs;
}

/** A craft as a skill: a pause, the document, the work. After a crash all of it runs again. */
export function toSkill(craft: Craft, pauseMs: Pause = forReader): Skill {
  return async ({ turn, signal, attempt }) => {
    const work = readWork(turn.shared);
    await sleep(pauseMs(work, turn.round), undefined, { signal });
    const { text, changes, isOver } = craft(work, await loadSentences(work));
    const shared = { ...changes, restarts: work.restarts + attempt - 1 };
    return { text, shared: shared as Readonly<Record<string, Json>>, isOver };
  };
}
