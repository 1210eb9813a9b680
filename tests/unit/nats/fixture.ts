/** A test system that serves its actors on a NATS server in memory. */
import { isTroupeError } from '../../../src/errors.ts';
import type { TroupeError } from '../../../src/errors.ts';
import { claimActors, serveActors } from '../../../src/nats/actors.ts';
import type { ServeActorsParts, ServedActors } from '../../../src/nats/actors.ts';
import type { NatsHeaders } from '../../../src/nats/client.ts';
import type { SystemIdentity } from '../../../src/nats/lease.ts';
import type { System } from '../../../src/system/system.ts';
import { testSystem } from '../../../src/testing.ts';
import type { TestSystem, TestSystemOptions } from '../../../src/testing.ts';
import * as basic from '../../support/actors-basic.ts';
import { MemoryNats } from '../../support/nats-memory.ts';
import type { MemoryNatsClient } from '../../support/nats-memory.ts';

/** An answer as a foreign client reads it. */
export interface Reply {
  readonly ok: boolean;
  readonly reply?: unknown;
  readonly seq?: number;
  readonly error?: { readonly code: string; readonly message: string; readonly details?: Record<string, unknown> };
  readonly headers: NatsHeaders;
}

export interface ServedSystem extends TestSystem {
  readonly nats: MemoryNats;
  readonly served: ServedActors;
  /** Somebody else on that server. */
  readonly foreigner: MemoryNatsClient;
  /** A request on `troupe.default.actor.TYPE.KEY`; what is no text is sent as JSON. */
  ask(target: string, payload: unknown, headers?: NatsHeaders): Promise<Reply>;
  /** A publication there. */
  tell(target: string, payload: unknown, headers?: NatsHeaders): void;
}

/** How a system of this name says who it is. */
export function identity(name: string, more: Partial<SystemIdentity> = {}): SystemIdentity {
  const [host, version] = ['here', '0.1.0'];
  return { name, host, pid: 7, storeId: `store-${name}`, boot: `boot-${name}`, startedAt: 0, version, ...more };
}

/** What a system gives to serve its actors. */
export function partsOf({ system, env }: TestSystem, client: MemoryNatsClient, name = 'one'): ServeActorsParts {
  return {
    client,
    env,
    log: system.core.log,
    announce: system.announce,
    self: identity(name),
    definitions: system.core.definitions,
    actor: (definition, key, ...input) => system.actor(definition, key, ...(input as [])),
    refusal: () => refusalOf(system),
    post: (commit, done) => system.store.post(commit, done),
    types: true,
  };
}

/** Why a system begins no session. */
export function refusalOf(system: System): TroupeError | undefined {
  try {
    system.assertTakesSessions();
    return undefined;
  } catch (error) {
    if (isTroupeError(error)) return error;
    throw error;
  }
}

/** Starts a system and serves what it has. */
export async function served(
  options: Partial<TestSystemOptions> = {},
  parts: Partial<ServeActorsParts> = {},
): Promise<ServedSystem> {
  const test = await testSystem({ actors: Object.values(basic), ...options } as TestSystemOptions);
  const nats = new MemoryNats(test.env);
  const given = { ...partsOf(test, nats.connect()), ...parts };
  const serving = serveActors(given, await claimActors(given));
  const foreigner = nats.connect();
  const bytes = (payload: unknown): Uint8Array =>
    new TextEncoder().encode(typeof payload === 'string' ? payload : JSON.stringify(payload));
  const { stop: stopTest } = test;
  const stop = async (): Promise<void> => {
    await serving.stop();
    await stopTest();
  };
  return Object.assign(test, {
    nats,
    served: serving,
    foreigner,
    ask: async (target: string, payload: unknown, headers?: NatsHeaders): Promise<Reply> => {
      const message = await foreigner.ask(`troupe.default.actor.${target}`, bytes(payload), headers);
      return { ...(JSON.parse(message.text()) as Reply), headers: message.headers };
    },
    tell: (target: string, payload: unknown, headers?: NatsHeaders) =>
      void foreigner.send(`troupe.default.actor.${target}`, bytes(payload), headers),
    stop,
    [Symbol.asyncDispose]: stop,
  });
}
