/**
 * What the facts about a NATS server mean for those who rely on it: which promise holds, what is to be mended, and how. Pure;
 * `troupe doctor` gathers the facts and prints the findings.
 */
import type { NatsServerInfo, StreamInfo, StreamSettings } from './client.ts';
import { toEventSubjects, toGroupName, toStreamName } from './names.ts';
import { compareVersions } from './server-version.ts';
import { compareStream } from './stream.ts';
import type { SystemCard } from './systems.ts';

/** When a server writes to its disk what it has acknowledged. */
export interface SyncSettings {
  /** Name of the server. */
  readonly server: string;
  readonly version: string;
  readonly intervalMs: number;
  /** Every message before it is acknowledged. */
  readonly isAlways: boolean;
  /** Who said so. */
  readonly from: 'system account' | 'monitoring port' | 'version';
}

/** What the account may use, and does. -1: no limit. */
export interface JetStreamUse {
  readonly fileBytes: number;
  readonly maxFileBytes: number;
  readonly memoryBytes: number;
  readonly maxMemoryBytes: number;
  readonly streams: number;
  readonly consumers: number;
}

/** A place that the server keeps for readers of the stream. */
export interface ConsumerFacts {
  readonly name: string;
  /** A queue group; false for one reader, whose place goes with it. */
  readonly isDurable: boolean;
  /** Not yet given to anybody. */
  readonly pending: number;
  /** Given, and not yet acknowledged. */
  readonly unacknowledged: number;
  readonly redelivered: number;
  /** Requests for more that stand open. */
  readonly waiting: number;
}

/** What was found out. What could not be asked is undefined, and `problems` says why. */
export interface NatsFacts {
  readonly namespace: string;
  readonly server: NatsServerInfo;
  readonly account: 'with JetStream' | 'without JetStream' | 'system account';
  /** One of each server that told; none: unknown. */
  readonly sync: readonly SyncSettings[];
  readonly jetStream: JetStreamUse | undefined;
  readonly stream: StreamInfo | undefined;
  /** Age of the oldest event of the stream. */
  readonly oldestMs: number | undefined;
  readonly consumers: readonly ConsumerFacts[];
  /** Those that answered. */
  readonly systems: readonly SystemCard[];
  /** What could not be asked. */
  readonly problems: readonly string[];
}

/** `mend`: something is wrong; `note`: good to know. `next` is what to do. */
export interface Finding {
  readonly level: 'good' | 'note' | 'mend';
  readonly text: string;
  readonly next?: string;
}

/** Versions before the first lack fixes that JetStream needs; the others lose streams in a crash. */
const FLOOR = '2.10.23';
const LOSING = { first: '2.10.20', last: '2.10.22' } as const;

/** First version that can sync every message. */
const SYNC_ALWAYS = '2.10.0';
const DEFAULT_SYNC_MS = 120_000;
const NEARLY_FULL = 0.9;

/** All there is to say, the worst first. */
export function diagnose(facts: NatsFacts): readonly Finding[] {
  const findings = [
    ...judgeVersion(facts.server),
    ...judgeJetStream(facts),
    ...(facts.account === 'with JetStream' ? [...judgeStream(facts), ...judgePromise(facts)] : []),
    ...facts.consumers.flatMap(judgeConsumer),
    ...facts.problems.map((text): Finding => ({ level: 'note', text })),
  ];
  return findings.toSorted((a, b) => LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level));
}

const LEVELS: ReadonlyArray<Finding['level']> = ['mend', 'note', 'good'];

/** What is known without asking: old servers sync by an interval that cannot be set. */
export function syncByVersion({ name, version }: Pick<NatsServerInfo, 'name' | 'version'>): SyncSettings | undefined {
  if (compareVersions(version, SYNC_ALWAYS) >= 0) return undefined;
  return { server: name, version, intervalMs: DEFAULT_SYNC_MS, isAlways: false, from: 'version' };
}

function judgeVersion({ version, hasHeaders }: NatsServerInfo): readonly Finding[] {
  const next = `Install NATS ${FLOOR} or newer.`;
  if (!hasHeaders) return [{ level: 'mend', text: `NATS ${version} knows no headers, which Troupe needs.`, next }];
  if (compareVersions(version, LOSING.first) >= 0 && compareVersions(version, LOSING.last) <= 0)
    return [{ level: 'mend', text: `NATS ${version} can lose whole streams when it crashes.`, next }];
  if (compareVersions(version, FLOOR) < 0)
    return [{ level: 'note', text: `NATS ${version} is good for development; it is older than ${FLOOR}.`, next }];
  return [{ level: 'good', text: `NATS ${version} is new enough.` }];
}

function judgeJetStream({ server, account, jetStream }: NatsFacts): readonly Finding[] {
  if (account === 'with JetStream') return jetStream ? judgeUse(jetStream) : [];
  if (account === 'system account')
    return [
      {
        level: 'mend',
        text: 'These are the credentials of the system account, which has no streams.',
        next: 'Give those of the systems, and these as --system-user and --system-password.',
      },
    ];
  return [
    server.hasJetStream
      ? {
          level: 'mend',
          text: 'The server has JetStream, which keeps the events, but not for the account of these credentials.',
          next: "Put 'jetstream: enabled' into the account, in the server's configuration.",
        }
      : {
          level: 'mend',
          text: 'The server has no JetStream, which keeps the events.',
          next: "Start it with 'nats-server -js -sd FOLDER', or put 'jetstream { store_dir: FOLDER }' into its configuration.",
        },
  ];
}

