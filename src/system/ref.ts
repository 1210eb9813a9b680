/** Refs: typed handles to addresses, the same wherever the actor lives. Types flow from the definition. */
import { typeOf } from '../actor/address.ts';
import type { Address } from '../actor/address.ts';
import type { AnyDefinition, AskOf, EventOf, ReplyOf, StateView } from '../actor/define.ts';
import type { When } from '../actor/effects.ts';
import { toScheduleKey, toScheduleWrite } from '../actor/schedule.ts';
import type { ScheduleCommand } from '../cell/items.ts';
import { TroupeError, isTroupeError } from '../errors.ts';
import type { ScheduleWrite } from '../store/store.ts';
import { checkEventQuery, checkEventSeq, readEvents, readPast } from './actor-history.ts';
import type { ActorEventEntry, EventQuery, PastState } from './actor-history.ts';
import type { SystemCore } from './core.ts';
import { overloaded } from './sends.ts';
import { runUpdate } from './update.ts';
import type { UpdateOptions } from './update.ts';
import { describeValue } from '../describe.ts';

export interface SendOptions {
  /** Id of this message, chosen by the caller, 1 to 256 characters: however often it is sent, it is processed once. */
  readonly id?: string;
  /**
   * Only for the state with this seq, as `snapshot` shows it (G18): once the actor has moved on, nothing happens and
   * ERR_CONFLICT is thrown. An actor that does not exist is not created. Only for actors that are stored.
   */
  readonly ifSeq?: number;
}

export interface AskOptions extends Pick<SendOptions, 'id'> {
  /** Time the reply may take, in milliseconds, counted from the call. 1 to 86,400,000. @default 30000 */
  readonly timeoutMs?: number;
}

/** A typed handle to one actor. */
export interface ActorRef<D = AnyDefinition> {
  readonly address: Address;
  /**
   * Sends an event. Resolves when the state it led to is durable (G1).
   * @throws {TroupeError} ERR_EVENT_INVALID, ERR_NOT_JSON, ERR_ACTOR_NOT_FOUND, ERR_ACTOR_STOPPED, ERR_ACTOR_QUARANTINED,
   * ERR_EVENT_FAILED, ERR_MAILBOX_FULL, ERR_MAILBOX_DROPPED, ERR_OVERLOADED, ERR_STORE_TROUBLE, ERR_SYSTEM_STOPPED; with `ifSeq`
   * ERR_CONFLICT.
   */
  send(event: EventOf<D>, options?: SendOptions): Promise<void>;
  /**
   * A write that depends on what was read (G18): looks at the state, lets `decide` make an event of it, and sends that for this
   * state alone. When another write was faster it looks and decides again, after a pause. Resolves with false when `decide` found nothing to do.
   * @param decide called once per try; may return nothing
   * @throws {TroupeError} as `send`, ERR_OPTIONS_INVALID, and ERR_CONFLICT when every try met a change.
   */
  update(
    decide: (view: StateView<D>) => EventOf<D> | undefined | Promise<EventOf<D> | undefined>,
    options?: UpdateOptions,
  ): Promise<boolean>;
  /**
   * Sends an event without waiting for what becomes of it: it is processed at most once, and nobody is told if it is not.
   * Resolves when it is on its way; at once, unless the actor's thread has too much to do.
   * @throws {TroupeError} ERR_EVENT_INVALID, ERR_NOT_JSON, ERR_OVERLOADED, ERR_STORE_TROUBLE, ERR_SYSTEM_STOPPED.
   */
  tell(event: EventOf<D>): Promise<void>;
  /**
   * Sends an event later: once, never before its time, also after a restart (G11). The same key again moves it and replaces
   * its event. Resolves when that is durable.
   * @param key 1 to 128 characters, unique within the actor, shared with its own `schedule` effects
   * @throws {TroupeError} as `send`, and ERR_SCHEDULE_INVALID.
   */
  schedule(key: string, event: EventOf<D>, when: When): Promise<void>;
  /**
   * Takes back what is scheduled under `key`, if it has not been received. Resolves when that is durable.
   * @throws {TroupeError} ERR_SCHEDULE_INVALID, ERR_ACTOR_NOT_FOUND, ERR_ACTOR_STOPPED, ERR_ACTOR_QUARANTINED, ERR_STORE_TROUBLE,
   * ERR_SYSTEM_STOPPED.
   */
  unschedule(key: string): Promise<void>;
  /**
   * Sends a question and waits for the reply, which the actor may give now or later.
   * @throws {TroupeError} as `send`, and ERR_ASK_UNKNOWN, ERR_ASK_TIMEOUT.
   */
  ask<E extends AskOf<D>>(event: E, options?: AskOptions): Promise<ReplyOf<D, E['type']>>;
  /**
   * The committed state, everything this caller sent before included; while the store cannot save, what is saved.
   * @throws {TroupeError} as `send`
   */
  snapshot(): Promise<StateView<D>>;
  /**
   * What is kept of its past: each event, what it changed and what it led to, oldest first, by pages.
   * @throws {TroupeError} ERR_OPTIONS_INVALID, ERR_STATE_CORRUPT
   */
  history(query?: EventQuery): Promise<readonly ActorEventEntry[]>;
  /** The state after one of those events, by its `seq`. @throws {TroupeError} ERR_HISTORY_UNKNOWN, ERR_OPTIONS_INVALID, ERR_STATE_CORRUPT */
  at(seq: number): Promise<PastState>;
  /** Committed states from the current one on, until the actor has ended. A slow reader skips states in between. */
  watch(): AsyncGenerator<StateView<D>, void, undefined>;
  /**
   * Ends the actor and its children, ahead of what waits in its mailbox: the senders of that get ERR_ACTOR_STOPPED. Resolves
   * when it is durable. Stopping what has ended does nothing.
   */
  stop(): Promise<void>;
}

