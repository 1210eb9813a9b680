/**
 * The judgement on a run with a broker. What was acknowledged reaches every receiver; none hears it twice, but for named
 * subscribers after a kill; the order of each publisher is kept. Pure: the history in, findings and figures out.
 */
import { matchesPattern } from '../../src/bus/subjects.ts';
import type { LoadData } from './broker-history.ts';
import { measureReconnects } from './broker-times.ts';
import type { FaultMark, Times } from './broker-times.ts';

/** Something that was, or may have been, published; or a request, on a topic of its own. */
export interface Publication extends LoadData {
  readonly topic: string;
  /** It was acknowledged, or stands in the state of the actor that published it. */
  readonly isSure: boolean;
}

/** One event at one receiver. */
export interface Hearing extends LoadData {
  readonly id: string;
  /** When it was handled, where that is known. */
  readonly at?: number;
}

/**
 * `kept`: by an actor in its state, or a stream: once. `named`: by code under a name: at least once, again only after a kill. `passing`: by code
 * without a name: while it lives. `group`: by any member of a queue group: at least once, in no order.
 */
export type ReceiverKind = 'kept' | 'named' | 'passing' | 'group';

/** What one receiver has heard, by its lives. */
export interface Receiver {
  readonly name: string;
  readonly kind: ReceiverKind;
  readonly pattern: string;
  readonly lives: readonly (readonly Hearing[])[];
}

export interface BrokerHistory {
  readonly publications: readonly Publication[];
  readonly receivers: readonly Receiver[];
  readonly faults: readonly FaultMark[];
}

export type BrokerFindingKind = 'lost' | 'twice' | 'disordered' | 'invented' | 'other-id' | 'slow-reconnect';

/** What breaks a rule. */
export interface BrokerFinding {
  readonly kind: BrokerFindingKind;
  readonly text: string;
}

export interface BrokerVerdict extends Times {
  /** Publications that were acknowledged, and those nobody knows the outcome of. */
  readonly acknowledged: number;
  readonly unknown: number;
  /** Unknown ones that somebody received: then all must. */
  readonly unknownButHandled: number;
  /** Events at receivers, each receiver counted. */
  readonly handled: number;
  /** At named subscribers, in a later life. */
  readonly repeatedAfterKill: number;
  /** In queue groups. */
  readonly repeatedInGroups: number;
  readonly findings: readonly BrokerFinding[];
}

interface Case {
  readonly publications: ReadonlyMap<string, Publication>;
  /** Keys of what was published for certain, since it was acknowledged or somebody received it. */
  readonly sure: ReadonlySet<string>;
  readonly find: (kind: BrokerFindingKind, text: string) => void;
}

const keyOf = ({ from, n }: { readonly from: string; readonly n: number }): string => `${from}#${n}`;

/** Judges a run. */
export function judgeBroker(history: BrokerHistory): BrokerVerdict {
  const findings: BrokerFinding[] = [];
  const publications = new Map(history.publications.map((each) => [keyOf(each), each]));
  const acknowledged = new Set(history.publications.filter(({ isSure }) => isSure).map(keyOf));
  const heard = new Set(history.receivers.flatMap(({ lives }) => lives.flatMap((life) => life.map(keyOf))));
  const sure = new Set([...acknowledged, ...heard]);
  const given: Case = { publications, sure, find: (kind, text) => void findings.push({ kind, text }) };
  const repeats = history.receivers.map((receiver) => ({ receiver, count: checkReceiver(receiver, given) }));
  checkIds(history.receivers, given);
  const times = measureReconnects(history);
  for (const { ms, name } of times.slow)
    given.find('slow-reconnect', `after ${name} events flowed again after ${ms} ms only`);
  const sum = (kind: ReceiverKind): number =>
    repeats.reduce((total, { receiver, count }) => total + (receiver.kind === kind ? count : 0), 0);
  return {
    ...times,
    acknowledged: acknowledged.size,
    unknown: publications.size - acknowledged.size,
    unknownButHandled: [...heard].filter((key) => publications.has(key) && !acknowledged.has(key)).length,
    handled: history.receivers.reduce((total, { lives }) => total + lives.flat().length, 0),
    repeatedAfterKill: sum('named'),
    repeatedInGroups: sum('group'),
    findings,
  };
}

