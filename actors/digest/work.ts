/**
 * What the three agents share while they write a digest: the task, and what each of them added last. It travels with every
 * turn and is saved with the group, so it stays small: the document itself is a file, named here by its hash.
 */
import { z } from 'zod';
import { chaosSchema } from './chaos/plan.ts';

const termSchema = z.object({ term: z.string(), stem: z.string(), weight: z.number() });

const feedbackSchema = z.object({
  diversity: z.number(),
  maxSentenceWords: z.number(),
  mustCover: z.array(z.object({ stem: z.string(), weight: z.number() })),
});

const findingsSchema = z.object({
  /** Sentences by index, each with its rank, best first. */
  ranking: z.array(z.tuple([z.int(), z.number()])),
  keyTerms: z.array(termSchema),
});

const draftSchema = z.object({
  /** 0 for the first draft. */
  revision: z.int(),
  text: z.string(),
  sentenceIndexes: z.array(z.int()),
  words: z.int(),
  feedback: feedbackSchema.nullable(),
});

const bestSchema = z.object({
  revision: z.int(),
  text: z.string(),
  words: z.int(),
  overall: z.number(),
  passed: z.boolean(),
});

const workSchema = z.object({
  /** Path of the copy of the document. */
  document: z.string(),
  sha256: z.string(),
  lengthWords: z.int(),
  /** Pause before each turn, so that a person can follow. */
  paceMs: z.int(),
  /** How much longer the reviewer takes in the first round; more than its turn lasts where it is to be too slow. */
  slowMs: z.int(),
  /** What is to go wrong, in a run with --chaos. */
  chaos: chaosSchema.nullable().default(null),
  /** Turns that began again because a crash or a stop had cut them off. */
  restarts: z.int(),
  /** The researcher's. */
  findings: findingsSchema.nullable(),
  /** The writer's. */
  draft: draftSchema.nullable(),
  /** The reviewer's: what the next draft should do differently. */
  feedback: feedbackSchema.nullable(),
  /** The reviewer's: revision of the draft it has seen last. Until it has seen one, the others leave that as it is. */
  reviewed: z.int().nullable(),
  /** The reviewer's: the draft that passed, or the best of those that did not. */
  best: bestSchema.nullable(),
});

/** Everything the agents share. */
export type Work = z.infer<typeof workSchema>;

/** The part of it that is known before anyone has spoken. */
export type Task = Pick<Work, 'document' | 'sha256' | 'lengthWords' | 'paceMs' | 'slowMs'> &
  Partial<Pick<Work, 'chaos'>>;

/** The work at its beginning. */
export function createWork(task: Task): Work {
  return { chaos: null, ...task, restarts: 0, findings: null, draft: null, feedback: null, reviewed: null, best: null };
}

/** Reads what a group shares. @throws when a part of it is missing or of another shape. */
export function readWork(shared: Readonly<Record<string, unknown>>): Work {
  return workSchema.parse(shared);
}
