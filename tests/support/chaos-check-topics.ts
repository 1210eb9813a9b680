/**
 * Topics (G12). What was published for certain, each actor that was subscribed for certain received once, and none that
 * was not; what may have been published, all of them received or none. The witness, a named subscription of code, received
 * everything at least once, and each of its lives without a gap.
 */
import { matchesPattern } from '../../src/bus/subjects.ts';
import { isBefore } from './chaos-calls.ts';
import type { Call, Span } from './chaos-calls.ts';
import type { HistoryLine } from './chaos-history.ts';
import type { ChaosHistory, Findings, TopicFigures } from './chaos-verdict.ts';

/** Prefix of the addresses that are subscribed, and what their definition subscribes them to. */
const LISTENER = 'listener/';
const OWN_PATTERN = 'news.*';

interface TopicCase extends ChaosHistory {
  readonly calls: ReadonlyMap<string, Call>;
  readonly found: Findings;
}

interface Publication {
  readonly id: string;
  readonly topic: string;
  readonly span: Span;
  /** It took effect for certain. */
  isSure: boolean;
}

/** A change of one subscription. */
interface Interest {
  readonly pattern: string;
  readonly isOn: boolean;
  readonly span: Span;
}

/** Who may receive, and what it received. */
interface Receiver {
  readonly address: string;
  readonly interests: readonly Interest[];
  readonly heard: ReadonlySet<string>;
}

/** Id of the log entry about a publication. */
export function hearingOf(publicationId: string, address: string): string {
  return `${publicationId}@${address}`;
}

/** Checks everything about topics. */
export function checkTopics(given: TopicCase): TopicFigures {
  const { found, lines } = given;
  const publications = collectPublications(given);
  const witness = toWitness(lines);
  const receivers = [...toListeners(given), witness];
  for (const { address, heard } of receivers) {
    for (const id of heard)
      if (!publications.has(id)) found.add('invented', id, `'${address}' heard '${id}', which nobody published`);
  }
  for (const publication of publications.values()) {
    publication.isSure ||= receivers.some(({ heard }) => heard.has(publication.id));
    for (const receiver of receivers) checkReceiver(publication, receiver, found);
  }
  const witnessed = checkWitness(lines, found);
  const heard = [...given.logs.values()].flatMap((entries) => entries.flatMap((entry) => entry.heard ?? []));
  return {
    published: [...publications.values()].filter(({ isSure }) => isSure).length,
    received: heard.length,
    byChoice: heard.filter(({ topic }) => !matchesPattern(OWN_PATTERN, topic)).length,
    witnessed: witness.heard.size,
    witnessedAgain: witnessed - witness.heard.size,
  };
}

/** Publications of code, and of actors whose log says that they published. */
function collectPublications({ calls, logs }: TopicCase): ReadonlyMap<string, Publication> {
  const byCode = [...calls.values()].flatMap(({ first: { op, id, topic = '' }, span, isOk }) =>
    op === 'publish' ? [{ id, topic, span, isSure: isOk }] : [],
  );
  const byActors = [...logs.values()].flatMap((entries) =>
    entries.flatMap(({ id: cause, published }) => {
      const span = calls.get(cause)?.span;
      return published && span ? [{ id: published.id, topic: published.topic, span, isSure: true }] : [];
    }),
  );
  return new Map([...byCode, ...byActors].map((publication) => [publication.id, publication]));
}

function toListeners({ calls, logs }: TopicCase): readonly Receiver[] {
  const listeners = [...logs].filter(([address]) => address.startsWith(LISTENER));
  return listeners.map(([address, entries]) => {
    const own = [...calls.values()].filter(({ first }) => first.to === address);
    const chosen = entries.flatMap(({ id, interest }) => {
      const span = calls.get(id)?.span;
      return interest && span ? [{ ...interest, span }] : [];
    });
    const born = { pattern: OWN_PATTERN, isOn: true, span: toBirth(own) };
    const heard = new Set(entries.flatMap((entry) => (entry.heard ? [entry.heard.id] : [])));
    return { address, interests: [born, ...chosen], heard };
  });
}

/** An actor exists from its first event on, at the latest when one was acknowledged. */
function toBirth(calls: readonly Call[]): Span {
  const acknowledged = calls.filter(({ isOk }) => isOk).map(({ span }) => span.before);
  const after = Math.min(Infinity, ...calls.map(({ span }) => span.after));
  return { after, before: Math.min(Infinity, ...acknowledged), beforeAt: Infinity };
}

function toWitness(lines: readonly HistoryLine[]): Receiver {
  const before = lines.findIndex(({ t }) => t === 'witness');
  const span = { after: -1, before: before < 0 ? Infinity : before, beforeAt: Infinity };
  const heard = new Set(lines.flatMap((line) => (line.t === 'heard' ? [line.id] : [])));
  return { address: 'the witness', interests: [{ pattern: '>', isOn: true, span }], heard };
}

function checkReceiver(publication: Publication, { address, interests, heard }: Receiver, found: Findings): void {
  const { id, topic, isSure } = publication;
  const states = [...Map.groupBy(interests, ({ pattern }) => pattern)]
    .filter(([pattern]) => matchesPattern(pattern, topic))
    .map(([, changes]) => stateAt(publication.span, changes));
  if (isSure && !heard.has(id) && states.includes('on'))
    found.add('topic-lost', id, `'${address}' was subscribed and never got '${id}', published on '${topic}'`);
  if (heard.has(id) && states.every((state) => state === 'off'))
    found.add('topic-uninvited', id, `'${address}' was not subscribed and got '${id}', published on '${topic}'`);
}

/** What a subscription was at a publication, `maybe` when it changed meanwhile. */
function stateAt(span: Span, changes: readonly Interest[]): 'on' | 'off' | 'maybe' {
  if (changes.some((change) => !isBefore(change.span, span) && !isBefore(span, change.span))) return 'maybe';
  const last = changes.findLast((change) => isBefore(change.span, span));
  return last?.isOn === true ? 'on' : 'off';
}

/** Each life repeats a stretch of what was heard before, and goes on at its end. Returns how much was heard in all. */
function checkWitness(lines: readonly HistoryLine[], found: Findings): number {
  const order: string[] = [];
  const positions = new Map<string, number>();
  const last = new Map<string, number>();
  let count = 0;
  for (const line of lines) {
    if (line.t !== 'heard') continue;
    const { id, life } = line;
    count++;
    const at = positions.get(id) ?? order.length;
    const before = last.get(life);
    if (before !== undefined && at !== before + 1)
      found.add('witness-gap', id, `the witness heard '${id}' right after '${order[before]}', which is not its place`);
    if (at === order.length) {
      positions.set(id, at);
      order.push(id);
    }
    last.set(life, at);
  }
  return count;
}
