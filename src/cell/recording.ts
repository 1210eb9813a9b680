/** Writes what led to a commit, and what it led to, as the row of a history. JSON that is there already goes in as it is. */
import { sumOfHistory } from '../state/history.ts';
import type { ChecksummedText, Commit, NewInboxRow, NewOutboxRow } from '../store/store.ts';
import type { Draft } from './draft.ts';
import type { EffectRows } from './effect-rows.ts';
import { isWork, textOf } from './items.ts';
import type { DirectItem, InboxItem, Item } from './items.ts';
import { pathOf } from './xstate-seams.ts';

/** What stands beside the state of an actor after a commit. */
export interface Beside {
  readonly version: number;
  /** Checksum of the last row of its state. */
  readonly tip: number;
  readonly substitute: string | undefined;
  readonly timers: string | null;
  readonly inFlight: string | null;
  /** Pattern to event type. */
  readonly topics: ReadonlyMap<string, string>;
}

/** The row for a commit. */
export function toHistory(draft: Draft, commit: Commit, beside: Beside): ChecksummedText {
  const { version, tip, substitute, timers, inFlight, topics } = beside;
  const text = object(
    ['v', String(version)],
    ['tip', String(tip)],
    ['as', substitute && JSON.stringify(substitute)],
    ['status', JSON.stringify(commit.status)],
    ['causes', list(toCauses(draft))],
    ['effects', list(draft.sent ? toEffects(draft.sent) : [])],
    ['timers', timers],
    ['inFlight', inFlight],
    ['topics', topics.size > 0 && JSON.stringify(Object.fromEntries(topics))],
  );
  const delta = commit.state?.kind === 'delta' ? commit.state : commit.step;
  return { text, checksum: sumOfHistory(commit, text, delta?.text ?? null) };
}

function toCauses(draft: Draft): string[] {
  const creation = draft.actor && [toCreation(draft.actor.parent, draft.input)];
  return [...(creation ?? []), ...draft.causes.flatMap((item) => toCause(item) ?? [])];
}

function toCreation(parent: string, input: unknown): string {
  return object(
    ['kind', '"create"'],
    ['parent', JSON.stringify(parent)],
    ['input', input !== undefined && JSON.stringify(input)],
  );
}

function toCause(item: Item): string | undefined {
  switch (item.kind) {
    case 'direct':
      return isWork(item) ? toDirect(item) : undefined;
    case 'inbox':
      return toInbox(item);
    case 'scheduled': {
      const { key, dueAt, text, isDamaged } = item.row;
      const event = isDamaged ? JSON.stringify(text) : text;
      return object(['kind', '"schedule"'], ['key', JSON.stringify(key)], ['dueAt', String(dueAt)], ['event', event]);
    }
    case 'timer': {
      const { id, event } = item.timer.scheduling;
      return object(['kind', '"timer"'], ['id', JSON.stringify(id)], ['event', JSON.stringify(event)]);
    }
    case 'internal': {
      const { source, event } = item.delivery;
      const path = source === undefined ? '' : pathOf(source);
      return object(['kind', '"effect"'], ['path', JSON.stringify(path)], ['event', toEventText(event)]);
    }
    case 'order':
      return object(['kind', '"life"'], ['order', JSON.stringify(item.order)]);
  }
}

function toDirect({ event, command, idempotencyId: id }: DirectItem): string {
  if (command) return object(['kind', '"command"'], ['command', JSON.stringify(command)]);
  return object(['kind', '"send"'], ['id', id !== undefined && JSON.stringify(id)], ['event', JSON.stringify(event)]);
}

function toInbox(item: InboxItem): string | undefined {
  const { kind, sender, pos, id } = item.row;
  // What made the actor stands there already.
  if (kind === 'create') return undefined;
  const from = JSON.stringify(sender);
  if (kind === 'event')
    return object(
      ['kind', '"tell"'],
      ['from', from],
      ['pos', String(pos)],
      ['id', JSON.stringify(id)],
      ['event', textOf(item)],
    );
  return object(
    ['kind', '"order"'],
    ['from', from],
    ['pos', String(pos)],
    ['order', JSON.stringify(kind)],
    ['body', textOf(item)],
  );
}

/** Events between actors of a machine may hold what is no JSON, such as errors. */
function toEventText(event: { readonly type: string }): string {
  const plain = (_key: string, value: unknown): unknown =>
    value instanceof Error ? { name: value.name, message: value.message } : value;
  try {
    return JSON.stringify(event, plain);
  } catch {
    return JSON.stringify({ type: event.type });
  }
}

function toEffects({ inbox, outbox, log, publish, schedules, subscriptions }: EffectRows): string[] {
  return [
    ...inbox.map(toSent),
    ...outbox.map(toLetOut),
    ...log.map((entry) => object(['kind', '"append"'], ['entry', entry])),
    ...publish.map(({ topic, priority, text, attributes }) =>
      object(
        ['kind', '"publish"'],
        ['topic', JSON.stringify(topic)],
        ['priority', JSON.stringify(priority)],
        ['data', text],
        ['attributes', attributes],
      ),
    ),
    ...[...schedules].map(([key, write]) =>
      write === null
        ? object(['kind', '"unschedule"'], ['key', JSON.stringify(key)])
        : object(
            ['kind', '"schedule"'],
            ['key', JSON.stringify(key)],
            ['dueAt', String(write.dueAt)],
            ['event', write.text],
          ),
    ),
    ...[...subscriptions].map(([pattern, event]) =>
      object(
        ['kind', event === null ? '"unsubscribe"' : '"subscribe"'],
        ['pattern', JSON.stringify(pattern)],
        ['event', event !== null && JSON.stringify(event)],
      ),
    ),
  ];
}

const SENT = { event: 'tell', create: 'spawn', stop: 'stop', failed: 'failed', restart: 'restart' } as const;

function toSent({ receiver, kind, text }: NewInboxRow): string {
  const to = JSON.stringify(receiver);
  return object(['kind', JSON.stringify(SENT[kind])], ['to', to], [kind === 'event' ? 'event' : 'body', text]);
}

function toLetOut({ kind, target, text }: NewOutboxRow): string {
  const field = kind === 'reply' ? 'ask' : 'channel';
  return object(
    ['kind', JSON.stringify(kind)],
    [field, JSON.stringify(target)],
    [kind === 'reply' ? 'value' : 'payload', text],
  );
}

/** Fields whose text is missing are left out. */
function object(...fields: readonly (readonly [string, string | null | undefined | false])[]): string {
  const present = fields.filter(([, text]) => typeof text === 'string' && text !== '');
  return `{${present.map(([name, text]) => `"${name}":${text as string}`).join(',')}}`;
}

function list(texts: readonly string[]): string {
  return `[${texts.join(',')}]`;
}