const DEFAULT_ASK_TIMEOUT_MS = 30_000;
const MAX_ASK_TIMEOUT_MS = 86_400_000;
const MAX_ID_CHARS = 256;

/** Makes a ref. `create` is the JSON text of the input to create the actor from, when one was given. */
export function createRef<D extends AnyDefinition>(
  core: SystemCore,
  address: Address,
  create: string | undefined,
): ActorRef<D> {
  return {
    address,
    send: (event, options = {}) => send(core, address, event, options, create),
    update: async (decide, options) => {
      core.assertRunning();
      const look = async () => (await view(core, address, create)) as never;
      const sendIf = (event: EventOf<D>, ifSeq: number | undefined) =>
        send(core, address, event, ifSeq === undefined ? {} : { ifSeq }, undefined);
      return runUpdate({ env: core.env, look, decide, send: sendIf }, options);
    },
    tell: async (event) => {
      core.assertRunning();
      const text = core.definitions.encodeEvent(address, event);
      core.assertSaves(address);
      await core.tells.tell(address, text, create);
    },
    schedule: async (key, event, when) => {
      core.assertRunning();
      await command(core, address, create, { schedule: toWrite(core, address, key, event, when) });
    },
    unschedule: async (key) => {
      core.assertRunning();
      await command(core, address, undefined, { unschedule: toScheduleKey(key, address) });
    },
    ask: async (event, options = {}) => {
      core.assertRunning();
      return ask(core, address, event, options, create) as never;
    },
    snapshot: async () => {
      core.assertRunning();
      return (await view(core, address, create)) as never;
    },
    history: async (query = {}) => {
      core.assertRunning();
      return readEvents(core.store(), address, checkEventQuery(query));
    },
    at: async (seq) => {
      core.assertRunning();
      return readPast(core.store(), address, checkEventSeq(seq));
    },
    watch: () => {
      core.assertRunning();
      return core.watches.watch(address, () => view(core, address, create)) as never;
    },
    stop: async () => {
      core.assertRunning();
      core.assertSaves(address);
      await core.requests.order(address, 'stop');
    },
  };
}

async function send(
  core: SystemCore,
  address: Address,
  event: { readonly type: string },
  options: SendOptions,
  create: string | undefined,
): Promise<void> {
  core.assertRunning();
  checkKeys('send', options, ['id', 'ifSeq']);
  const id = checkId(core, address, options.id);
  const ifSeq = checkIfSeq(core, address, options.ifSeq);
  const body = `"event":${core.definitions.encodeEvent(address, event)}`;
  core.assertSaves(address);
  await core.sends.send(address, body, { id, ifSeq, create, most: windowOf(core, address) });
}

async function ask(
  core: SystemCore,
  address: Address,
  event: { readonly type: string },
  options: AskOptions,
  create: string | undefined,
): Promise<unknown> {
  checkKeys('ask', options, ['id', 'timeoutMs']);
  const id = checkId(core, address, options.id);
  const timeoutMs = checkTimeout(options.timeoutMs ?? DEFAULT_ASK_TIMEOUT_MS);
  const eventText = core.definitions.encodeAsk(address, event);
  core.assertSaves(address);
  if (core.asks.pending >= core.maxPending) throw overloaded(address, core.maxPending);
  const name = id === undefined ? `${core.boot}:${core.sends.nextNumber}` : `id:${address}:${id}`;
  const token = { ask: name, ...(id !== undefined && { id }), boot: core.boot, of: event.type };
  const withToken = `${eventText.slice(0, -1)},"replyTo":${JSON.stringify(token)}}`;
  const { reply, cancel } = core.asks.wait(name, address, event.type, timeoutMs);
  core.sends.send(address, `"event":${withToken}`, { id, create, most: windowOf(core, address) }).then(
    (recorded) => void (recorded !== undefined && core.asks.settle(name, recorded)),
    (error: Error) => cancel(error),
  );
  return reply;
}

