/**
 * Who receives what a commit publishes (rule 10): planned before anything of the commit is written, so that a publication
 * that reaches too many is refused without a trace. Shared by every adapter.
 */
import type { Address } from '../actor/address.ts';
import { isOfRuntime, matchesPattern } from '../bus/subjects.ts';
import { toTopicEventText } from '../bus/topic-event.ts';
import { endsActor } from './decide.ts';
import type { Commit, InboxPosition, NewInboxRow, NewPublication, Published, Subscription } from './store.ts';
import type { SubscriptionIndex } from './subscriptions.ts';

/** Most subscribers of one publication, unless told otherwise. */
export const DEFAULT_MAX_FAN_OUT = 1_000;

/** One inbox row a publication leads to. */
interface Receiver {
  readonly receiver: Address;
  readonly event: string;
}

/** A publication and whom it reaches. */
export interface PlannedPublication {
  readonly publication: NewPublication;
  /** By address, then event; an actor whose patterns match with one event type is there once. */
  readonly receivers: readonly Receiver[];
}

/** Everything a commit publishes. */
export interface FanOutPlan {
  readonly publications: readonly PlannedPublication[];
  /** What is too much, when a publication reaches more than allowed. */
  readonly excess?: string;
}

/** What planning needs of a store. */
export interface FanOutContext {
  readonly index: SubscriptionIndex;
  readonly maxFanOut: number;
  /** Publications that are not written again reach nobody, and so never too many. */
  readonly isPublished: (id: string) => boolean;
}

/** Plans what a commit publishes; undefined when it publishes nothing. */
export function planFanOut(commit: Commit, context: FanOutContext): FanOutPlan | undefined {
  const { publish } = commit;
  if (!publish || publish.length === 0) return undefined;
  const publications = publish.map((publication) => ({
    publication,
    receivers: findReceivers(commit, publication.topic, context.index),
  }));
  // What the runtime says of a failure stands in the commit that heals it, and must not be what hinders it.
  const excessive = publications.find(
    ({ publication, receivers }) =>
      receivers.length > context.maxFanOut && !isOfRuntime(publication.topic) && !context.isPublished(publication.id),
  );
  return { publications, ...(excessive && { excess: toExcess(excessive, context.maxFanOut) }) };
}

/** Writes the inbox rows of one publication. Receivers of the same event type share one text. */
export function deliver(
  { address, at }: Commit,
  { publication, receivers }: PlannedPublication,
  writeInbox: (row: NewInboxRow) => InboxPosition,
): Published['receivers'] {
  const texts = new Map<string, string>();
  return receivers.map(({ receiver, event }) => {
    const text = texts.get(event) ?? toTopicEventText(publication, address, at, event);
    texts.set(event, text);
    const position = writeInbox({ receiver, kind: 'event', id: toTopicRowId(publication.id, event), text });
    return { ...position, receiver, event };
  });
}

/** Id of the inbox row of a publication: one receiver may get it as several events. */
export function toTopicRowId(publicationId: string, event: string): string {
  return `${publicationId}>${event}`;
}

/** True for the id of such a row: no other has that character. */
export function isTopicRowId(id: string): boolean {
  return id.includes('>');
}

/** True when the subscriptions of an actor may be others after a commit than before. */
export function changesSubscriptions(commit: Commit): boolean {
  return commit.subscribe !== undefined || commit.unsubscribe !== undefined || endsActor(commit);
}

function findReceivers(commit: Commit, topic: string, index: SubscriptionIndex): readonly Receiver[] {
  const found = new Map<string, Receiver>();
  // An address has no space, so the keys keep actors and events apart.
  const add = (receiver: Address, event: string): void => void found.set(`${receiver} ${event}`, { receiver, event });
  const isOwnChanged = changesSubscriptions(commit);
  for (const { address, event } of index.match(topic))
    if (!isOwnChanged || address !== commit.address) add(address, event);
  if (isOwnChanged)
    for (const { pattern, event } of subscriptionsAfter(commit, index))
      if (matchesPattern(pattern, topic)) add(commit.address, event);
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, receiver]) => receiver);
}

function subscriptionsAfter(commit: Commit, index: SubscriptionIndex): readonly Subscription[] {
  if (endsActor(commit)) return [];
  const { address, unsubscribe = [], subscribe = [] } = commit;
  const after = new Map(index.of(address).map((subscription) => [subscription.pattern, subscription]));
  for (const pattern of unsubscribe) after.delete(pattern);
  for (const subscription of subscribe) after.set(subscription.pattern, subscription);
  return [...after.values()];
}

function toExcess({ publication, receivers }: PlannedPublication, maxFanOut: number): string {
  return `topic '${publication.topic}' has ${receivers.length} subscribers, more than ${maxFanOut}`;
}
