/** What a NATS server says of itself, in its own words, as facts. Every field may be missing: servers differ. Pure. */
import { z } from 'zod';
import type { ConsumerFacts, JetStreamUse, SyncSettings } from '../nats/diagnosis.ts';

/** What the system account and the monitoring port call VARZ. Old servers leave both settings out. */
const varzSchema = z.object({
  server_name: z.string().default(''),
  version: z.string().default(''),
  jetstream: z
    .object({
      config: z.object({ sync_interval: z.number().optional(), sync_always: z.boolean().default(false) }).optional(),
    })
    .default({}),
});
const pingSchema = z.object({ data: varzSchema });

const limit = z.number().default(-1);
const accountSchema = z.object({
  memory: z.number().default(0),
  storage: z.number().default(0),
  streams: z.number().default(0),
  consumers: z.number().default(0),
  limits: z.object({ max_memory: limit, max_storage: limit }).prefault({}),
  error: z.object({ err_code: z.number().optional(), description: z.string().default('') }).optional(),
});

const consumersSchema = z.object({
  total: z.number().default(0),
  consumers: z
    .array(
      z.object({
        name: z.string(),
        config: z.object({ durable_name: z.string().optional() }),
        num_pending: z.number().default(0),
        num_ack_pending: z.number().default(0),
        num_redelivered: z.number().default(0),
        num_waiting: z.number().default(0),
      }),
    )
    .nullish(),
});

const NS_PER_MS = 1e6;

/** Sync settings out of VARZ; undefined when it has no JetStream, or does not tell them. */
export function readVarz(value: unknown, from: SyncSettings['from']): SyncSettings | undefined {
  const { data } = varzSchema.safeParse(value);
  const { sync_interval: interval, sync_always: isAlways } = data?.jetstream.config ?? {};
  if (!data || interval === undefined) return undefined;
  return {
    server: data.server_name,
    version: data.version,
    intervalMs: interval / NS_PER_MS,
    isAlways: isAlways ?? false,
    from,
  };
}

/** The same out of an answer to `$SYS.REQ.SERVER.PING.VARZ`. */
export function readPing(value: unknown): SyncSettings | undefined {
  const { data } = pingSchema.safeParse(value);
  return data && readVarz(data.data, 'system account');
}

/** What an account has of JetStream; undefined when it has none. */
export function readAccount(value: unknown): JetStreamUse | undefined {
  const { data } = accountSchema.safeParse(value);
  if (!data || data.error) return undefined;
  return {
    fileBytes: data.storage,
    maxFileBytes: data.limits.max_storage,
    memoryBytes: data.memory,
    maxMemoryBytes: data.limits.max_memory,
    streams: data.streams,
    consumers: data.consumers,
  };
}

/** One page of the consumers of a stream, and how many there are. */
export function readConsumers(value: unknown): {
  readonly total: number;
  readonly consumers: readonly ConsumerFacts[];
} {
  const { data } = consumersSchema.safeParse(value);
  const consumers = (data?.consumers ?? []).map((each) => ({
    name: each.name,
    isDurable: each.config.durable_name !== undefined,
    pending: each.num_pending,
    unacknowledged: each.num_ack_pending,
    redelivered: each.num_redelivered,
    waiting: each.num_waiting,
  }));
  return { total: data?.total ?? 0, consumers };
}
