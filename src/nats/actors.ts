/**
 * Actors over NATS: whoever can publish there can tell and ask actors, with nothing but docs/nats.md. Core NATS, so that an answer takes
 * one way there and back: a request is safe once it is answered, a publication at most once.
 *
 * Invariants: Y1 only a type whose lease is held is served, so that no two stores have the same actor; Y2 what one connection publishes
 * to one actor goes into its mailbox in that order: from the handler to the send nothing is awaited; Y3 every request is answered, and a
 * publication that comes to nothing is a dead letter; Y4 what is under way is bounded.
 */
import type { Definitions } from '../actor/definitions.ts';
import type { AnyDefinition } from '../actor/define.ts';
import { TroupeError, isTroupeError } from '../errors.ts';
import { encodeError } from '../thread/error-codec.ts';
import { withTimeout } from '../with-timeout.ts';
import { actorPrefix, parseActorRequest, parseActorSubject } from './actor-request.ts';
import type { ActorRequest, Target } from './actor-request.ts';
import { fitAnswer, toDone, toRefused } from './answers.ts';
import type { Answer } from './answers.ts';
import type { NatsMessage, NatsSubscription } from './client.ts';
import { Leases } from './leases.ts';
import type { LeasesOptions } from './leases.ts';
import { Letters } from './letters.ts';
import type { LettersOptions, Lost } from './letters.ts';
import { ROOM, Room } from './room.ts';
import type { RoomLimits } from './room.ts';
import { Seldom } from './seldom.ts';

/** What is called of a ref. */
export interface ActorCalls {
  send(event: { readonly type: string }, options: { readonly id?: string }): Promise<void>;
  ask(
    event: { readonly type: string },
    options: { readonly id?: string; readonly timeoutMs?: number },
  ): Promise<unknown>;
  snapshot(): Promise<{ readonly seq: number }>;
}

/** What serving actors takes. */
export interface ServeActorsParts extends Omit<LeasesOptions, 'types'>, LettersOptions {
  readonly definitions: Definitions;
  /** As `system.actor`. */
  readonly actor: (definition: AnyDefinition, key: string, input?: unknown) => ActorCalls;
  /** Why no new session is begun at the moment. */
  readonly refusal: () => TroupeError | undefined;
  /** Types to serve; `true` for all that are loaded. */
  readonly types: true | readonly string[];
  /** @default 4096 requests, 64 MB */
  readonly room?: RoomLimits;
}

/** Actors that are being served. */
export interface ServedActors {
  /** Types that are served now. */
  readonly types: readonly string[];
  /** Takes nothing more, waits for what is under way, and gives the leases back. */
  stop(options?: { readonly timeoutMs?: number }): Promise<void>;
}

const STOP_TIMEOUT_MS = 5000;
const LOG_EVERY_MS = 1000;

/** Looks at the leases of types that are not served here, at a time; what comes beyond is left to whoever serves it. */
const MAX_LOOKS = 256;

/**
 * Takes the leases of the types that are to be served. Before the system begins: then there is nothing to undo.
 * @throws {TroupeError} ERR_NATS_CONFLICT, ERR_OPTIONS_INVALID for a type that is not loaded.
 */
export async function claimActors(parts: ServeActorsParts): Promise<Leases> {
  const leases = new Leases({ ...parts, log: parts.log.with({ component: 'nats' }), types: typesOf(parts) });
  await leases.start();
  return leases;
}

/**
 * Serves the actors whose leases are held. To be called when the system takes messages; to be stopped before its sends are settled and
 * before the client is closed.
 */
export function serveActors(parts: ServeActorsParts, leases: Leases): ServedActors {
  return new ActorServer({ ...parts, log: parts.log.with({ component: 'nats' }) }, leases);
}

class ActorServer implements ServedActors {
  readonly #parts: ServeActorsParts;
  readonly #leases: Leases;
  readonly #letters: Letters;
  readonly #room: Room;
  readonly #lines: Seldom;
  readonly #subscription: NatsSubscription;
  #looks = 0;

  constructor(parts: ServeActorsParts, leases: Leases) {
    this.#parts = parts;
    this.#leases = leases;
    this.#letters = new Letters(parts);
    this.#room = new Room(parts.room ?? ROOM);
    this.#lines = new Seldom(parts.env, LOG_EVERY_MS);
    const { client } = parts;
    const subject = `${actorPrefix(client.namespace)}>`;
    this.#subscription = client.subscribe(subject, (message) => void this.#take(message));
  }

  get types(): readonly string[] {
    return this.#leases.held;
  }

  async stop({ timeoutMs = STOP_TIMEOUT_MS }: { readonly timeoutMs?: number } = {}): Promise<void> {
    await this.#subscription.stop();
    await withTimeout(this.#parts.env, timeoutMs, (done) => void this.#room.empty().then(done, done));
    await this.#leases.stop();
  }

  /** Nothing is awaited before the send (Y2): what an async function does up to there is done at once. */
  async #take(message: NatsMessage): Promise<void> {
    let leave: (() => void) | undefined;
    let target: Target | undefined;
    let request: ActorRequest | undefined;
    try {
      target = parseActorSubject(message.subject, this.#parts.client.namespace);
      if (!this.#leases.holds(target.type)) return await this.#leaveToOthers(target.type);
      leave = this.#room.enter(message.subject, message.data.length);
      request = parseActorRequest(target.address, message.data, message.headers);
      this.#answer(message, await this.#do(target, request));
    } catch (error) {
      this.#refuse(message, error, target, request);
    } finally {
      leave?.();
    }
  }

  async #do(target: Target, request: ActorRequest): Promise<Answer> {
    const { definitions, refusal } = this.#parts;
    const hasInput = Object.hasOwn(request, 'input');
    // Sessions that exist go on while none is begun.
    const refused = hasInput && target.type === 'session' ? refusal() : undefined;
    const definition = definitions.get(target.type);
    const ref = this.#parts.actor(definition, target.key, ...(hasInput && !refused ? [request.input] : []));
    try {
      return await call(ref, definition, request);
    } catch (error) {
      if (!isTroupeError(error, 'ERR_ACTOR_NOT_FOUND')) throw error;
      throw refused ?? notFound(target, error);
    }
  }

  #answer(message: NatsMessage, answer: Answer): void {
    if (message.reply === undefined) return;
    const { maxPayload, hasHeaders } = this.#parts.client.info;
    const { text, headers } = fitAnswer(answer, maxPayload, hasHeaders);
    // Nobody is there any more if this is false; whoever asked will ask again, with the same id.
    message.respond(text, headers);
  }

