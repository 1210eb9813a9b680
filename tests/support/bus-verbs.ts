/** The verbs of tests of a bus. */
import type { Bus, HandlerContext, PublishOptions, ReceivedEvent } from '../../src/index.ts';
import type { BusFixture } from '../contract/bus.ts';

/** A handler that keeps what it gets. */
export function collector(): {
  readonly events: ReceivedEvent[];
  readonly seen: unknown[];
  readonly handler: (event: ReceivedEvent, context?: HandlerContext) => void;
} {
  const [events, seen]: [ReceivedEvent[], unknown[]] = [[], []];
  return {
    events,
    seen,
    handler: (event) => {
      events.push(event);
      seen.push(event.data);
    },
  };
}

/** A promise and the hand on it. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

/** 0 to `count` - 1. */
export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

/** Publishes numbers on one topic, in order. */
export async function publishAll(
  { system, run }: BusFixture,
  topic: string,
  data: readonly unknown[],
  options?: PublishOptions,
): Promise<void> {
  await run(Promise.all(data.map((one) => system.bus.publish(topic, one, options))));
}

/** Waits until every subscription of the system has come to the end of the log. */
export async function atRest({ system, until }: BusFixture): Promise<void> {
  await until(
    () => system.bus.stats(),
    ({ subscribers }) => subscribers.every(({ behind, members }) => behind === 0 || members === 0),
  );
}

/** What a replay gives. */
export async function allOf(events: ReturnType<Bus['replay']>): Promise<ReceivedEvent[]> {
  const all: ReceivedEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

/** The numbers of events. */
export function dataOf(events: readonly ReceivedEvent[]): unknown[] {
  return events.map(({ data }) => data);
}
