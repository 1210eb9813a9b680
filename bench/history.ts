/** What a history costs, and what reading the past and forking from it take; and what a conversation takes on disk. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { System } from '../src/index.ts';
import { writer } from './actors.ts';
import { recordedCounter, recordedWriter } from './history-actors.ts';
import { toMessage } from './machines.ts';
import type { Message } from './machines.ts';
import { measure, runAll } from './measure.ts';
import type { Figure } from './measure.ts';
import { ACTORS, inFolder, withSystem, withSystemIn } from './support.ts';

const HISTORY_ACTORS = new URL('./history-actors.ts', import.meta.url);

const actors = { actors: [ACTORS, HISTORY_ACTORS] };

/** Durable sends to actors whose history is kept. */
export function benchRecordedSend(options: {
  readonly inFlight: number;
  readonly sends: number;
  readonly actors: number;
}): Promise<Figure> {
  return withSystem(async (system) => {
    const refs = Array.from({ length: options.actors }, (_, i) => system.actor(recordedCounter, `c${i}`));
    await runAll(refs.length, 64, (n, done) => void refs[n]?.send({ type: 'ADD', n: 1 }).then(done));
    return measure({ count: options.sends, inFlight: options.inFlight }, (n, done) => {
      void refs[n % refs.length]?.send({ type: 'ADD', n }).then(done);
    });
  }, actors);
}

/** One more message, one at a time, to a conversation of so many whose history is kept. */
export function benchRecordedMessage({
  messages,
  count,
}: {
  readonly messages: number;
  readonly count: number;
}): Promise<Figure> {
  return withSystem(async (system) => {
    const ref = system.actor(recordedWriter, 'w');
    await runAll(messages, 64, (n, done) => void ref.send({ type: 'SAY', message: toMessage(n) }).then(done));
    return measure(
      { count, inFlight: 1 },
      (n, done) => void ref.send({ type: 'SAY', message: toMessage(n) }).then(done),
    );
  }, actors);
}

/** The state after any of the last 1,000 events. */
export function benchAt(count: number): Promise<Figure> {
  return withRecorded(1_000, (system) => {
    const ref = system.actor(recordedCounter, 'c');
    return measure({ count, inFlight: 1 }, (n, done) => void ref.at(1 + ((n * 7) % 1_000)).then(done));
  });
}

/** A live actor from any of the last 1,000 events, until its first answer. */
export function benchFork(count: number): Promise<Figure> {
  return withRecorded(1_000, (system) => {
    let n = 0;
    const forkOne = async (): Promise<void> => {
      const key = `f${n++}`;
      await system.fork('recorded-counter/c', 1 + ((n * 7) % 1_000), key);
      await system.actor(recordedCounter, key).snapshot();
    };
    return measure({ count, inFlight: 1 }, (_, done) => void forkOne().then(done));
  });
}

function withRecorded(events: number, work: (system: System) => Promise<Figure>): Promise<Figure> {
  return withSystem(async (system) => {
    const ref = system.actor(recordedCounter, 'c');
    for (let n = 0; n < events; n++) await ref.send({ type: 'ADD', n });
    return work(system);
  }, actors);
}

/** Bytes of the file per message: a conversation of so many, in the log, with a history or without. */
export function benchBytesPerMessage(messages: number, isRecorded: boolean): Promise<Figure> {
  return inFolder(async (folder) => {
    const say = (system: System, n: number): Promise<void> =>
      system.actor(isRecorded ? recordedWriter : writer, 'w').send({ type: 'SAY', message: toMessage(n) });
    await withSystemIn(folder, (system) => runAll(messages, 64, (n, done) => void say(system, n).then(done)), actors);
    return { samples: messages, bytes: Math.round(statSync(join(folder, 'bench.db')).size / messages) };
  });
}

/** Bytes per message of an engine that saves the whole conversation with each: what its checkpoints come to as JSON. */
export function benchWholeBytesPerMessage(messages: number): Figure {
  const conversation: Message[] = [];
  let bytes = 0;
  let length = 2;
  for (let n = 0; n < messages; n++) {
    const message = toMessage(n);
    conversation.push(message);
    length += JSON.stringify(message).length + 1;
    bytes += length;
  }
  return { samples: messages, bytes: Math.round(bytes / messages) };
}
