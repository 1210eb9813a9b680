/** Heartbeats of external agents over NATS: `troupe.NAMESPACE.heartbeat.AGENT`. A publication is enough; a request is answered. */
import { describeValue } from '../describe.ts';
import type { Env } from '../env.ts';
import { TroupeError, isTroupeError } from '../errors.ts';
import type { Logger } from '../observe/logger.ts';
import { isRecord } from '../sessions/checks.ts';
import { encodeError } from '../thread/error-codec.ts';
import { toDone, toRefused } from './answers.ts';
import type { NatsClient, NatsMessage } from './client.ts';
import { Seldom } from './seldom.ts';

/** What serving heartbeats takes. */
export interface ServeHeartbeatsParts {
  readonly client: NatsClient;
  readonly env: Env;
  readonly log: Logger;
  readonly health: HeartbeatTaker;
}

/** What is called of `system.health`. */
export interface HeartbeatTaker {
  heartbeat(agent: string): void;
  recordActivity(agent: string, type: string): void;
}

const LOG_EVERY_MS = 60_000;
const MAX_ACTIVITY_CHARS = 256;

/** How long a system that does not know an agent leaves the answer to one that does. */
export const UNKNOWN_AFTER_MS = 250;
const MAX_UNKNOWN = 1000;

/** What all subjects of heartbeats begin with. */
export function heartbeatPrefix(namespace: string): string {
  return `troupe.${namespace}.heartbeat.`;
}

/** Serves heartbeats from here on. To be called once the system watches agents, and stopped before the client is closed. */
export function serveHeartbeats(parts: ServeHeartbeatsParts): { stop(): Promise<void> } {
  const server = new HeartbeatServer({ ...parts, log: parts.log.with({ component: 'nats' }) });
  const subject = `${heartbeatPrefix(parts.client.namespace)}>`;
  return parts.client.subscribe(subject, (message) => server.take(message));
}

class HeartbeatServer {
  readonly #parts: ServeHeartbeatsParts;
  readonly #lines: Seldom;
  #unknown = 0;

  constructor(parts: ServeHeartbeatsParts) {
    this.#parts = parts;
    this.#lines = new Seldom(parts.env, LOG_EVERY_MS);
  }

  take(message: NatsMessage): void {
    const { client, health } = this.#parts;
    try {
      const agent = toAgent(message.subject, client.namespace);
      health.heartbeat(agent);
      const activity = readActivity(agent, message.data, () => message.text());
      if (activity !== undefined) health.recordActivity(agent, activity);
      if (message.reply !== undefined) message.respond(toDone().text);
    } catch (error) {
      this.#refuse(message, error);
    }
  }

  #refuse(message: NatsMessage, error: unknown): void {
    const { env, log, client } = this.#parts;
    const { subject } = message;
    this.#lines.note((count) =>
      log.warn('a heartbeat over NATS was not taken', { subject, count, error: encodeError(error) }),
    );
    if (message.reply === undefined) return;
    const { text, headers } = toRefused(error, client.info.hasHeaders);
    if (!isTroupeError(error, 'ERR_AGENT_UNKNOWN')) return void message.respond(text, headers);
    // Another system of the namespace may have it under watch: the first answer counts.
    if (this.#unknown >= MAX_UNKNOWN) return;
    this.#unknown++;
    env.setTimeout(() => {
      this.#unknown--;
      message.respond(text, headers);
    }, UNKNOWN_AFTER_MS);
  }
}

/** Colons of an id may be dots in the subject, as in topics. */
function toAgent(subject: string, namespace: string): string {
  return subject.slice(heartbeatPrefix(namespace).length).replaceAll('.', ':');
}

/**
 * What an agent says it has done.
 * @throws {TroupeError} ERR_NOT_JSON, ERR_OPTIONS_INVALID; the heartbeat counts all the same.
 */
function readActivity(agent: string, data: Uint8Array, text: () => string): string | undefined {
  if (data.length === 0) return undefined;
  const payload = parse(agent, text());
  if (!isRecord(payload)) throw wrong(agent, `is ${describeValue(payload)}`);
  const { activity } = payload;
  if (activity === undefined) return undefined;
  if (typeof activity === 'string' && activity !== '') return activity.slice(0, MAX_ACTIVITY_CHARS);
  throw wrong(agent, `has the activity ${describeValue(activity)}`);
}

function parse(agent: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new TroupeError(
      'ERR_NOT_JSON',
      `The payload of a heartbeat of '${agent}' is not JSON: ${(cause as Error).message}. The heartbeat counts; leave the payload empty, or send {"activity":"task.done"}.`,
      { cause, details: { agent } },
    );
  }
}

function wrong(agent: string, what: string): TroupeError {
  return new TroupeError(
    'ERR_OPTIONS_INVALID',
    `The payload of a heartbeat of '${agent}' ${what}. The heartbeat counts; leave the payload empty, or send {"activity":"task.done"}.`,
    { details: { agent } },
  );
}