/**
 * The committed state, after what this caller sent before and what still waits for room. While the store cannot save, what is saved:
 * nothing is created then, and what waits for the store is not waited for.
 */
async function view(core: SystemCore, address: Address, create: string | undefined): Promise<unknown> {
  if (core.isInTrouble && core.definitions.isDurable(typeOf(address))) {
    return core.requests.savedView(address).catch((error: unknown) => {
      if (create !== undefined && isTroupeError(error, 'ERR_ACTOR_NOT_FOUND')) core.assertSaves(address);
      throw error;
    });
  }
  const waiting = core.sends.posted(address);
  if (waiting) await waiting;
  return core.requests.view(address, create);
}

/** How many events may be under way to an actor: what its mailbox holds, unless that refuses for itself. */
export function windowOf(core: SystemCore, address: Address): number {
  const { capacity, overflow } = core.definitions.get(typeOf(address)).policy.mailbox;
  return overflow === 'block' ? capacity : Infinity;
}

async function command(
  core: SystemCore,
  address: Address,
  create: string | undefined,
  order: ScheduleCommand,
): Promise<void> {
  if (!core.definitions.isDurable(typeOf(address))) throw notStored(address);
  core.assertSaves(address);
  await core.sends.send(address, `"command":${JSON.stringify(order)}`, { create, most: windowOf(core, address) });
}

function toWrite(core: SystemCore, address: Address, key: unknown, event: unknown, when: unknown): ScheduleWrite {
  const text = core.definitions.encodeEvent(address, event);
  return toScheduleWrite({ key, when, text, now: core.env.now(), owner: address });
}

function notStored(address: Address): TroupeError {
  return new TroupeError(
    'ERR_SCHEDULE_INVALID',
    `Nothing can be scheduled for '${address}': its definition says durable: false. Make it durable, or keep the timer in the host program.`,
    { details: { address } },
  );
}

function checkKeys(call: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    throw new TroupeError(
      'ERR_OPTIONS_INVALID',
      `The options of ${call}() are ${describeValue(options)} instead of an object. Pass one such as { id: 'order-7' }, or leave it out.`,
    );
  }
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  throw new TroupeError(
    'ERR_OPTIONS_INVALID',
    `Option '${unknown}' of ${call}() is unknown. Known options: ${known.join(', ')}.`,
    { details: { option: unknown } },
  );
}

function checkId(core: SystemCore, address: Address, id: unknown): string | undefined {
  if (id === undefined) return undefined;
  if (typeof id !== 'string' || id.length === 0 || id.length > MAX_ID_CHARS) {
    throw invalidId(`is ${describeValue(id)}. Use a string of 1 to ${MAX_ID_CHARS} characters: id: 'order-7'.`);
  }
  if (core.definitions.isDurable(typeOf(address))) return id;
  throw invalidId(
    `was given for '${address}', whose definition says durable: false: nothing remembers it. Leave it out, or make the actor durable.`,
  );
}

function checkIfSeq(core: SystemCore, address: Address, ifSeq: unknown): number | undefined {
  if (ifSeq === undefined) return undefined;
  if (!Number.isInteger(ifSeq) || (ifSeq as number) < 1)
    throw invalidSeq(`is ${describeValue(ifSeq)}. Use the seq of a snapshot: ifSeq: (await ref.snapshot()).seq.`);
  if (core.definitions.isDurable(typeOf(address))) return ifSeq as number;
  throw invalidSeq(
    `was given for '${address}', whose definition says durable: false: its seq begins anew with its thread. Leave it out, or make the actor durable.`,
  );
}

function invalidSeq(why: string): TroupeError {
  return new TroupeError('ERR_OPTIONS_INVALID', `Option 'ifSeq' ${why}`, { details: { option: 'ifSeq' } });
}

function invalidId(why: string): TroupeError {
  return new TroupeError('ERR_OPTIONS_INVALID', `Option 'id' ${why}`, { details: { option: 'id' } });
}

function checkTimeout(timeoutMs: unknown): number {
  if (typeof timeoutMs === 'number' && timeoutMs >= 1 && timeoutMs <= MAX_ASK_TIMEOUT_MS) return timeoutMs;
  throw new TroupeError(
    'ERR_OPTIONS_INVALID',
    `Option 'timeoutMs' is ${describeValue(timeoutMs)}. Use a number of milliseconds from 1 to ${MAX_ASK_TIMEOUT_MS}: timeoutMs: 5000.`,
    { details: { option: 'timeoutMs', value: String(timeoutMs) } },
  );
}
