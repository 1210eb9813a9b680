/** One run in a system: begins it or goes on with it, shows its turns as they are saved, ends a thread in its middle. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isTroupeError } from '../../src/index.ts';
import type { Group, Json, Session, System } from '../../src/index.ts';
import { researcher, reviewer, writer } from './agents.ts';
import type { Chaos } from './chaos/plan.ts';
import type { Timings } from './figures.ts';
import type { Folder, Run } from './folder.ts';
import type { Screen } from './screen.ts';
import { createWork, readWork } from './work.ts';
import type { Work } from './work.ts';

const MAX_ROUNDS = 3;
/** Nobody is meant to miss a turn: the longest pause and the longest document take about a minute. */
const TURN_DEADLINE_MS = 600_000;
/** In a slow run, beyond the pause for the reader and a millisecond for each 1,000 bytes of the document. */
const SLOW_DEADLINE_MS = 1_000;
/** More than any member is waited for. */
const SLOW_MS = 3_600_000;
const MEMBERS = [
  { agent: researcher, name: 'researcher', skill: 'research' },
  { agent: writer, name: 'writer', skill: 'write' },
  { agent: reviewer, name: 'reviewer', skill: 'review' },
] as const;
const WRITER = 1;
const LOOK_EVERY_MS = 5;
/** What stands before a line of the group's log. */
const PREFIXES = { said: '', note: '', failed: 'could not: ', missed: 'has lost its turn: ' } as const;
/** Last token of the topic of such a line. */
const TOPICS = { said: 'turn', note: 'note', failed: 'failed', missed: 'missed' } as const;
/** The user all sessions of the demo belong to. */
const USER = 'troupe-demo';

export interface ConversationParts {
  readonly system: System;
  readonly folder: Folder;
  readonly run: Run;
  readonly screen: Screen;
  readonly timings: Timings;
  /** What is to go wrong, in a run with --chaos. */
  readonly chaos: Chaos | undefined;
}

/** How a run ended. */
export interface Ending {
  readonly work: Work;
  readonly rounds: number;
  readonly failures: readonly string[];
}

type Entry = Awaited<ReturnType<Group['history']>>[number];

/** The conversation of one run. */
export class Conversation {
  readonly session: Session;
  readonly group: Group;
  readonly #parts: ConversationParts;
  /** Rows of the group's log that have been shown. */
  #shown = 0;
  #lastTurnAt: number | undefined;
  readonly #failures: string[] = [];

  constructor(parts: ConversationParts, session: Session, group: Group) {
    this.#parts = parts;
    this.session = session;
    this.group = group;
  }

  /** Leaves out what an earlier process has shown. Returns the last saved turn, 0 before the first, and if it was the end. */
  async skipShown(): Promise<{ readonly turn: number; readonly isOver: boolean }> {
    const entries = await this.group.history();
    const { context } = await this.session.snapshot();
    // A crash may have come between a turn and its telling to the session.
    for (const entry of entries.slice(context.messages)) {
      await this.#announce(entry);
      await this.#tell(entry);
    }
    const { turn = 0, n = 0 } = entries.at(-1) ?? {};
    this.#shown = n;
    return { turn, isOver: (await this.group.snapshot()).context.outcome !== 'none' };
  }

