/** Names on the server: subjects, the stream, consumers. Every one of them begins with the namespace, so systems of another do not meet. Pure. */

const QUEUE_PREFIX = 'queue_';

/** What every subject of events begins with, up to the topic. */
const eventsPrefix = (namespace: string): string => `troupe.${namespace}.events.`;

/** The subject of a topic, or of a pattern of topics: both have the grammar of NATS. */
export function toEventSubject(namespace: string, topicOrPattern: string): string {
  return eventsPrefix(namespace) + topicOrPattern;
}

/** Subjects of all events of a namespace. */
export function toEventSubjects(namespace: string): string {
  return `${eventsPrefix(namespace)}>`;
}

/** The topic a subject stands for; undefined when it is none of events of this namespace. */
export function toTopic(namespace: string, subject: string): string | undefined {
  const prefix = eventsPrefix(namespace);
  return subject.startsWith(prefix) ? subject.slice(prefix.length) : undefined;
}

/** The stream of a namespace. */
export function toStreamName(namespace: string): string {
  return `TROUPE_${namespace}`;
}

/** The consumer of a queue group. Names of groups may have a colon, which those of consumers may not. */
export function toQueueName(group: string): string {
  return QUEUE_PREFIX + group.replaceAll(':', '=');
}

/** The queue group of a consumer; the name of the consumer itself where it was not made by us. */
export function toGroupName(consumer: string): string {
  return consumer.startsWith(QUEUE_PREFIX) ? consumer.slice(QUEUE_PREFIX.length).replaceAll('=', ':') : consumer;
}