/** Checks one receiver and returns how often it heard again what it had heard. */
function checkReceiver(receiver: Receiver, given: Case): number {
  const { kind, lives, name } = receiver;
  const heard = new Set(lives.flatMap((life) => life.map(keyOf)));
  for (const key of heard)
    if (!given.publications.has(key)) given.find('invented', `'${name}' heard '${key}', which nobody published`);
  if (kind === 'passing') {
    for (const life of lives) checkPassing(receiver, life, given);
    return 0;
  }
  checkComplete(receiver, heard, given);
  if (kind === 'group') return lives.flat().length - heard.size;
  const { order, repeated } = kind === 'named' ? checkNamed(receiver, given) : checkKept(receiver, given);
  checkOrder(name, order, given);
  return repeated;
}

function checkComplete(
  { name, pattern }: Receiver,
  heard: ReadonlySet<string>,
  { sure, publications, find }: Case,
): void {
  for (const key of sure) {
    const publication = publications.get(key);
    if (publication && !heard.has(key) && matchesPattern(pattern, publication.topic))
      find('lost', `'${name}' never got '${key}', published on '${publication.topic}' at ${publication.sentAt}`);
  }
}

interface Heard {
  /** Each event once, as it came first. */
  readonly order: readonly Hearing[];
  readonly repeated: number;
}

function checkKept({ name, lives }: Receiver, { find }: Case): Heard {
  const seen = new Set<string>();
  const order: Hearing[] = [];
  for (const hearing of lives.flat()) {
    const key = keyOf(hearing);
    if (seen.has(key)) find('twice', `'${name}' got '${key}' twice`);
    else order.push(hearing);
    seen.add(key);
  }
  return { order, repeated: 0 };
}

/** Each life may repeat a stretch at the end of what was heard before, in the same order, and goes on behind it. */
function checkNamed({ name, lives }: Receiver, { find }: Case): Heard {
  const order: Hearing[] = [];
  const positions = new Map<string, number>();
  let repeated = 0;
  for (const [index, life] of lives.entries()) {
    let last: number | undefined;
    const seen = new Set<string>();
    for (const hearing of life) {
      const key = keyOf(hearing);
      const at = positions.get(key) ?? order.length;
      if (seen.has(key)) find('twice', `'${name}' got '${key}' twice in its life ${index + 1}`);
      else if (last !== undefined && at !== last + 1)
        find(
          'disordered',
          `'${name}' got '${key}' in its life ${index + 1} right after '${keyOf(order[last] as Hearing)}', elsewhere it did not`,
        );
      if (at < order.length) repeated++;
      else order.push(hearing);
      positions.set(key, at);
      seen.add(key);
      last = at;
    }
  }
  return { order, repeated };
}

function checkOrder(name: string, order: readonly Hearing[], { find }: Case): void {
  const last = new Map<string, number>();
  for (const { from, n } of order) {
    const before = last.get(from) ?? 0;
    if (n < before) find('disordered', `'${name}' got '${from}#${n}' after '${from}#${before}'`);
    last.set(from, Math.max(n, before));
  }
}

/** From the first to the last that it heard of a publisher in one life, nothing is left out, nothing comes twice or late. */
function checkPassing({ name, pattern }: Receiver, life: readonly Hearing[], given: Case): void {
  const { sure, publications, find } = given;
  const seen = new Set<string>();
  for (const hearing of life) {
    const key = keyOf(hearing);
    if (seen.has(key)) find('twice', `'${name}' got '${key}' twice in one life`);
    seen.add(key);
  }
  checkOrder(name, life, given);
  for (const [from, hearings] of Map.groupBy(life, (hearing) => hearing.from)) {
    const last = Math.max(...hearings.map(({ n }) => n));
    for (let n = (hearings[0] as Hearing).n; n < last; n++) {
      const key = keyOf({ from, n });
      const topic = publications.get(key)?.topic;
      if (topic !== undefined && sure.has(key) && matchesPattern(pattern, topic) && !seen.has(key))
        find('lost', `'${name}' was subscribed and never got '${key}', published on '${topic}'`);
    }
  }
}

/** An event has the same id wherever and however often it is heard. */
function checkIds(receivers: readonly Receiver[], { find }: Case): void {
  const ids = new Map<string, string>();
  for (const { name, lives } of receivers)
    for (const hearing of lives.flat()) {
      const key = keyOf(hearing);
      const id = ids.get(key);
      if (id !== undefined && id !== hearing.id)
        find('other-id', `'${name}' got '${key}' as '${hearing.id}', others as '${id}'`);
      ids.set(key, id ?? hearing.id);
    }
}
