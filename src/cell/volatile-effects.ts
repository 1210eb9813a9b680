/** Lets out the effects of an actor that is not stored: at once, and at most once. */
import type { Address } from '../actor/address.ts';
import type { Effect } from '../actor/effects.ts';
import { TroupeError } from '../errors.ts';
import type { Commit, CommitResult } from '../store/store.ts';
import { compileEffects } from './compile-effects.ts';
import type { EffectRows } from './effect-rows.ts';
import type { CellServices } from './services.ts';

const ALLOWED: ReadonlySet<string> = new Set<Effect['type']>([
  'troupe.tell',
  'troupe.reply',
  'troupe.deliver',
  'troupe.publish',
]);

/** Hands a commit to the store. */
export type PostVolatile = (commit: Commit, onResult: (result: CommitResult) => void) => void;

/**
 * Checks every effect of a turn before it lets out the first.
 * @throws {TroupeError} what `compileEffects` throws, and ERR_EFFECT_INVALID for an effect that needs a store.
 */
export function sendVolatile(
  effects: readonly Effect[],
  address: Address,
  services: CellServices,
  post: PostVolatile,
): void {
  const foreign = effects.find(({ type }) => type.startsWith('troupe.') && !ALLOWED.has(type));
  if (foreign) {
    throw new TroupeError(
      'ERR_EFFECT_INVALID',
      `'${address}' emitted '${foreign.type}', which needs a stored actor; its definition says durable: false. Use tell, reply, deliver or publish, or make it durable.`,
      { details: { address, type: foreign.type } },
    );
  }
  const { env, boot, definitions } = services;
  const nextId = (): string => services.nextId();
  const rows = compileEffects(effects, { address, boot, definitions, nextId, now: () => env.now(), topics: {} });
  letOutVolatile(rows, address, services);
  if (rows.publish.length > 0) publishVolatile(rows, address, services, post);
}

function letOutVolatile({ inbox, outbox }: EffectRows, address: Address, services: CellServices): void {
  for (const { receiver, text } of inbox) services.tell(receiver, text);
  for (const row of outbox) services.release(address, row, undefined);
}

function publishVolatile({ publish }: EffectRows, address: Address, services: CellServices, post: PostVolatile): void {
  const at = services.env.now();
  const commit: Commit = { address, epoch: 1, seq: 0, version: 1, status: 'active', at, publish };
  post(commit, (result) => {
    if (result.outcome === 'refused')
      services.log.warn('a publication was refused', { address, detail: result.detail });
    else services.published(address, publish, result, at);
  });
}
