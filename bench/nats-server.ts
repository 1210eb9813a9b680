/** A real NATS server for one measurement, with a plain client beside it: the library alone, without a line of Troupe. */
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import { connect, headers } from '@nats-io/transport-node';
import type { MsgHdrs, NatsConnection } from '@nats-io/transport-node';
import { startNatsServer } from '../tests/support/nats-server.ts';
import type { NatsServer } from '../tests/support/nats-server.ts';
import { runAll } from './measure.ts';

/** Which server: `TROUPE_BENCH_NATS` is `newest` or a number the tests know. */
export const VERSION = process.env['TROUPE_BENCH_NATS'] === '2.9.10' ? '2.9.10' : 'newest';

/** Its store may grow to this: a million events take half of it. */
export const MAX_STORE_BYTES = 4 * 2 ** 30;

/** The stream and the subject that a system of the default namespace uses. */
export const STREAM = 'TROUPE_default';
export const SUBJECT = 'troupe.default.events.bench.host';

/** How a measurement wants its server. */
export interface BenchServer {
  /** When the server syncs. @default every two minutes, as a server does that is told nothing */
  readonly sync?: 'always';
}

/** Runs `work` beside a server with an empty store. */
export async function withServer<T>(work: (server: NatsServer) => Promise<T>, { sync }: BenchServer = {}): Promise<T> {
  const jetstreamLimits = { maxFileBytes: MAX_STORE_BYTES, ...(sync && { syncInterval: sync }) };
  await using server = await startNatsServer({ version: VERSION, jetstream: jetstreamLimits });
  return await work(server);
}

/** The library by itself: a connection, its streams, and the stream that systems use. */
export interface PlainClient {
  readonly connection: NatsConnection;
  readonly stream: JetStreamClient;
  readonly manager: JetStreamManager;
}

/** Runs `work` with a plain client of its own. The stream is there, with the settings of a system's own. */
export async function withPlain<T>(server: NatsServer, work: (client: PlainClient) => Promise<T>): Promise<T> {
  // Without the stack that the library would keep for each request: systems do without, and it costs a tenth.
  const connection = await connect({ servers: server.url, noAsyncTraces: true });
  try {
    const manager = await jetstreamManager(connection);
    return await work({ connection, stream: jetstream(connection), manager });
  } finally {
    await connection.close();
  }
}

/** Makes the stream as a system makes it, where there is none. */
export async function addStream({ manager }: PlainClient): Promise<void> {
  await manager.streams.add({
    name: STREAM,
    subjects: ['troupe.default.events.>'],
    storage: 'file',
    max_age: 86_400_000 * 1_000_000,
    duplicate_window: 120_000 * 1_000_000,
    allow_direct: true,
  });
}

/** An event as a system puts it on the stream, byte for byte but for its id. */
export function toEventText(n: number): string {
  return `{"specversion":"1.0","id":"${toEventId(n)}","source":"bus/host","type":"bench.host","time":"2026-11-21T12:00:00.000Z","datacontenttype":"application/json","priority":"normal","data":{"n":${n}}}`;
}

/** As long as a UUID. */
export function toEventId(n: number): string {
  return `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
}

/** The headers of such an event. */
export function toEventHeaders(): MsgHdrs {
  const made = headers();
  made.set('Content-Type', 'application/cloudevents+json');
  made.set('Troupe-Origin', 'a1b2c3d4-0000-4000-8000-000000000000');
  return made;
}

/** Publishes one such event; resolves when the stream has it. */
export function publishPlain({ stream }: PlainClient, n: number): Promise<unknown> {
  return stream.publish(SUBJECT, toEventText(n), { msgID: toEventId(n), headers: toEventHeaders() });
}

/** Fills the stream. */
export function fillPlain(client: PlainClient, count: number): Promise<void> {
  return runAll(count, 512, (n, done) => void publishPlain(client, n).then(done));
}
