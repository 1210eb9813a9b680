/** What an event costs beside many other actors, stored or live. */
import type { Address, ActorRef, System } from '../src/index.ts';
import type { StoredActor } from '../src/store/store.ts';
import { ROOT, toAddress } from '../src/actor/address.ts';
import { counter } from './actors.ts';
import { measure, runAll } from './measure.ts';
import type { Figure, Start } from './measure.ts';
import { add, createCounters } from './send.ts';
import { inFolder, withSystem, withSystemIn } from './support.ts';

export interface CrowdOptions {
  /** Actors there are; the sends go to ten of them. */
  readonly actors: number;
  readonly sends: number;
}

const TOUCHED = 10;

/** Sends before any is measured, so that creating many actors does not leave warmer code than creating few. */
const WARM_UPS = 10_000;

/** Durable sends to ten actors, 64 in flight, of a file that holds `actors` in all, out of memory but for the ten. */
export function benchStoredCrowd({ actors, sends }: CrowdOptions): Promise<Figure> {
  return inFolder(async (folder) => {
    await withSystemIn(folder, (system) => fillStore(system, actors));
    return withSystemIn(folder, (system) => measureSends(pick(system, actors), sends));
  });
}

/** Durable sends to ten actors, 64 in flight, of `actors` that all are live. */
export function benchLiveCrowd({ actors, sends }: CrowdOptions): Promise<Figure> {
  return withSystem(async (system) => {
    await createCounters(system, actors);
    return measureSends(pick(system, actors), sends);
  });
}

async function measureSends(refs: readonly ActorRef<typeof counter>[], sends: number): Promise<Figure> {
  const send: Start = (n, done) => void add(refs, n).then(done);
  await runAll(WARM_UPS, 64, send);
  return measure({ count: sends, inFlight: 64 }, send);
}

/** Ten actors, spread over all there are. */
function pick(system: System, actors: number): readonly ActorRef<typeof counter>[] {
  return Array.from({ length: TOUCHED }, (_, i) => system.actor(counter, `a${Math.floor((i * actors) / TOUCHED)}`));
}

/** Fills the file with copies of one real actor: the same rows as sends would leave, in a tenth of the time. */
async function fillStore(system: System, actors: number): Promise<void> {
  await system.actor(counter, 'a0').send({ type: 'ADD', n: 1 });
  const model = await system.store.call('load', toAddress('counter', 'a0'));
  if (!model) throw new Error("The actor that was sent to is not in the store. Look at 'counter/a0'.");
  await runAll(actors - 1, 256, (n, done) => postCopy(system, model, toAddress('counter', `a${n + 1}`), done));
}

function postCopy(system: System, model: StoredActor, address: Address, done: () => void): void {
  const { epoch, version, status, snapshot, type, meta, createdAt: at } = model;
  const actor = { type, parent: ROOT, meta };
  const { text, checksum } = snapshot;
  const state = { kind: 'snapshot', text: String(text), checksum } as const;
  system.store.post({ address, epoch, seq: 1, at, version, status, state, actor }, (result) => {
    if (result.outcome !== 'done') throw new Error(`The copy '${address}' was ${JSON.stringify(result)}`);
    done();
  });
}
