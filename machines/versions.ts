/**
 * A value with its versions, as a pure machine: each version is a row of the log, under its number. The context holds which is the
 * last; a write says which one it comes after.
 */
import { assign, emit, enqueueActions, setup } from 'xstate';
import { append, reply, trim } from '../src/actor/effects.ts';
import type { Effect, ReplyToken } from '../src/actor/effects.ts';
import type { Json } from '../src/state/json.ts';

export interface VersionsInput {
  readonly value: Json;
  /** Versions that stay; up to a quarter more until the oldest go together. */
  readonly keep: number;
  /** Tells whoever creates it from whoever comes too late. */
  readonly token: string;
}

export interface VersionsContext {
  readonly version: number;
  readonly keep: number;
  readonly token: string;
}

/** What became of a write: the version that is the last now, and whether another was faster. */
export interface PutReply {
  readonly version: number;
  readonly isConflict: boolean;
}

export interface PutEvent {
  readonly type: 'PUT';
  readonly value: Json;
  /** The version it comes after; absent: whichever is the last. */
  readonly base?: number | undefined;
  readonly replyTo: ReplyToken<PutReply>;
}

const keptVersions = setup({
  types: {
    context: {} as VersionsContext,
    events: {} as PutEvent,
    input: {} as VersionsInput,
    emitted: {} as Effect,
  },
  guards: {
    isLate: ({ context, event }) => event.base !== undefined && event.base !== context.version,
  },
});

/** True when a quarter more than those that stay are there. */
function isFull(keep: number, version: number): boolean {
  return version > keep && (version - keep) % Math.ceil(keep / 4) === 0;
}

export const versionsMachine = keptVersions.createMachine({
  id: 'versions',
  context: ({ input: { keep, token } }) => ({ version: 1, keep, token }),
  entry: enqueueActions(({ enqueue, event }) => {
    const { input } = event as unknown as { readonly input: VersionsInput };
    enqueue.emit(append({ value: input.value }));
  }),
  on: {
    PUT: [
      {
        guard: 'isLate',
        actions: emit(({ context, event }) => reply(event.replyTo, { version: context.version, isConflict: true })),
      },
      {
        actions: [
          assign({ version: ({ context }) => context.version + 1 }),
          enqueueActions(({ enqueue, context: { version, keep }, event }) => {
            enqueue.emit(append({ value: event.value }));
            if (isFull(keep, version)) enqueue.emit(trim(keep));
            enqueue.emit(reply(event.replyTo, { version, isConflict: false }));
          }),
        ],
      },
    ],
  },
});
