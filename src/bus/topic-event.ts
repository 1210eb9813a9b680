/** What a subscriber receives: a published event in the words of CloudEvents 1.0. Composed in the store, and by whoever hints. */

/** How urgent an event is. It does not change the order of delivery; readers and replays choose by it. */
export const PRIORITIES = ['critical', 'high', 'normal', 'low'] as const;
export type Priority = (typeof PRIORITIES)[number];

/** A published event. */
export interface BusEvent<TData = unknown> {
  /** Unique; the same however often the event is delivered. */
  readonly id: string;
  readonly topic: string;
  /** Address of the actor that published it, or `bus/host` for the host program. */
  readonly source: string;
  /** When it was published, in milliseconds since the epoch. */
  readonly time: number;
  readonly priority: Priority;
  readonly data: TData;
  /** Further attributes (CloudEvents), when it was published with some. */
  readonly attributes?: Readonly<Record<string, string | number | boolean>>;
}

/** The event an actor receives for what was published on a topic it subscribes to. Its type is that of the subscription. */
export interface TopicEvent<TType extends string = string, TData = unknown> extends BusEvent<TData> {
  readonly type: TType;
}

/** What `toTopicEventText` needs; `text` and `attributes` are JSON, `received` what the publisher of an event from elsewhere says. */
export interface PublishedText {
  readonly id: string;
  readonly topic: string;
  readonly priority: Priority;
  readonly text: string;
  readonly attributes?: string;
  readonly received?: { readonly source: string; readonly time: number };
}

/** JSON text of the event a subscriber receives, of what `sender` published at a time, or took in then from elsewhere. */
export function toTopicEventText(published: PublishedText, sender: string, at: number, eventType: string): string {
  const {
    id,
    topic,
    priority,
    text,
    attributes,
    received: { source, time } = { source: sender, time: at },
  } = published;
  const more = attributes === undefined ? '' : `,"attributes":${attributes}`;
  return `{"type":${JSON.stringify(eventType)},"id":${JSON.stringify(id)},"topic":"${topic}","source":${JSON.stringify(source)},"time":${time},"priority":"${priority}"${more},"data":${text}}`;
}
