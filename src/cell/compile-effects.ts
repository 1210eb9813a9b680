/**
 * Turns the effects of one turn into the rows its commit will hold. Pure but for the schemas it asks: an effect that cannot
 * work fails the turn that emitted it, with the path of the wrong part, and nothing of that turn is saved.
 */
import { z } from 'zod';
import { describeValue } from '../describe.ts';
import { TroupeError } from '../errors.ts';
import { encodeJson } from '../state/json.ts';
import type { NewInboxRow, NewPublication } from '../store/store.ts';
import { parseAddress, toAddress } from '../actor/address.ts';
import type { Address } from '../actor/address.ts';
import type { Definitions } from '../actor/definitions.ts';
import { RUNTIME_EVENT_TYPES } from '../actor/effects.ts';
import type {
  Effect,
  PublishEffect,
  ReplyEffect,
  ReplyToken,
  ScheduleEffect,
  SpawnEffect,
  SubscribeEffect,
  TellEffect,
  TrimEffect,
  UnsubscribeEffect,
} from '../actor/effects.ts';
import { toScheduleKey, toScheduleWrite } from '../actor/schedule.ts';
import { toAttributesText } from '../bus/attributes.ts';
import { parsePattern, parseTopic } from '../bus/subjects.ts';
import { PRIORITIES } from '../bus/topic-event.ts';
import { appendLog, createEffectRows, trimLog } from './effect-rows.ts';
import type { EffectRows } from './effect-rows.ts';

export interface CompileContext {
  readonly address: Address;
  /** Boot of this system; replies to asks of another boot have nobody waiting. */
  readonly boot: string;
  readonly definitions: Definitions;
  /** Unique within the actor: the commit's seq and the effect's place in it. */
  readonly nextId: () => string;
  /** Time of the turn, in milliseconds since the epoch. */
  readonly now: () => number;
  /** Topics of the definition, which the actor itself cannot end. */
  readonly topics: Readonly<Record<string, string>>;
}

const tokenSchema = z.object({
  ask: z.string(),
  id: z.string().optional(),
  boot: z.string(),
  of: z.string(),
});

/**
 * Compiles the effects of a turn.
 * @throws {TroupeError} ERR_EFFECT_INVALID, ERR_ADDRESS, ERR_ACTOR_TYPE_UNKNOWN, ERR_EVENT_INVALID, ERR_INPUT_INVALID,
 * ERR_REPLY_INVALID, ERR_SCHEDULE_INVALID, ERR_TOPIC_INVALID or ERR_NOT_JSON.
 */
export function compileEffects(effects: readonly Effect[], context: CompileContext): EffectRows {
  const rows = createEffectRows();
  for (const effect of effects) compileEffect(effect, context, rows);
  return rows;
}

function compileEffect(effect: Effect, context: CompileContext, rows: EffectRows): void {
  switch (effect.type) {
    case 'troupe.tell':
      return void rows.inbox.push(compileTell(effect, context));
    case 'troupe.reply':
      return compileReply(effect, context, rows);
    case 'troupe.append':
      return appendLog(rows, [encodeJson(effect.entry, `Log entry of '${context.address}'`, 'entry')]);
    case 'troupe.trim':
      return trimLog(rows, keepOf(effect, context));
    case 'troupe.deliver':
      return void rows.outbox.push({
        kind: 'deliver',
        id: context.nextId(),
        target: channelOf(effect, context),
        text: encodeJson(effect.payload, `Delivery of '${context.address}'`, 'payload'),
      });
    case 'troupe.spawn':
      return void rows.inbox.push(compileSpawn(effect, context));
    case 'troupe.stop':
      return void rows.inbox.push({
        receiver: parseAddress(effect.address).address,
        kind: 'stop',
        id: context.nextId(),
        text: '{}',
      });
    case 'troupe.schedule':
      return compileSchedule(effect, context, rows);
    case 'troupe.unschedule':
      return void rows.schedules.set(toScheduleKey(effect.key, context.address), null);
    case 'troupe.publish':
      return void rows.publish.push(compilePublish(effect, context));
    case 'troupe.subscribe':
      return compileSubscribe(effect, context, rows);
    case 'troupe.unsubscribe':
      return compileUnsubscribe(effect, context, rows);
    default:
      return refuseEffect(effect, context);
  }
}

function compileTell(effect: TellEffect, context: CompileContext): NewInboxRow {
  const receiver = parseAddress(effect.to).address;
  return {
    receiver,
    kind: 'event',
    id: context.nextId(),
    text: context.definitions.encodeEvent(receiver, effect.event),
  };
}

