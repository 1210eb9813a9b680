/** Who is there: a request on `troupe.NAMESPACE.systems` is answered by every system of the namespace. */
import { TroupeError } from '../errors.ts';
import type { NatsClient } from './client.ts';
import type { SystemIdentity } from './lease.ts';

/** What a system says of itself. */
export interface SystemCard {
  readonly name: string;
  readonly storeId: string;
  readonly version: string;
  readonly host: string;
  readonly pid: number;
  /** Types of actors it serves at the moment. */
  readonly types: readonly string[];
  /** As ISO 8601. */
  readonly startedAt: string;
}

/** The subject of the question. */
export function systemsSubject(namespace: string): string {
  return `troupe.${namespace}.systems`;
}

/** Answers from here on. To be stopped before the client is closed. */
export function serveSystems(parts: {
  readonly client: NatsClient;
  readonly self: SystemIdentity;
  readonly types: () => readonly string[];
}): { stop(): Promise<void> } {
  const { client, self, types } = parts;
  return client.subscribe(systemsSubject(client.namespace), (message) => {
    if (message.reply !== undefined) message.respond(JSON.stringify(toCard(self, types())));
  });
}

/** Asks every system of the namespace; those that answer in time, the one that began first first. */
export async function findSystems(client: NatsClient, timeoutMs: number): Promise<readonly SystemCard[]> {
  const answers = await client.requestMany(systemsSubject(client.namespace), '', { timeoutMs });
  const cards = answers.flatMap((answer) => readCard(answer.text()) ?? []);
  return cards.toSorted((a, b) => (a.startedAt < b.startedAt ? -1 : 1));
}

/** The running system whose store has the same id: of two with one id each takes the events of the other for its own, and passes them over. */
export function findTwin(self: SystemIdentity, cards: readonly SystemCard[]): SystemCard | undefined {
  const { storeId, host, pid } = self;
  const startedAt = new Date(self.startedAt).toISOString();
  const isSelf = (card: SystemCard): boolean => card.host === host && card.pid === pid && card.startedAt === startedAt;
  return cards.find((card) => card.storeId === storeId && !isSelf(card));
}

/** What is said of two systems with copies of one store. */
export function twinOf({ name, host, pid, startedAt, storeId }: SystemCard, namespace: string): TroupeError {
  return new TroupeError(
    'ERR_NATS_CONFLICT',
    `The store of this system is a copy of the one of '${name}' on ${host}, process ${pid}, which runs in namespace '${namespace}' since ${startedAt}: both have the id '${storeId}', so that neither would get what the other publishes. Stop one of them, or give the copy a namespace of its own: nats: { namespace: '…' }.`,
    { details: { storeId, namespace, name, host, pid, since: startedAt } },
  );
}

function toCard(
  { name, storeId, version, host, pid, startedAt }: SystemIdentity,
  types: readonly string[],
): SystemCard {
  return { name, storeId, version, host, pid, types, startedAt: new Date(startedAt).toISOString() };
}

/** Whoever may publish there may answer anything. */
function readCard(text: string): SystemCard | undefined {
  try {
    const card = JSON.parse(text) as Partial<SystemCard> | null;
    const isCard = typeof card?.storeId === 'string' && typeof card.startedAt === 'string' && Array.isArray(card.types);
    return isCard ? (card as SystemCard) : undefined;
  } catch {
    return undefined;
  }
}
