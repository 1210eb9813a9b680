/** Whether a substitute can take the place of a definition, as far as that can be known before anything runs. Pure. */
import { TroupeError } from '../errors.ts';
import type { AnyDefinition } from './define.ts';

type ByType = ReadonlyMap<string, AnyDefinition>;

/**
 * Checks the substitute of a definition that has one.
 * @throws {TroupeError} ERR_DEFINITION_INVALID
 */
export function assertReplacement(definition: AnyDefinition, byType: ByType): void {
  const chain = [definition.type];
  for (let next = substituteOf(definition, byType, chain[0] as string); next;) {
    if (chain.includes(next.type))
      throw invalid(definition.type, next.type, `leads back to '${next.type}': ${[...chain, next.type].join(' -> ')}`);
    if (chain.length === 1) assertFits(definition, next);
    chain.push(next.type);
    next = substituteOf(next, byType, definition.type);
  }
}

function substituteOf({ type, policy }: AnyDefinition, byType: ByType, owner: string): AnyDefinition | undefined {
  const { onFailure } = policy.supervise;
  if (typeof onFailure === 'string') return undefined;
  const substitute = byType.get(onFailure.with);
  if (substitute) return substitute;
  throw invalid(
    owner,
    onFailure.with,
    type === owner ? 'is not loaded' : `is the substitute of '${type}' and is not loaded`,
  );
}

/** It must be stored like the other, and take what may wait for it. */
function assertFits(definition: AnyDefinition, substitute: AnyDefinition): void {
  const refuse = (why: string): never => {
    throw invalid(definition.type, substitute.type, why);
  };
  if (!definition.policy.isDurable)
    refuse('cannot take over: the definition says durable: false, so there is nothing to take over');
  if (!substitute.policy.isDurable) refuse('says durable: false, and cannot take over what is stored');
  const { events } = substitute;
  const event = events && Object.keys(definition.events ?? {}).find((name) => !Object.hasOwn(events, name));
  if (event !== undefined) refuse(`does not take the event '${event}'`);
  const ask = Object.keys(definition.asks).find((name) => !Object.hasOwn(substitute.asks, name));
  if (ask !== undefined) refuse(`cannot be asked '${ask}'`);
}

function invalid(type: string, substitute: string, why: string): TroupeError {
  return new TroupeError(
    'ERR_DEFINITION_INVALID',
    `Definition '${type}' names the substitute '${substitute}', which ${why}. Mend supervise.onFailure in defineActor('${type}', …), or the substitute.`,
    { details: { type, path: 'supervise.onFailure', substitute } },
  );
}