  #refuse(message: NatsMessage, error: unknown, target: Target | undefined, request: ActorRequest | undefined): void {
    const { log, client } = this.#parts;
    const { subject, reply } = message;
    if (!(error instanceof TroupeError))
      log.error('a request over NATS failed', { subject, error: encodeError(error) });
    if (reply !== undefined) return this.#answer(message, toRefused(error, client.info.hasHeaders));
    // Delivered, only not answered: there is nobody whom that concerns.
    if (isTroupeError(error, 'ERR_ASK_TIMEOUT')) return;
    this.#lines.note((count) =>
      log.warn('what was published for an actor over NATS came to nothing', {
        subject,
        count,
        error: encodeError(error),
      }),
    );
    // An event that failed its actor is a dead letter already, by the commit that gave it up.
    if (isTroupeError(error, 'ERR_EVENT_FAILED') || isTroupeError(error, 'ERR_SYSTEM_STOPPED')) return;
    this.#letters.bury(this.#toLost(message, error, target, request));
  }

  #toLost(message: NatsMessage, error: unknown, target: Target | undefined, request: ActorRequest | undefined): Lost {
    const { subject, headers } = message;
    const id = request?.id ?? this.#parts.env.randomUuid();
    const text = target && request?.event && this.#encode(target, request.event);
    const event = target && text !== undefined ? { event: { to: target.address, text } } : {};
    return { subject, headers, payload: message.text(), id, error, ...event };
  }

  /** The event as the actor would get it; nothing for one it could not take. */
  #encode({ type, address }: Target, event: { readonly type: string }): string | undefined {
    if (!this.#parts.definitions.find(type)) return undefined;
    try {
      return this.#parts.definitions.encodeEvent(address, event);
    } catch {
      return undefined;
    }
  }

  /** A type that this system does not serve: another answers, or nobody does, which is said. */
  async #leaveToOthers(type: string): Promise<void> {
    if (this.#looks >= MAX_LOOKS) return;
    this.#looks++;
    try {
      if (!(await this.#leases.holderOf(type))) throw this.#unserved(type);
    } finally {
      this.#looks--;
    }
  }

  #unserved(type: string): TroupeError {
    const { client, definitions } = this.#parts;
    const isMine = this.#leases.wants(type);
    if (isMine)
      return new TroupeError(
        'ERR_NATS_CONFLICT',
        `Actors of type '${type}' are not served in namespace '${client.namespace}' at the moment: the lease ran out and is being taken again. Nothing has happened; send it again in a few seconds.`,
        { details: { type } },
      );
    const why = definitions.find(type) ? 'not offered over NATS' : 'unknown';
    const served = this.types.join(', ') || 'none';
    return new TroupeError(
      'ERR_ACTOR_TYPE_UNKNOWN',
      `Actor type '${type}' is ${why} in namespace '${client.namespace}' (served: ${served}). Correct the subject, or add the type to createSystem({ actors, nats: { actors } }).`,
      { details: { type } },
    );
  }
}

async function call(ref: ActorCalls, { asks }: AnyDefinition, request: ActorRequest): Promise<Answer> {
  const { event, id, timeoutMs } = request;
  if (event === undefined) return toDone({ seq: (await ref.snapshot()).seq });
  const options = id === undefined ? {} : { id };
  if (Object.hasOwn(asks, event.type)) {
    const limit = timeoutMs === undefined ? {} : { timeoutMs };
    return toDone({ reply: (await ref.ask(event, { ...options, ...limit })) ?? null });
  }
  await ref.send(event, options);
  return toDone();
}

function notFound({ address, type }: Target, cause: TroupeError): TroupeError {
  return new TroupeError(
    'ERR_ACTOR_NOT_FOUND',
    `'${address}' does not exist, and '${type}' cannot be created without input. Send that in the header 'Troupe-Input', or wrap the event: {"input":{...},"event":{...}}.`,
    { cause, details: cause.details },
  );
}

/** @throws {TroupeError} ERR_OPTIONS_INVALID for a type that is not loaded. */
function typesOf({ types, definitions }: Pick<ServeActorsParts, 'types' | 'definitions'>): readonly string[] {
  const loaded = definitions.all.map(({ type }) => type);
  if (types === true) return loaded;
  const unknown = types.find((type) => !loaded.includes(type));
  if (unknown === undefined) return [...new Set(types)];
  throw new TroupeError(
    'ERR_OPTIONS_INVALID',
    `createSystem: option 'nats.actors' names '${unknown}', and no definition of this type is loaded (loaded: ${loaded.join(', ')}). Correct it, or add the module to createSystem({ actors }).`,
    { details: { path: 'nats.actors', type: unknown } },
  );
}