function compileSpawn(effect: SpawnEffect, context: CompileContext): NewInboxRow {
  const receiver = toAddress(effect.actorType, effect.key);
  if (!context.definitions.isDurable(effect.actorType)) {
    throw new TroupeError(
      'ERR_EFFECT_INVALID',
      `'${context.address}' cannot spawn '${receiver}': its definition says durable: false, so that its parent would never hear of its end. Tell it something instead; that creates it.`,
      { details: { address: context.address, child: receiver } },
    );
  }
  const input = context.definitions.encodeInput(receiver, effect.input);
  const text = `{"parent":${JSON.stringify(context.address)}${input === undefined ? '' : `,"input":${input}`}}`;
  return { receiver, kind: 'create', id: context.nextId(), text };
}

function compileSchedule({ key, event, when }: ScheduleEffect, context: CompileContext, rows: EffectRows): void {
  const text = context.definitions.encodeEvent(context.address, event);
  const write = toScheduleWrite({ key, when, text, now: context.now(), owner: context.address });
  rows.schedules.set(write.key, write);
}

function compilePublish({ topic, data, priority, attributes }: PublishEffect, context: CompileContext): NewPublication {
  const { address } = context;
  if (!PRIORITIES.includes(priority)) {
    throw new TroupeError(
      'ERR_EFFECT_INVALID',
      `A publication of '${address}' has priority '${String(priority)}'. Use one of ${PRIORITIES.join(', ')}.`,
      { details: { address, priority: String(priority) } },
    );
  }
  const text = encodeJson(data, `Publication of '${address}' on '${String(topic)}'`, 'data');
  const more = compileAttributes(attributes, address, topic);
  return { id: `${address}#${context.nextId()}`, topic: parseTopic(topic), priority, text, ...more };
}

function compileAttributes(given: unknown, address: Address, topic: unknown): { readonly attributes?: string } {
  const found = toAttributesText(given);
  if ('text' in found) return found.text === undefined ? {} : { attributes: found.text };
  throw new TroupeError(
    'ERR_EFFECT_INVALID',
    `The attributes of a publication of '${address}' on '${String(topic)}' ${found.fault}.`,
    { details: { address } },
  );
}

function compileSubscribe({ pattern, eventType }: SubscribeEffect, context: CompileContext, rows: EffectRows): void {
  const parsed = parsePattern(pattern);
  if (typeof eventType !== 'string' || eventType === '' || RUNTIME_EVENT_TYPES.has(eventType)) {
    throw new TroupeError(
      'ERR_EFFECT_INVALID',
      `A subscription of '${context.address}' to '${parsed}' has no event type of its own. Pass one to subscribe(pattern, eventType).`,
      { details: { address: context.address, pattern: parsed } },
    );
  }
  rows.subscriptions.set(parsed, eventType);
}

function compileUnsubscribe({ pattern }: UnsubscribeEffect, context: CompileContext, rows: EffectRows): void {
  const parsed = parsePattern(pattern);
  if (Object.hasOwn(context.topics, parsed)) {
    throw new TroupeError(
      'ERR_EFFECT_INVALID',
      `'${context.address}' cannot unsubscribe from '${parsed}': the topic stands in its definition. Take it out of defineActor({ topics }) and subscribe at run time.`,
      { details: { address: context.address, pattern: parsed } },
    );
  }
  rows.subscriptions.set(parsed, null);
}

function compileReply(effect: ReplyEffect, context: CompileContext, rows: EffectRows): void {
  const parsed = tokenSchema.safeParse(effect.to);
  if (!parsed.success) {
    throw new TroupeError(
      'ERR_EFFECT_INVALID',
      `A reply of '${context.address}' names no ask. Pass event.replyTo of the ask, as it came.`,
      { details: { address: context.address } },
    );
  }
  const token = parsed.data as ReplyToken;
  const text = context.definitions.encodeReply(context.address, token.of, effect.value);
  if (token.id !== undefined) rows.replies.push({ id: token.id, reply: text });
  if (token.boot !== context.boot && token.id === undefined) return;
  rows.outbox.push({ kind: 'reply', id: context.nextId(), target: token.ask, boot: context.boot, text });
}

function channelOf(effect: { readonly channel: unknown }, context: CompileContext): string {
  if (typeof effect.channel === 'string' && effect.channel !== '') return effect.channel;
  throw new TroupeError(
    'ERR_EFFECT_INVALID',
    `A delivery of '${context.address}' has no channel. Pass a non-empty string to deliver(channel, payload).`,
    { details: { address: context.address } },
  );
}

/** One row stays at least: it knows the number the next one gets. */
function keepOf({ keep }: TrimEffect, context: CompileContext): number {
  if (Number.isSafeInteger(keep) && keep >= 1) return keep;
  throw new TroupeError(
    'ERR_EFFECT_INVALID',
    `'${context.address}' is to trim its log to ${describeValue(keep)} rows. Pass a whole number from 1 to trim(keep).`,
    { details: { address: context.address } },
  );
}

function refuseEffect(effect: never, context: CompileContext): never {
  const { type } = effect as { type: string };
  throw new TroupeError(
    'ERR_EFFECT_INVALID',
    `'${context.address}' emitted an effect of unknown type '${type}'. Use the effect constructors of troupe.`,
    { details: { address: context.address, type } },
  );
}
