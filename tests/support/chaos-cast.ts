/** Who takes part in a chaos run: modules, keys, addresses and refs of the actors under load. */
import type { ActorRef, AnyDefinition, System } from '../../src/index.ts';
import { job, ledger, relay } from './chaos-actors.ts';
import { clock, ticker } from './chaos-time-actors.ts';
import { herald, listener } from './chaos-topic-actors.ts';

/** For `createSystem({ actors })`. */
export const ACTOR_MODULES: readonly URL[] = [
  new URL('./chaos-actors.ts', import.meta.url),
  new URL('./chaos-time-actors.ts', import.meta.url),
  new URL('./chaos-topic-actors.ts', import.meta.url),
];

/** Less than take part, so that they drive each other out of memory. */
export const MAX_LIVE_ACTORS = 6;

/** Keys of the ledgers. */
export const LEDGERS = ['l0', 'l1', 'l2', 'l3'] as const;

const CAST = [
  { definition: ledger, keys: LEDGERS },
  { definition: relay, keys: ['r0', 'r1', 'r2', 'r3'] },
  { definition: job, keys: ['j0', 'j1', 'j2'] },
  { definition: clock, keys: ['c0', 'c1', 'c2'] },
  { definition: ticker, keys: ['t0', 't1', 't2'] },
  { definition: herald, keys: ['p0', 'p1', 'p2'] },
  { definition: listener, keys: ['h0', 'h1', 'h2'] },
] as const;

/** Names a kind of actor under load. */
export type CastType = (typeof CAST)[number]['definition']['type'];

/** Addresses of one kind. */
export function addressesOf(type: CastType): readonly string[] {
  return CAST.filter(({ definition }) => definition.type === type).flatMap(({ keys }) =>
    keys.map((key) => `${type}/${key}`),
  );
}

/** Every address under load. */
export const ADDRESSES: readonly string[] = CAST.flatMap(({ definition, keys }) =>
  keys.map((key) => `${definition.type}/${key}`),
);

/** Refs by address. */
export function createRefs(system: System): ReadonlyMap<string, ActorRef> {
  const refs = CAST.flatMap(({ definition, keys }) =>
    keys.map((key) => system.actor(definition as AnyDefinition, key)),
  );
  return new Map(refs.map((ref) => [ref.address, ref]));
}
