/** The limits of the bus beside a NATS server: what the library does by itself with the same server, stream and messages. */
import { AckPolicy, DeliverPolicy } from '@nats-io/jetstream';
import type { ConsumerMessages } from '@nats-io/jetstream';
import { sendAll } from './bus.ts';
import type { ReplayOptions } from './bus.ts';
import { measure, measureRounds } from './measure.ts';
import type { Figure } from './measure.ts';
import {
  addStream,
  fillPlain,
  publishPlain,
  STREAM,
  SUBJECT,
  toEventText,
  withPlain,
  withServer,
} from './nats-server.ts';
import type { BenchServer, PlainClient } from './nats-server.ts';
import { FEATURE_ACTORS, MemoryWatch, openTally, withSystem } from './support.ts';

/** Runs `work` beside a server with the stream. */
function withStream<T>(work: (client: PlainClient) => Promise<T>, how: BenchServer = {}): Promise<T> {
  return withServer(
    (server) =>
      withPlain(server, async (client) => {
        await addStream(client);
        return work(client);
      }),
    how,
  );
}

/** A question of core NATS and its answer, one at a time; both sides in this process, over two connections. */
export function benchNatsRoundTrip(count: number): Promise<Figure> {
  return withServer((server) =>
    withPlain(server, (answering) =>
      withPlain(server, async ({ connection }) => {
        answering.connection.subscribe('bench.ask', { callback: (_error, message) => void message.respond('{}') });
        await answering.connection.flush();
        return measure({ count, inFlight: 1 }, (_n, done) => void connection.request('bench.ask', '{}').then(done));
      }),
    ),
  );
}

export interface JetPublishOptions extends BenchServer {
  readonly inFlight: number;
  readonly count: number;
  /** True: as the relay sends, with an id and headers. False: the bare subject and payload. */
  readonly hasId: boolean;
}

/** Messages until the stream has acknowledged them. */
export function benchJetPublish({ inFlight, count, hasId, ...how }: JetPublishOptions): Promise<Figure> {
  return withStream((client) => {
    let next = 0;
    const publish = (): Promise<unknown> => {
      const n = next++;
      return hasId ? publishPlain(client, n) : client.stream.publish(SUBJECT, toEventText(n));
    };
    return measure({ count, inFlight }, (_n, done) => void publish().then(done));
  }, how);
}

/** From the publication to the callback of a durable pull consumer, over another connection; each is acknowledged. */
export function benchJetDelivery({
  inFlight,
  count,
}: {
  readonly inFlight: number;
  readonly count: number;
}): Promise<Figure> {
  return withServer((server) =>
    withPlain(server, async (client) => {
      await addStream(client);
      return withPlain(server, async (receiver) => {
        const waiting = new Map<number, () => void>();
        const messages = await consume(receiver, (n) => {
          waiting.get(n)?.();
          waiting.delete(n);
        });
        let next = 0;
        let published: Promise<unknown> = Promise.resolve();
        const figure = await measure({ count, inFlight }, (_n, done) => {
          const n = next++;
          waiting.set(n, done);
          published = publishPlain(client, n);
        });
        // A message can be here before its publisher knows that it was taken.
        await published;
        messages.stop();
        return figure;
      });
    }),
  );
}

async function consume({ manager, stream }: PlainClient, take: (n: number) => void): Promise<ConsumerMessages> {
  await manager.consumers.add(STREAM, {
    durable_name: 'bench',
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.New,
  });
  const consumer = await stream.consumers.get(STREAM, 'bench');
  const callback = (message: { json<T>(): T; ack(): void }): void => {
    take(message.json<{ data: { n: number } }>().data.n);
    message.ack();
  };
  return consumer.consume({ max_messages: 512, callback });
}

/** Reads what the stream holds with an ordered consumer, and parses it: time of it all, and the most memory it took. */
export function benchJetReplay({ count, rounds }: ReplayOptions): Promise<Figure> {
  return withStream(async (client) => {
    await fillPlain(client, count);
    const watch = new MemoryWatch();
    const figure = await measureRounds({ count, rounds }, () => readPlain(client, count, () => watch.look()));
    return { ...figure, bytes: watch.grownBytes };
  });
}

/** Reads what the stream holds, and sends each to an actor of a system that knows nothing of NATS: until all of them are handled. */
export function benchJetReplayAndSend({ count, rounds }: ReplayOptions): Promise<Figure> {
  openTally();
  return withStream(async (client) => {
    await fillPlain(client, count);
    return withSystem(
      (system) =>
        measureRounds({ count, rounds }, async (round) => {
          const numbers: number[] = [];
          await readPlain(client, count, (n) => void numbers.push(n));
          await sendAll(system, `r${round}`, numbers);
        }),
      { actors: [FEATURE_ACTORS] },
    );
  });
}

/** Reads and parses `count` messages from the beginning of the stream. */
export async function readPlain({ stream }: PlainClient, count: number, taken: (n: number) => void): Promise<void> {
  const consumer = await stream.consumers.get(STREAM);
  const messages = await consumer.consume({ max_messages: 512 });
  let left = count;
  for await (const message of messages) {
    taken(message.json<{ data: { n: number } }>().data.n);
    if (--left === 0) break;
  }
  messages.stop();
}
