/** The load of the runs that are cut off: some actors say something, one after the other and at once, and another hears all of it. */
import { createSystem } from '../../src/index.ts';
import type { System } from '../../src/index.ts';
import { toAddress } from '../../src/actor/address.ts';
import type { Address } from '../../src/actor/address.ts';
import { LISTENER, speaker } from './io-actors.ts';

const SPEAKERS = 2;
const LOOK_MS = 5;

/** What to run. */
export interface IoLoad {
  readonly file: string;
  readonly events: number;
  readonly threads: number;
  /** Told of every acknowledgement. */
  readonly acknowledged: (id: string) => void;
}

/** Everybody who appends rows, and where what they append comes from. */
export const EVERYBODY: readonly Address[] = [
  ...Array.from({ length: SPEAKERS }, (_, i) => toAddress('speaker', `s${i}`)),
  LISTENER as Address,
];

/** Ids of all events, in the order they are sent. */
export function idsOf(events: number): readonly string[] {
  return Array.from({ length: events }, (_, i) => `e${i}`);
}

/** Sends everything, each under its id, waits until all of it is processed, and stops. What had been processed is not again. */
export async function runIoLoad({ file, events, threads, acknowledged }: IoLoad): Promise<void> {
  const actors = [new URL('./io-actors.ts', import.meta.url)];
  const system = await createSystem({ actors, threads, spareThread: false, store: `sqlite:${file}`, log: 'silent' });
  const ids = idsOf(events);
  for (let i = 0; i < ids.length; i += SPEAKERS) {
    const some = ids.slice(i, i + SPEAKERS).map(async (id, at) => {
      await system.actor(speaker, `s${at}`, {}).send({ type: 'SAY', id }, { id });
      acknowledged(id);
    });
    await Promise.all(some);
  }
  await allHeard(system);
  await system.stop();
}

async function allHeard(system: System): Promise<void> {
  while ((await system.stats()).inboxRows > 0) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
}
