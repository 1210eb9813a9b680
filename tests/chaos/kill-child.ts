/** The child of the kill harness: opens the system and puts load on it until it is killed, or verifies what is left. */
import { writeFileSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { createSystem } from '../../src/index.ts';
import { ACTOR_MODULES, MAX_LIVE_ACTORS } from '../support/chaos-cast.ts';
import { HISTORY_VARIABLE, record } from '../support/chaos-history.ts';
import { startLoad, startWitness } from '../support/chaos-load.ts';
import type { Load } from '../support/chaos-load.ts';
import type { ChildOrder, ChildWord, Dump } from '../support/chaos-protocol.ts';
import { createChaosRandom } from '../support/chaos-random.ts';
import { readLogs, waitUntilQuiet } from '../support/chaos-settle.ts';

const say = (word: ChildWord): void => void writeSync(1, `${word}\n`);

async function obey(order: ChildOrder): Promise<void> {
  process.env[HISTORY_VARIABLE] = order.history;
  const { sender, threads, repeat } = order;
  record({ t: 'life', phase: 'begin', id: sender, at: Date.now() });
  const system = await createSystem({
    actors: ACTOR_MODULES,
    store: `sqlite:${order.file}`,
    threads,
    recoverEveryMs: 200,
    maxLiveActors: MAX_LIVE_ACTORS,
  });
  say('up');
  await startWitness(system, sender);
  const limit = order.mode === 'load' ? order.limit : 0;
  const random = createChaosRandom(order.seed);
  const load = startLoad({ system, random, sender, threads, repeat, limit, onFirst: () => say('first') });
  if (order.mode === 'load') return;
  const leftovers = await verify(load, () => waitUntilQuiet(system, order.timeoutMs), order.timeoutMs);
  const dump: Dump = { logs: [...(await readLogs(system))], leftovers, hanging: load.open() };
  writeFileSync(order.dump, JSON.stringify(dump));
  await system.stop();
  say('over');
}

/** Gives the repeated calls their time, then waits for quiet. */
async function verify<T>(load: Load, wait: () => Promise<T>, timeoutMs: number): Promise<T> {
  await Promise.race([load.done, new Promise((resolve) => setTimeout(resolve, timeoutMs).unref())]);
  return wait();
}

const lines = createInterface({ input: process.stdin });
lines.once('line', (line) => {
  lines.close();
  void obey(JSON.parse(line) as ChildOrder).then(
    () => undefined,
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
say('loaded');
