/** What it takes to save and to restore sessions that have messages. */
import type { System } from '../src/index.ts';
import { measure, runAll } from './measure.ts';
import type { Figure } from './measure.ts';
import { inFolder, withSystem, withSystemIn } from './support.ts';

export interface SessionsOptions {
  /** Messages of each session. */
  readonly messages: number;
  readonly sessions: number;
  /** Sessions that are worked on at a time. */
  readonly inFlight: number;
}

const TEXT = 'what users say has about a hundred characters, more or less, and some of it is said again and again.';

/** After a start over the same file: until a session is there with all of its messages, each session once. */
export function benchRestore({ messages, sessions, inFlight }: SessionsOptions): Promise<Figure> {
  return inFolder(async (folder) => {
    await withSystemIn(folder, (system) => fill(system, sessions, messages));
    return withSystemIn(folder, (system) =>
      measure({ count: sessions, inFlight }, (n, done) => void restore(system, n, messages).then(done)),
    );
  });
}

/** One more message in a session that has some, until it is durable. */
export function benchSay({ messages, sessions, inFlight }: SessionsOptions, count: number): Promise<Figure> {
  return withSystem(async (system) => {
    await fill(system, sessions, messages);
    const open = await Promise.all(Array.from({ length: sessions }, (_, i) => system.sessions.get(`s${i}`)));
    return measure({ count, inFlight }, (n, done) => void open[n % sessions]?.say(TEXT).then(done));
  });
}

async function fill(system: System, sessions: number, messages: number): Promise<void> {
  for (let i = 0; i < sessions; i++) {
    const session = await system.sessions.create({ id: `s${i}`, user: 'ada' });
    await runAll(messages, 256, (_n, done) => void session.say(TEXT).then(done));
  }
}

async function restore(system: System, n: number, messages: number): Promise<void> {
  const session = await system.sessions.get(`s${n}`);
  const { length } = await session.window(messages);
  if (length !== messages) throw new Error(`Session 's${n}' has ${length} of ${messages} messages. Look at its log.`);
}