  /** Lets the agents speak until they are done. `undefined`: the system was stopped before that. */
  async follow(): Promise<Ending | undefined> {
    const { context } = await this.group.snapshot();
    if (context.turn === 0) await this.#timed(() => this.group.start({ id: 'start' }));
    let replacing: Promise<void> | undefined;
    for await (const { context: now } of this.group.watch()) {
      await this.#showNew();
      if (now.outcome !== 'none') {
        await replacing;
        return { work: readWork(now.shared), rounds: now.round, failures: this.#failures };
      }
      const speaker = now.members[now.speaker]?.name ?? 'nobody';
      this.#parts.screen.progress(now.turn, now.maxRounds * now.members.length, speaker);
      // With --chaos threads end by themselves.
      if (this.#parts.chaos || now.round !== 1 || now.speaker !== WRITER || replacing) continue;
      replacing = this.#endWritersThread();
      // Awaited at the end; a stop before that fails it, and nobody is left to be told.
      replacing.catch(() => {});
    }
    return undefined;
  }

  /** Shows what was saved since the last look, and tells the session. */
  async #showNew(): Promise<void> {
    for (const entry of await this.group.history({ after: this.#shown })) {
      const { n, at, turn, author, kind, text } = entry;
      this.#shown = n;
      if (this.#lastTurnAt !== undefined) this.#parts.timings.turnMs.push(at - this.#lastTurnAt);
      this.#lastTurnAt = at;
      if (kind === 'failed') this.#failures.push(`${author}: ${text}`);
      this.#parts.screen.speak({ turn, author, text: `${PREFIXES[kind]}${text}` });
      await this.#announce(entry);
      await this.#timed(() => this.#tell(entry));
    }
  }

  /** Tells everybody who listens how it ended. */
  announceEnd({ work: { best }, rounds }: Ending): Promise<unknown> {
    const { title } = this.#parts.run;
    return this.#publish('digest.done', 'done', { title, rounds, words: best?.words ?? 0, text: best?.text ?? '' });
  }

  /** Adds a turn to the session's messages; its id makes a repeated telling count once. */
  #tell({ n, author, text }: Entry): Promise<void> {
    return this.session.say(text, { author, id: `entry-${n}` });
  }

  /** Publishes a turn, with an id for the same reason. */
  #announce({ n, turn, author, kind, text }: Entry): Promise<unknown> {
    return this.#publish(`agent.${author}.${TOPICS[kind]}`, `entry-${n}`, { turn, text });
  }

  /** For `system.bus.subscribe`, and over NATS for `npx troupe watch`. */
  #publish(topic: string, name: string, data: Json): Promise<unknown> {
    const { system, run } = this.#parts;
    return system.bus.publish(topic, data, { id: `digest-${run.id}-${name}` });
  }

  /** What would happen if the thread crashed: all its actors go on in a new one, from their last commits. */
  async #endWritersThread(): Promise<void> {
    const { system, screen, timings } = this.#parts;
    const { context } = await this.group.snapshot();
    const address = context.members[WRITER]?.address ?? '';
    const ref = system.actor(writer, address.slice(address.indexOf('/') + 1));
    await until(async () => {
      const { value, context: state } = await ref.snapshot();
      return value === 'working' || state.turns > 0;
    });
    const thread = system.threads.indexOf(ref.address);
    // Only an actor with a thread of its own may be without one.
    if (thread === undefined) return;
    screen.note(`— ending worker thread ${thread}, which holds the writer —`);
    const since = performance.now();
    await system.threads.endWorker(thread);
    const { value } = await ref.snapshot();
    timings.recoveryMs = performance.now() - since;
    const next = value === 'working' ? '; its turn begins again' : '';
    screen.note(`— a new thread holds the writer after ${Math.round(timings.recoveryMs)} ms${next} —`);
  }

  async #timed(send: () => Promise<void>): Promise<void> {
    const since = performance.now();
    await send();
    this.#parts.timings.sendMs.push(performance.now() - since);
  }
}

/** Opens the conversation of a run, and makes it when the run ended before that. Conversations of older runs go. */
export async function openConversation(parts: ConversationParts): Promise<Conversation> {
  const { system, run } = parts;
  const sessionId = `demo-${run.id}`;
  for (const { id } of (await system.sessions.list({ user: USER })).items) {
    if (id !== sessionId) await system.sessions.delete(id);
  }
  const session = await system.sessions.create({ id: sessionId, user: USER, title: run.title });
  return new Conversation(parts, session, await openGroup(parts));
}

/** Time a member has for a turn, in milliseconds. */
export function turnDeadlineMs({ isSlow, paceMs, bytes }: Run): number {
  return isSlow ? SLOW_DEADLINE_MS + paceMs + Math.ceil(bytes / 1000) : TURN_DEADLINE_MS;
}

async function openGroup({ system, folder, run, chaos }: ConversationParts): Promise<Group> {
  const { sha256, lengthWords, paceMs, isSlow } = run;
  const id = `digest-${run.id}`;
  try {
    return await system.groups.get(id);
  } catch (error) {
    if (!isTroupeError(error, 'ERR_GROUP_NOT_FOUND')) throw error;
  }
  return system.groups.create({
    id,
    session: `demo-${run.id}`,
    topic: `A digest of ${run.title} in ${lengthWords} words`,
    members: MEMBERS,
    shared: createWork({
      document: folder.copyPath(sha256),
      sha256,
      lengthWords,
      paceMs,
      slowMs: isSlow ? SLOW_MS : 0,
      ...(chaos && { chaos }),
    }),
    // The round in which the reviewer misses its turn is one more, so that as many drafts are reviewed.
    maxRounds: isSlow ? MAX_ROUNDS + 1 : MAX_ROUNDS,
    turnDeadlineMs: turnDeadlineMs(run),
  });
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(LOOK_EVERY_MS);
}
