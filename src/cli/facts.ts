/** Asks a NATS server, and the systems behind it, for what `diagnose` judges. What does not answer is a problem in words. */
import type { Env } from '../env.ts';
import { isTroupeError } from '../errors.ts';
import type { NatsClient, StreamInfo } from '../nats/client.ts';
import { reasonOf } from '../nats/faults.ts';
import { findSystems } from '../nats/systems.ts';
import { syncByVersion } from '../nats/diagnosis.ts';
import type { ConsumerFacts, JetStreamUse, NatsFacts, SyncSettings } from '../nats/diagnosis.ts';
import { toStreamName } from '../nats/names.ts';
import { readAccount, readConsumers, readPing, readVarz } from './server-answers.ts';
import { toLine } from './text.ts';

/** Whom to ask. */
export interface FactSources {
  readonly client: NatsClient;
  /** A connection to the system account. */
  readonly system: NatsClient | undefined;
  /** URL of the monitoring port. */
  readonly monitor: string | undefined;
  readonly env: Env;
}

const ANSWER_MS = 2000;
/** Servers and systems answer a question to all of them within this time, or are not counted. */
const ROLL_CALL_MS = 600;
const MOST_CONSUMERS = 10_000;

/** Everything at once, so that the facts belong together. */
export async function gatherFacts(sources: FactSources): Promise<NatsFacts> {
  const { client, system, monitor, env } = sources;
  const problems: string[] = [];
  const [pings, monitored, jetStream, systems] = await Promise.all([
    attempt(problems, 'The servers', callTheRoll(system ?? client)),
    attempt(problems, `The monitoring port at '${toLine(monitor ?? '')}'`, askMonitor(monitor)),
    askAccount(client),
    attempt(problems, 'The systems', findSystems(client, ROLL_CALL_MS)),
  ]);
  const stream = jetStream && (await client.jet.streamInfo(toStreamName(client.namespace)));
  const byVersion = syncByVersion(client.info);
  const told = [...(pings?.sync ?? []), ...(monitored ? [monitored] : [])];
  return {
    namespace: client.namespace,
    server: client.info,
    account: accountOf(jetStream, !system && pings?.isAnswered === true),
    sync: told.length > 0 || !byVersion ? told : [byVersion],
    jetStream,
    stream,
    oldestMs: stream && (await ageOfOldest(client, stream, env)),
    consumers: stream ? await listConsumers(client, stream.name) : [],
    systems: systems ?? [],
    problems,
  };
}

function accountOf(jetStream: JetStreamUse | undefined, isSystem: boolean): NatsFacts['account'] {
  if (jetStream) return 'with JetStream';
  return isSystem ? 'system account' : 'without JetStream';
}

/** Only the system account hears this question. */
async function callTheRoll(client: NatsClient): Promise<{ isAnswered: boolean; sync: readonly SyncSettings[] }> {
  const answers = await client.requestMany('$SYS.REQ.SERVER.PING.VARZ', '', { timeoutMs: ROLL_CALL_MS });
  const sync = answers.map((answer) => readPing(parse(answer.text()))).filter((each) => each !== undefined);
  return { isAnswered: answers.length > 0, sync };
}

/** What fails here is missing in the facts, and said. */
async function attempt<T>(problems: string[], who: string, asking: Promise<T>): Promise<T | undefined> {
  try {
    return await asking;
  } catch (error) {
    const reason = reasonOf(error instanceof Error && error.cause instanceof Error ? error.cause : error);
    problems.push(`${who} could not be asked: ${toLine(reason)}.`);
    return undefined;
  }
}

async function askMonitor(monitor: string | undefined): Promise<SyncSettings | undefined> {
  if (monitor === undefined) return undefined;
  const url = new URL('varz', `${monitor.replace(/\/+$/, '')}/`);
  const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return readVarz(await response.json(), 'monitoring port');
}

async function askAccount(client: NatsClient): Promise<JetStreamUse | undefined> {
  const answer = await ask(client, '$JS.API.INFO');
  return answer === undefined ? undefined : readAccount(answer);
}

async function ageOfOldest({ jet }: NatsClient, stream: StreamInfo, env: Env): Promise<number | undefined> {
  const oldest = stream.messages > 0 ? await jet.message(stream.name, stream.firstSeq) : undefined;
  return oldest && Math.max(0, env.now() - oldest.time);
}

async function listConsumers(client: NatsClient, stream: string): Promise<readonly ConsumerFacts[]> {
  const found: ConsumerFacts[] = [];
  while (found.length < MOST_CONSUMERS) {
    const text = JSON.stringify({ offset: found.length });
    const { total, consumers } = readConsumers(await ask(client, `$JS.API.CONSUMER.LIST.${stream}`, text));
    found.push(...consumers);
    if (consumers.length === 0 || found.length >= total) break;
  }
  return found;
}

/** Undefined: nobody is there to answer. */
async function ask(client: NatsClient, subject: string, text = ''): Promise<unknown> {
  try {
    return parse((await client.request(subject, text, { timeoutMs: ANSWER_MS })).text());
  } catch (error) {
    if (isTroupeError(error) && error.details['reason'] === 'no-responders') return undefined;
    throw error;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
