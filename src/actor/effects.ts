/**
 * Effects: plain objects by which a machine asks the runtime for something. A machine emits them; they are committed
 * together with the state that asked for them, and only then let out (G2).
 *
 * ```ts
 * emit(({ context }) => tell(context.reviewer, { type: 'REVIEW', draft: context.draft }))
 * ```
 */
import type { EventAttributes } from '../bus/bus.ts';
import type { Priority } from '../bus/topic-event.ts';
import type { Json } from '../state/json.ts';
import type { Address } from './address.ts';

/** What an actor receives: an object with a `type`, plain JSON throughout. */
export interface ActorEvent {
  readonly type: string;
}

/** The right to answer one ask. A machine may keep it in its context and answer later, also after a restart. */
export interface ReplyToken<TReply = unknown> {
  readonly ask: string;
  readonly id?: string;
  readonly boot: string;
  readonly of: string;
  /** Never present; carries the type of the reply. */
  readonly __reply?: TReply;
}

/** Sends an event to another actor. It is processed once, in the order this actor tells that one. */
export interface TellEffect {
  readonly type: 'troupe.tell';
  readonly to: string;
  readonly event: ActorEvent;
}

/** Answers an ask. */
export interface ReplyEffect {
  readonly type: 'troupe.reply';
  readonly to: ReplyToken;
  readonly value: unknown;
}

/** Appends a row to this actor's log: conversation history and the like, which never belongs into the context. */
export interface AppendEffect {
  readonly type: 'troupe.append';
  readonly entry: Json;
}

/** Removes the oldest rows of this actor's log. */
export interface TrimEffect {
  readonly type: 'troupe.trim';
  readonly keep: number;
}

/** Hands a payload to the host program. It stays pending until a handler of the channel has taken it. */
export interface DeliverEffect {
  readonly type: 'troupe.deliver';
  readonly channel: string;
  readonly payload: Json;
}

/** Creates a child actor unless it exists. */
export interface SpawnEffect {
  readonly type: 'troupe.spawn';
  readonly actorType: string;
  readonly key: string;
  readonly input: unknown;
}

/** Stops another actor, and its children with it. */
export interface StopEffect {
  readonly type: 'troupe.stop';
  readonly address: string;
}

/** Sends an event to this actor later. The same key again moves it. */
export interface ScheduleEffect {
  readonly type: 'troupe.schedule';
  readonly key: string;
  readonly event: ActorEvent;
  readonly when: When;
}

/** Takes back what was scheduled under a key. */
export interface UnscheduleEffect {
  readonly type: 'troupe.unschedule';
  readonly key: string;
}

/** Publishes on a topic. */
export interface PublishEffect {
  readonly type: 'troupe.publish';
  readonly topic: string;
  readonly data: unknown;
  readonly priority: Priority;
  readonly attributes?: EventAttributes;
}

/** Lets this actor receive what is published on matching topics from here on. */
export interface SubscribeEffect {
  readonly type: 'troupe.subscribe';
  readonly pattern: string;
  readonly eventType: string;
}

/** Ends a subscription of this actor. */
export interface UnsubscribeEffect {
  readonly type: 'troupe.unsubscribe';
  readonly pattern: string;
}

/** When something scheduled is due. */
export type When =
  /** Time from the turn that schedules it, in milliseconds, 0 or more. */
  | { readonly afterMs: number }
  /** A time, in milliseconds since the epoch or as a Date. A time that has passed is due at once. */
  | { readonly at: number | Date };

export type Effect =
  | TellEffect
  | ReplyEffect
  | AppendEffect
  | TrimEffect
  | DeliverEffect
  | SpawnEffect
  | StopEffect
  | ScheduleEffect
  | UnscheduleEffect
  | PublishEffect
  | SubscribeEffect
  | UnsubscribeEffect;

/** Prefix of every effect type; other emitted events are the machine's own affair. */
export const EFFECT_PREFIX = 'troupe.';

/** Asks the runtime to send `event` to the actor at `to`. */
export function tell(to: Address | string, event: ActorEvent): TellEffect {
  return { type: 'troupe.tell', to, event };
}

