/**
 * The format of exported sessions: lines of `src/pool/lines.ts`, in this order. What is stored as text stays text, so that it comes back
 * to the letter.
 *
 * header, then for each session: session, its actors (the session first, then what is below it, parents before children), each
 * followed by its log, what is scheduled for it and what waits for it, then end; after all of them footer.
 */
import { z } from 'zod';
import { ACTOR_STATUSES, INBOX_KINDS } from '../../store/store.ts';

/** Says what a file is. */
export const FORMAT = 'troupe-sessions';
/** The version this Troupe writes, and the newest it reads. */
export const FORMAT_VERSION = 1;

/** Rows of one line, and characters from which on a line is not added to. */
export const ROWS_PER_LINE = 200;
export const CHARS_PER_LINE = 262_144;

const whole = z.int().min(0);
const jsonText = z.string();

/** What the body of each kind of line holds. */
export const BODIES = {
  header: z.strictObject({ format: z.string(), version: whole, at: whole }),
  session: z.strictObject({ id: z.string() }),
  actor: z.strictObject({
    address: z.string(),
    parent: z.string(),
    version: z.int().min(1),
    status: z.enum(ACTOR_STATUSES),
    error: jsonText.nullable(),
    meta: jsonText,
    state: jsonText,
    shape: z.string().nullable(),
    supervision: jsonText.nullable(),
    inFlight: jsonText.nullable(),
    timers: jsonText.nullable(),
    subscriptions: z.array(z.strictObject({ pattern: z.string(), event: z.string().min(1) })),
    spawned: whole,
    /** When it was looked at: times until then have passed. */
    at: whole,
    logRows: whole,
  }),
  /** Number, time and text of each row. */
  log: z.strictObject({ of: z.string(), rows: z.array(z.tuple([z.int().min(1), whole, jsonText])).min(1) }),
  scheduled: z.strictObject({
    of: z.string(),
    rows: z.array(z.strictObject({ key: z.string().min(1).max(128), dueAt: whole, text: jsonText })).min(1),
  }),
  waiting: z.strictObject({
    of: z.string(),
    rows: z
      .array(z.strictObject({ sender: z.string(), kind: z.enum(INBOX_KINDS), id: z.string().min(1), text: jsonText }))
      .min(1),
  }),
  end: z.strictObject({ id: z.string(), actors: z.int().min(1), messages: whole }),
  /** `checksum` is that over the texts of all lines before. */
  footer: z.strictObject({ sessions: whole, messages: whole, lines: whole, checksum: whole }),
} as const;

/** A kind of line. */
export type Kind = keyof typeof BODIES;
/** What a line of a kind holds. */
export type Body<K extends Kind> = z.infer<(typeof BODIES)[K]>;

/** Timers as they stand in an actor's row. */
export const timersSchema = z.array(
  z.looseObject({
    source: z.string(),
    target: z.string().optional(),
    id: z.string(),
    dueAt: whole,
    delayMs: z.number().min(0),
    event: z.looseObject({ type: z.string() }),
  }),
);

/** Effect functions in flight as they stand in an actor's row. */
export const inFlightSchema = z.array(z.looseObject({ path: z.string(), key: z.string(), attempt: z.int().min(0) }));
