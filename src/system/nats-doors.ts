/** What foreign clients reach of a system over NATS: its actors, heartbeats for agents under watch, and who it is. Owned by main. */
import { hostname } from 'node:os';
import { TroupeError, isTroupeError } from '../errors.ts';
import { claimActors, serveActors } from '../nats/actors.ts';
import type { ServeActorsParts, ServedActors } from '../nats/actors.ts';
import type { NatsClient, NatsSubscription } from '../nats/client.ts';
import { serveHeartbeats } from '../nats/heartbeats.ts';
import type { HeartbeatTaker } from '../nats/heartbeats.ts';
import type { SystemIdentity } from '../nats/lease.ts';
import type { Leases } from '../nats/leases.ts';
import { findSystems, findTwin, serveSystems, twinOf } from '../nats/systems.ts';
import type { StoreClient } from '../store/store-client.ts';
import type { Announce } from '../supervision/events.ts';
import { troupeVersion } from '../version.ts';
import { encodeError } from '../thread/error-codec.ts';
import { withTimeout } from '../with-timeout.ts';
import type { SystemParts } from './core.ts';
import type { NatsEngine } from './nats.ts';

/** Time the server gets to take note of what is served; it will, in any case. */
const FLUSH_MS = 1000;

/** Time other systems get to say who they are; nobody is waited for where there are none. */
const ROLL_CALL_MS = 250;

/** What is there once the system has its store. */
export interface DoorsParts {
  readonly nats: NatsEngine;
  readonly parts: SystemParts;
  readonly store: StoreClient;
  readonly announce: Announce;
  readonly actor: ServeActorsParts['actor'];
  /** @throws {TroupeError} ERR_DEGRADED while no new session is begun. */
  readonly assertTakesSessions: () => void;
}

export class NatsDoors {
  readonly #parts: ServeActorsParts | undefined;
  readonly #leases: Leases | undefined;
  readonly #self: SystemIdentity;
  readonly #nats: NatsEngine;
  #actors: ServedActors | undefined;
  #others: readonly NatsSubscription[] = [];
  #offState: (() => void) | undefined;

  private constructor(nats: NatsEngine, self: SystemIdentity, actors?: readonly [ServeActorsParts, Leases]) {
    this.#nats = nats;
    this.#self = self;
    [this.#parts, this.#leases] = actors ?? [undefined, undefined];
  }

  /**
   * Claims the actors that are to be served. Before anything of the system has begun, so that nothing is to be undone when others have them.
   * @throws {TroupeError} ERR_NATS_CONFLICT, ERR_OPTIONS_INVALID.
   */
  static async claim(given: DoorsParts): Promise<NatsDoors> {
    const { nats } = given;
    const self = describeSelf(given);
    await assertSingle(nats.client, self);
    const { actors: types } = nats.options;
    if (types === false) return new NatsDoors(nats, self);
    const parts = toServeParts(given, self, types ?? true);
    return new NatsDoors(nats, self, [parts, await claimActors({ ...parts, isModest: types === undefined })]);
  }

  /** Begins to serve. Resolves when the server knows, if there is one. */
  async open(health: HeartbeatTaker): Promise<void> {
    const { client } = this.#nats;
    const { env, log } = this.#nats.context;
    if (this.#parts && this.#leases) this.#actors = serveActors(this.#parts, this.#leases);
    const types = (): readonly string[] => this.#actors?.types ?? [];
    this.#others = [serveHeartbeats({ client, env, log, health }), serveSystems({ client, self: this.#self, types })];
    this.#offState = client.onState((state) => void (state === 'connected' && this.#lookForTwin()));
    if (client.state !== 'connected') return;
    await withTimeout(env, FLUSH_MS, (done) => void client.flush().then(done, done));
  }

  /** Takes nothing more, and answers what is under way. The connection must still be open. */
  async stop(timeoutMs: number): Promise<void> {
    this.#offState?.();
    await Promise.all(this.#others.map((other) => other.stop()));
    await (this.#actors ?? this.#leases)?.stop({ timeoutMs });
  }

  /** One that started while there was no connection could not be seen then. */
  async #lookForTwin(): Promise<void> {
    const { client, context } = this.#nats;
    await assertSingle(client, this.#self).catch((error: unknown) => {
      if (isTroupeError(error, 'ERR_NATS_CONFLICT'))
        context.log.error(error.message, { component: 'nats', error: encodeError(error) });
    });
  }
}

/** @throws {TroupeError} ERR_NATS_CONFLICT when a copy of the store is in use in the namespace. */
async function assertSingle(client: NatsClient, self: SystemIdentity): Promise<void> {
  if (client.state !== 'connected') return;
  // A server that does not let one ask says nothing about twins.
  const cards = await findSystems(client, ROLL_CALL_MS).catch(() => []);
  const twin = findTwin(self, cards);
  if (twin) throw twinOf(twin, client.namespace);
}

function describeSelf({ nats, parts }: DoorsParts): SystemIdentity {
  return {
    name: nats.options.name,
    host: hostname(),
    pid: process.pid,
    storeId: nats.storeId,
    boot: parts.boot,
    startedAt: parts.env.now(),
    version: troupeVersion(),
  };
}

function toServeParts(
  { nats, parts, store, announce, actor, assertTakesSessions }: DoorsParts,
  self: SystemIdentity,
  types: true | readonly string[],
): ServeActorsParts {
  const { env, log, definitions } = parts;
  const { client } = nats;
  return {
    client,
    env,
    log,
    announce,
    self,
    definitions,
    types,
    actor,
    refusal: () => caught(assertTakesSessions),
    post: (commit, done) => store.post(commit, done),
  };
}

function caught(assert: () => void): TroupeError | undefined {
  try {
    assert();
    return undefined;
  } catch (error) {
    if (error instanceof TroupeError) return error;
    throw error;
  }
}
