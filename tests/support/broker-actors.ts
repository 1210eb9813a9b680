/**
 * Actors of the runs with a broker. What they have done stands in their logs, which the checker reads in the end.
 *
 * - `beacon` publishes what it is told to, numbered;
 * - `keeper` keeps all that comes on the topics of the load, `picker` what comes on one of them;
 * - `tally` is driven by a foreign client, over the broker.
 */
import { assign, emit, setup } from 'xstate';
import { z } from 'zod';
import { append, defineActor, publish, reply } from '../../src/index.ts';
import type { Effect, ReplyToken, TopicEvent } from '../../src/index.ts';
import type { LoadData } from './broker-history.ts';
import { ALL_TOPICS, PICKED_TOPIC } from './broker-protocol.ts';

/** A row of a log. `place`: its number as the state of the actor counts. */
export interface KeptEntry extends LoadData {
  readonly place: number;
  /** Of an event that came. */
  readonly id?: string;
  /** Of one that was published. */
  readonly topic?: string;
}

interface Shout {
  readonly type: 'SHOUT';
  readonly topic: string;
  readonly from: string;
  readonly sentAt: number;
}

const beaconMachine = setup({
  types: {} as { context: { readonly count: number }; events: Shout; emitted: Effect },
}).createMachine({
  context: { count: 0 },
  on: {
    SHOUT: {
      actions: [
        assign({ count: ({ context }) => context.count + 1 }),
        emit(({ context: { count: n }, event: { topic, from, sentAt } }) =>
          append({ from, n, sentAt, topic, place: n } satisfies KeptEntry),
        ),
        emit(({ context: { count: n }, event: { topic, from, sentAt } }) => publish(topic, { from, n, sentAt })),
      ],
    },
  },
});

export const beacon = defineActor('beacon', beaconMachine, {
  events: { SHOUT: z.object({ topic: z.string(), from: z.string(), sentAt: z.number() }) },
});

type Heard = TopicEvent<'HEARD', LoadData>;

const keeperMachine = setup({
  types: {} as { context: { readonly count: number }; events: Heard | { readonly type: 'BEGIN' }; emitted: Effect },
}).createMachine({
  context: { count: 0 },
  on: {
    BEGIN: {},
    HEARD: {
      actions: [
        assign({ count: ({ context }) => context.count + 1 }),
        emit(({ context, event: { id, data } }) => {
          const { from, n, sentAt } = data;
          return append({ from, n, sentAt, id, place: context.count } satisfies KeptEntry);
        }),
      ],
    },
  },
});

const begin = { BEGIN: z.object({}) };

export const keeper = defineActor('keeper', keeperMachine, { topics: { [ALL_TOPICS]: 'HEARD' }, events: begin });
export const picker = defineActor('picker', keeperMachine, { topics: { [PICKED_TOPIC]: 'HEARD' }, events: begin });

type Count = LoadData & { readonly type: 'COUNT'; readonly replyTo: ReplyToken<{ readonly place: number }> };

const tallyMachine = setup({
  types: {} as { context: { readonly count: number }; events: Count; emitted: Effect },
}).createMachine({
  context: { count: 0 },
  on: {
    COUNT: {
      actions: [
        assign({ count: ({ context }) => context.count + 1 }),
        emit(({ context, event: { from, n, sentAt } }) =>
          append({ from, n, sentAt, id: `${from}:${n}`, place: context.count } satisfies KeptEntry),
        ),
        emit(({ context, event }) => reply(event.replyTo, { place: context.count })),
      ],
    },
  },
});

const data = { from: z.string(), n: z.number(), sentAt: z.number() };

export const tally = defineActor('tally', tallyMachine, {
  asks: { COUNT: { input: z.object(data), reply: z.object({ place: z.number() }) } },
});
