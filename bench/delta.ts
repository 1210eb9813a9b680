/** One more message in a conversation of many: what it costs must not follow how many. */
import { createActor } from 'xstate';
import { StateSaver } from '../src/cell/state-saver.ts';
import { createWalker } from '../src/cell/walker.ts';
import { hoarder, writer } from './actors.ts';
import { hoarderMachine, toMessage } from './machines.ts';
import { measure, measureEach, runAll } from './measure.ts';
import type { Figure } from './measure.ts';
import { withSystem } from './support.ts';

export interface DeltaBenchOptions {
  /** Messages there are before. */
  readonly messages: number;
  readonly count: number;
}

const MAX_STATE_BYTES = 67_108_864;

/** Sends before any is measured, to actors of their own: code is as warm at every point of the curve. */
const WARM_UPS = 2_000;

/** Durable sends, one at a time, to actors that hold all messages in their context. */
export function benchDeltaSend({ messages, count }: DeltaBenchOptions): Promise<Figure> {
  return withSystem(async (system) => {
    const all = toRuns(messages, count);
    const say = (key: string, id: number): Promise<void> =>
      system.actor(hoarder, key).send({ type: 'SAY', message: toMessage(id) });
    const fill = (n: number): Promise<void> => system.actor(hoarder, `h${n}`).send({ type: 'FILL', count: messages });
    await runAll(WARM_UPS, 64, (n, done) => void say(`warm${n % 200}`, n).then(done));
    await runAll(all.actors, 4, (n, done) => void fill(n).then(done));
    return measure({ count, inFlight: 1 }, (_, done) => {
      const { actor, id } = all.next();
      void say(`h${actor}`, id).then(done);
    });
  });
}

/** Durable sends, one at a time, to actors that append messages to their log. */
export function benchAppendSend({ messages, count }: DeltaBenchOptions): Promise<Figure> {
  return withSystem(async (system) => {
    const all = toRuns(messages, count);
    const say = (actor: number, id: number): Promise<void> =>
      system.actor(writer, `w${actor}`).send({ type: 'SAY', message: toMessage(id) });
    await runAll(all.actors * messages, 64, (n, done) => void say(n % all.actors, n).then(done));
    return measure({ count, inFlight: 1 }, (_, done) => {
      const { actor, id } = all.next();
      void say(actor, id).then(done);
    });
  });
}

/**
 * How long the actor's thread is blocked by saving: the walk over the state, the difference, its encoding. Without the turn
 * of the machine, which copies the list of messages itself, and without the commit, which is another thread's work.
 */
export function benchDeltaSave({ messages, count }: DeltaBenchOptions): Figure {
  const all = toRuns(messages, count);
  const hoarders = Array.from({ length: all.actors }, () => createHoarder(messages));
  let current = hoarders[0];
  return measureEach(
    count,
    () => current?.save(),
    () => {
      const { actor, id } = all.next();
      current = hoarders[actor];
      current?.say(id);
    },
  );
}

function createHoarder(messages: number): { readonly say: (id: number) => void; readonly save: () => void } {
  const actor = createActor(hoarderMachine).start();
  const walker = createWalker('bench/one');
  const saver = new StateSaver({ owner: 'bench/one', maxStateBytes: MAX_STATE_BYTES, keepsSteps: false });
  const save = (): void => void saver.write(walker.walk(actor));
  actor.send({ type: 'FILL', count: messages });
  save();
  return { say: (id) => actor.send({ type: 'SAY', message: toMessage(id) }), save };
}

/** Spreads runs and warm-up over so many actors that no conversation grows by more than a tenth. */
function toRuns(messages: number, count: number): { readonly actors: number; readonly next: () => Run } {
  const perActor = Math.max(1, Math.floor(messages / 10));
  let n = 0;
  return {
    actors: Math.ceil((count + Math.ceil(count / 10)) / perActor),
    next: () => ({ actor: Math.floor(n / perActor), id: messages + (n++ % perActor) }),
  };
}

interface Run {
  readonly actor: number;
  readonly id: number;
}
