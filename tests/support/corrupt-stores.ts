/** Builds the store of a damage run, and says what was put into it: every kind of row that holds something of an actor. */
import { zstdCompressSync } from 'node:zlib';
import { createSystem } from '../../src/index.ts';
import type { ActorRef, Json, System } from '../../src/index.ts';
import type { Address } from '../../src/actor/address.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { Commit, Store } from '../../src/store/store.ts';
import { fragile, large, small, storied } from './corrupt-actors.ts';

/** Definitions of the run. */
export const DEFINITIONS = [small, large, storied, fragile];

/** An actor of the run, and what was sent to it. */
export interface Planned {
  readonly address: Address;
  readonly kind: 'actor' | 'session';
  /** Numbers it noted, in order. */
  readonly notes: readonly number[];
  /** Numbers that wait in its inbox, in order. */
  readonly waiting: readonly number[];
  readonly isHeld: boolean;
  readonly isWorking: boolean;
}

const KEYS = ['a', 'b', 'c', 'd', 'e', 'f'] as const;
/** Enough for differences to outweigh their snapshot more than once. */
const LARGE_NOTES = 45;

/**
 * Fills a store and closes it.
 * @param beforeClose called while it is still open, as a crash would find it
 */
export async function buildStore(url: string, beforeClose: () => void = () => {}): Promise<readonly Planned[]> {
  const options = { actors: DEFINITIONS, store: url, threads: 0, log: 'silent', synchronous: 'normal' } as const;
  const system = await createSystem(options);
  const planned: Planned[] = [];
  for (const [index, key] of KEYS.entries()) {
    planned.push(await fill(system.actor(small, key), { count: 3 + index, isWorking: index === 1, plans: index }));
    planned.push(
      await fill(system.actor(large, key), { count: LARGE_NOTES + index, isWorking: index === 2, plans: 0 }),
    );
    planned.push(
      await fill(system.actor(storied, key), { count: 6 + index, isWorking: index === 3, plans: index % 2 }),
    );
  }
  planned.push(await hold(system));
  planned.push(...(await talk(system)));
  await system.stop();
  const store = await openStore({ url, synchronous: 'normal' });
  const receivers = planned.filter(({ kind }) => kind === 'actor').slice(0, 4);
  const told = await tellAll(store, receivers);
  await packAll(store);
  beforeClose();
  await store.close();
  return planned.map((plan) => ({ ...plan, waiting: told.get(plan.address) ?? [] }));
}

/** Values kept beside actors. */
export const KEPT: Readonly<Record<string, Json>> = { one: { n: 1 }, two: ['a', 'b'], three: 'text' };

type Sends = ActorRef<typeof small>;

async function fill(
  ref: { readonly address: Address },
  { count, isWorking, plans }: { readonly count: number; readonly isWorking: boolean; readonly plans: number },
): Promise<Planned> {
  const { send, address } = ref as Sends;
  const notes = Array.from({ length: count }, (_, i) => i + 1);
  for (const n of notes) await send({ type: 'NOTE', n });
  for (let plan = 0; plan < plans; plan++) await send({ type: 'PLAN', key: `plan-${plan}` });
  if (isWorking) await send({ type: 'WORK' });
  return { address, kind: 'actor', notes, waiting: [], isHeld: false, isWorking };
}

async function hold(system: System): Promise<Planned> {
  const ref = system.actor(fragile, 'held');
  await ref.send({ type: 'NOTE', n: 5 });
  await ref.send({ type: 'BOOM' }).catch(() => undefined);
  return { address: ref.address, kind: 'actor', notes: [5], waiting: [], isHeld: true, isWorking: false };
}

async function talk(system: System): Promise<readonly Planned[]> {
  for (const [key, value] of Object.entries(KEPT)) await system.kv.set(key, value);
  const planned: Planned[] = [];
  for (const id of ['s1', 's2']) {
    const session = await system.sessions.create({ id, user: 'ada', metadata: { of: id } });
    for (const text of ['one', 'two', 'three']) await session.say(`${id} ${text}`);
    const { address } = session.ref;
    planned.push({ address, kind: 'session', notes: [], waiting: [], isHeld: false, isWorking: false });
  }
  return planned;
}

/** Rows that wait, as another process may have left them: their receivers were not there to take them. */
async function tellAll(store: Store, receivers: readonly Planned[]): Promise<ReadonlyMap<Address, readonly number[]>> {
  const numbers = [101, 102, 103];
  const sender = { type: 'small', parent: 'system/root' as Address, meta: '{}' };
  const inbox = receivers.flatMap(({ address }) =>
    numbers.map((n) => ({
      receiver: address,
      kind: 'event' as const,
      id: `told.${address}.${n}`,
      text: JSON.stringify({ type: 'NOTE', n }),
    })),
  );
  const commit: Commit = {
    address: 'small/teller' as Address,
    epoch: 1,
    seq: 1,
    at: Date.now(),
    version: 1,
    status: 'stopped',
    actor: sender,
    state: { kind: 'snapshot', text: '{"status":"stopped"}', checksum: 0 },
    inbox,
  };
  const [result] = await store.commit([commit]);
  if (result?.outcome !== 'done') throw new Error(`The rows were refused: ${JSON.stringify(result)}`);
  return new Map(receivers.map(({ address }) => [address, numbers]));
}

/** Compresses every other snapshot that stands apart. */
async function packAll(store: Store): Promise<void> {
  const loose = await store.looseSnapshots({ before: Number.MAX_SAFE_INTEGER, minChars: 0, limit: 1000 });
  for (const [index, { address, seq, text }] of loose.entries())
    if (index % 2 === 0) await store.packSnapshot(address, seq, zstdCompressSync(text));
}