function judgeUse({ fileBytes, maxFileBytes, memoryBytes, maxMemoryBytes }: JetStreamUse): readonly Finding[] {
  const isFull = (used: number, most: number): boolean => most > 0 && used >= most * NEARLY_FULL;
  const full = [
    ...(isFull(fileBytes, maxFileBytes) ? ['disk'] : []),
    ...(isFull(memoryBytes, maxMemoryBytes) ? ['memory'] : []),
  ];
  return full.map((what) => ({
    level: 'mend',
    text: `JetStream has used more than ${NEARLY_FULL * 100} % of its ${what}.`,
    next: `Give it more (${what === 'disk' ? 'max_file_store' : 'max_memory_store'}), or keep events for a shorter time (topicRetentionMs).`,
  }));
}

function judgeStream({ namespace, stream }: NatsFacts): readonly Finding[] {
  if (!stream)
    return [
      {
        level: 'note',
        text: `There is no stream '${toStreamName(namespace)}' yet.`,
        next: `The first system with nats: { namespace: '${namespace}' } makes it; if one runs already, look at its log.`,
      },
    ];
  const misfits = compareStream(stream, wantedOf(stream, namespace));
  if (misfits.length === 0)
    return [{ level: 'good', text: `Stream '${stream.name}' has the settings it should have.` }];
  return misfits.map(({ setting, is, wanted, flag }) => ({
    level: 'mend',
    text: `Stream '${stream.name}' has ${setting} ${is} instead of ${wanted}.`,
    next: `Mend it with 'nats stream edit ${stream.name} ${flag}', or with nats: { stream: { update: true } }.`,
  }));
}

/** How long, how much and how often events are kept is for each system to say; the rest is the same for all. */
function wantedOf(stream: StreamInfo, namespace: string): StreamSettings {
  const subjects = [toEventSubjects(namespace)];
  return { ...stream, subjects, retention: 'limits', discard: 'old', maxMessages: -1, maxMessageBytes: -1 };
}

/** The weakest server decides. */
function judgePromise({ sync, stream }: NatsFacts): readonly Finding[] {
  if (stream?.storage === 'memory')
    return [
      {
        level: 'note',
        text: 'Promise: an event on the stream is gone when the server stops, since the stream is kept in memory.',
        next: 'Storage cannot be changed: delete the stream and let a system make it anew on disk.',
      },
    ];
  if (sync.length === 0) return [UNKNOWN_PROMISE];
  const weakest = sync.reduce((a, b) => (syncRank(a) >= syncRank(b) ? a : b));
  const copies = (stream?.replicas ?? 1) > 1 ? ` on one server; ${stream?.replicas} keep a copy` : '';
  if (weakest.isAlways)
    return [
      {
        level: 'good',
        text: `Promise: an event that the stream acknowledged survives a crash of the server and a loss of power${copies}. It syncs every message (${sourceOf(weakest)}).`,
      },
    ];
  return [
    {
      level: 'note',
      text:
        'Promise: an event that the stream acknowledged survives a crash of the server, but a loss of power can take those of the last ' +
        `${describeMs(weakest.intervalMs)}${copies}. JetStream acknowledges before it syncs (${sourceOf(weakest)}). Good for development.`,
      next:
        compareVersions(weakest.version, SYNC_ALWAYS) < 0
          ? `For more, install NATS ${FLOOR} or newer and set 'jetstream { sync_interval: always }'; NATS ${weakest.version} rejects that.`
          : "For more, set 'jetstream { sync_interval: always }' in the server's configuration.",
    },
  ];
}

const UNKNOWN_PROMISE: Finding = {
  level: 'note',
  text:
    'Promise: unknown, since the server did not say when it syncs. An event that the stream acknowledged survives a crash of the server; ' +
    'by default a loss of power can take those of the last 2 min.',
  next: 'To find out, give --monitor http://HOST:8222 (nats-server -m 8222), or --system-user and --system-password.',
};

function syncRank({ isAlways, intervalMs }: SyncSettings): number {
  return isAlways ? 0 : intervalMs;
}

function sourceOf({ from, version }: SyncSettings): string {
  return from === 'version' ? `as every NATS ${version} does` : `says the ${from}`;
}

function judgeConsumer(consumer: ConsumerFacts): readonly Finding[] {
  const { name, isDurable, pending, waiting, unacknowledged, redelivered } = consumer;
  const group = toGroupName(name);
  if (!isDurable) return [];
  if (pending > 0 && waiting === 0 && unacknowledged === 0)
    return [
      {
        level: 'mend',
        text: `${pending} events wait for queue group '${group}', and nobody takes them.`,
        next: `Start a system that subscribes with queue: '${group}', or remove the group: nats consumer rm (its name there is '${name}').`,
      },
    ];
  if (redelivered === 0) return [];
  return [
    {
      level: 'note',
      text: `${redelivered} events of queue group '${group}' were given again, and are not yet acknowledged.`,
      next: 'Look for handlers that fail or take long, in the logs and dead letters of its members.',
    },
  ];
}

function describeMs(ms: number): string {
  return ms >= 60_000 && ms % 60_000 === 0 ? `${ms / 60_000} min` : `${ms / 1000} s`;
}