/** Asks the runtime to answer the ask that came with `token`. */
export function reply<TReply>(token: ReplyToken<TReply>, value: TReply): ReplyEffect {
  return { type: 'troupe.reply', to: token, value };
}

/** Asks the runtime to append `entry` to this actor's log. */
export function append(entry: Json): AppendEffect {
  return { type: 'troupe.append', entry };
}

/**
 * Asks the runtime to remove the oldest rows of this actor's log until `keep` are left. What is left keeps its numbers.
 * @param keep 1 or more
 */
export function trim(keep: number): TrimEffect {
  return { type: 'troupe.trim', keep };
}

/** Asks the runtime to hand `payload` to whoever handles `channel` in the host program. */
export function deliver(channel: string, payload: Json): DeliverEffect {
  return { type: 'troupe.deliver', channel, payload };
}

/** Asks the runtime to create the child `type/key`. Its parent is the actor that emits this. */
export function spawn(actorType: string | { readonly type: string }, key: string, input?: unknown): SpawnEffect {
  return { type: 'troupe.spawn', actorType: typeof actorType === 'string' ? actorType : actorType.type, key, input };
}

/** Asks the runtime to stop the actor at `address`. */
export function stop(address: Address | string): StopEffect {
  return { type: 'troupe.stop', address };
}

/**
 * Asks the runtime to send `event` to this actor later: once, never early, also after a restart. Scheduling the same key
 * again moves it and replaces its event.
 * @param key 1 to 128 characters, unique within the actor
 */
export function schedule(key: string, event: ActorEvent, when: When): ScheduleEffect {
  return { type: 'troupe.schedule', key, event, when };
}

/** Asks the runtime to take back what was scheduled under `key`, if it has not been received yet. */
export function unschedule(key: string): UnscheduleEffect {
  return { type: 'troupe.unschedule', key };
}

/**
 * Asks the runtime to publish `data` on a topic such as `task.completed`.
 * @param options.priority @default 'normal'
 * @param options.attributes attributes of CloudEvents that travel with the event, as for `bus.publish`. @default none
 */
export function publish(
  topic: string,
  data: unknown,
  options: { readonly priority?: Priority; readonly attributes?: EventAttributes } = {},
): PublishEffect {
  const { priority = 'normal', attributes } = options;
  return { type: 'troupe.publish', topic, data, priority, ...(attributes !== undefined && { attributes }) };
}

/**
 * Asks the runtime to let this actor receive what is published from here on, as a `TopicEvent` of type `eventType`; the schemas of
 * its definition do not apply to it.
 * @param pattern a topic, or one with wildcards: `*` for one token, `>` for the rest, as in `task.*` or `session.>`
 */
export function subscribe(pattern: string, eventType: string): SubscribeEffect {
  return { type: 'troupe.subscribe', pattern, eventType };
}

/** Asks the runtime to end the subscription to `pattern`. */
export function unsubscribe(pattern: string): UnsubscribeEffect {
  return { type: 'troupe.unsubscribe', pattern };
}

/** What a parent receives when a child has ended, durably, also after a recovery. */
export interface ChildExitedEvent {
  readonly type: 'child.exited';
  readonly child: string;
  /**
   * `done`: its machine reached its end; `stopped`: it was told to; `failed`: it failed and is not to be restarted; `quarantined`: it
   * was given up on and is held.
   */
  readonly reason: 'done' | 'stopped' | 'failed' | 'quarantined';
  readonly output?: Json;
  readonly error?: { readonly name: string; readonly message: string; readonly code?: string };
}

/** What a parent receives when a substitute has taken the place of a child that failed, under the same address. */
export interface ChildReplacedEvent {
  readonly type: 'child.replaced';
  readonly child: string;
  /** Type of the substitute. */
  readonly by: string;
  readonly error: { readonly name?: string; readonly message: string; readonly code?: string };
}

/** Types of events the runtime itself sends; they bypass the schemas of a definition. */
export const RUNTIME_EVENT_TYPES: ReadonlySet<string> = new Set<ChildExitedEvent['type'] | ChildReplacedEvent['type']>([
  'child.exited',
  'child.replaced',
]);
