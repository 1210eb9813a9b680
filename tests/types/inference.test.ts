/** Types flow from the definition to every call site, without a type argument or a cast. */
import { expectTypeOf, test } from 'vitest';
import { assign, emit, setup } from 'xstate';
import { z } from 'zod';
import { append, defineActor, deliver, fromEffect, reply, spawn, stop, tell } from '../../src/index.ts';
import type {
  ActorRef,
  AskOf,
  Effect,
  EventOf,
  InputOf,
  ReplyOf,
  ReplyToken,
  StateView,
  System,
} from '../../src/index.ts';

declare const system: System;

const bank = defineActor(
  'bank',
  setup({
    types: {
      context: {} as { balance: number; owner: string },
      events: {} as { type: 'PUT'; amount: number } | { type: 'READ'; replyTo: ReplyToken<{ balance: number }> },
      input: {} as { owner: string },
      emitted: {} as Effect,
    },
  }).createMachine({
    context: ({ input }) => ({ balance: 0, owner: input.owner }),
    initial: 'open',
    states: { open: {}, closed: { type: 'final' } },
    output: ({ context }) => ({ final: context.balance }),
  }),
  {
    input: z.object({ owner: z.string(), limit: z.number().default(0) }),
    events: { PUT: z.object({ amount: z.number(), note: z.string().optional() }), CLOSE: z.object({}) },
    asks: {
      READ: { input: z.object({}), reply: z.object({ balance: z.number() }) },
      FIND: { input: z.object({ text: z.string() }), reply: z.array(z.string()) },
    },
    meta: ({ owner }) => {
      expectTypeOf(owner).toEqualTypeOf<string>();
      return { owner };
    },
  },
);

const bare = defineActor(
  'bare',
  setup({
    types: {
      context: {} as { n: number },
      events: {} as { type: 'INC'; by: number } | { type: 'RESET' },
      input: {} as { start: number },
    },
  }).createMachine({ context: ({ input }) => ({ n: input.start }) }),
);

const loose = defineActor('loose', setup({}).createMachine({}));

test('refs are typed by the definition', () => {
  const ref = system.actor(bank, 'a', { owner: 'ada' });
  expectTypeOf(ref).toEqualTypeOf<ActorRef<typeof bank>>();
  expectTypeOf(system.actor(bank, 'a').send({ type: 'PUT', amount: 1 })).toEqualTypeOf<Promise<void>>();
  expectTypeOf(system.actor(loose, 'a')).toHaveProperty('send');
});

test('events: what the schemas say, wrong types and payloads do not compile', () => {
  const ref = system.actor(bank, 'a');
  void ref.send({ type: 'PUT', amount: 1, note: 'x' }, { id: 'i' });
  void ref.send({ type: 'CLOSE' });
  // @ts-expect-error -- no such event
  void ref.send({ type: 'TAKE', amount: 1 });
  // @ts-expect-error -- wrong payload
  void ref.send({ type: 'PUT', amount: '1' });
  // @ts-expect-error -- missing payload
  void ref.send({ type: 'PUT' });
  // @ts-expect-error -- unknown field
  void ref.send({ type: 'PUT', amount: 1, extra: 1 });
  // @ts-expect-error -- an ask is no event
  void ref.send({ type: 'READ' });
  // @ts-expect-error -- no such option
  void ref.send({ type: 'CLOSE' }, { key: 'i' });
  expectTypeOf<EventOf<typeof bank>['type']>().toEqualTypeOf<'PUT' | 'CLOSE'>();
});

test('input: defaults may be left out, wrong input does not compile', () => {
  system.actor(bank, 'a', { owner: 'ada', limit: 5 });
  system.actor(bank, 'a');
  // @ts-expect-error -- wrong type
  system.actor(bank, 'a', { owner: 7 });
  // @ts-expect-error -- missing field
  system.actor(bank, 'a', {});
  // @ts-expect-error -- unknown field
  system.actor(bank, 'a', { owner: 'ada', colour: 'red' });
  // @ts-expect-error -- keys are strings
  system.actor(bank, 7);
  expectTypeOf<InputOf<typeof bank>>().toEqualTypeOf<{ owner: string; limit?: number | undefined }>();
});

test('asks: question and answer belong together', () => {
  const ref = system.actor(bank, 'a');
  expectTypeOf(ref.ask({ type: 'READ' })).resolves.toEqualTypeOf<{ balance: number }>();
  expectTypeOf(ref.ask({ type: 'FIND', text: 'x' }, { timeoutMs: 5, id: 'i' })).resolves.toEqualTypeOf<string[]>();
  // @ts-expect-error -- no such ask
  void ref.ask({ type: 'WRITE' });
  // @ts-expect-error -- missing question
  void ref.ask({ type: 'FIND' });
  // @ts-expect-error -- an event is no ask
  void ref.ask({ type: 'PUT', amount: 1 });
  // @ts-expect-error -- wrong reply type
  const wrong: Promise<string> = ref.ask({ type: 'READ' });
  void wrong;
  expectTypeOf<AskOf<typeof bank>['type']>().toEqualTypeOf<'READ' | 'FIND'>();
  expectTypeOf<ReplyOf<typeof bank, 'FIND'>>().toEqualTypeOf<string[]>();
});

test('snapshot and watch carry context, value and output of the machine', async () => {
  const ref = system.actor(bank, 'a');
  const view = await ref.snapshot();
  expectTypeOf(view).toEqualTypeOf<StateView<typeof bank>>();
  expectTypeOf(view.context).toEqualTypeOf<{ balance: number; owner: string }>();
  expectTypeOf(view.value).toEqualTypeOf<'open' | 'closed'>();
  expectTypeOf(view.status).toEqualTypeOf<'active' | 'done' | 'stopped' | 'failed' | 'quarantined'>();
  // @ts-expect-error -- no such field
  void view.context.nothing;
  for await (const state of ref.watch()) expectTypeOf(state.context.balance).toEqualTypeOf<number>();
});

test('without schemas events and input are those of the machine', () => {
  const ref = system.actor(bare, 'a', { start: 1 });
  void ref.send({ type: 'INC', by: 1 });
  void ref.send({ type: 'RESET' });
  // @ts-expect-error -- wrong payload
  void ref.send({ type: 'INC', by: '1' });
  // @ts-expect-error -- no such event
  void ref.send({ type: 'DEC' });
  // @ts-expect-error -- nothing to ask
  void ref.ask({ type: 'INC', by: 1 });
  // @ts-expect-error -- wrong input
  system.actor(bare, 'a', { start: 'x' });
  expectTypeOf(ref.snapshot()).resolves.toHaveProperty('context').toEqualTypeOf<{ n: number }>();
});

test('machines emit effects, inline, named and enqueued, and nothing else', () => {
  const typed = setup({
    types: { events: {} as { type: 'GO'; to: string; replyTo: ReplyToken<number> }, emitted: {} as Effect },
    actions: { named: emit(append('x')) },
  });
  typed.createMachine({
    on: {
      GO: {
        actions: [
          'named',
          emit(({ event }) => tell(event.to, { type: 'PUT' })),
          emit(({ event }) => reply(event.replyTo, 1)),
          emit(deliver('out', { ok: true })),
          emit(spawn(bank, 'k', { owner: 'ada' })),
          emit(stop('bank/k')),
          typed.enqueueActions(({ enqueue }) => enqueue.emit(append(1))),
        ],
      },
    },
  });
  // @ts-expect-error -- not an effect
  typed.createMachine({ on: { GO: { actions: emit({ type: 'troupe.shout' }) } } });
  expectTypeOf(tell('a/b', { type: 'X' })).toExtend<Effect>();
  const token = {} as ReplyToken<number>;
  // @ts-expect-error -- wrong reply type
  reply(token, 'one');
  // @ts-expect-error -- not JSON
  append(() => 1);
  // @ts-expect-error -- not JSON
  deliver('out', new Map());
});

test('effect functions carry input and output into the machine', () => {
  const work = fromEffect(
    async ({
      input,
      signal,
      key,
      attempt,
      send,
    }: { input: { n: number } } & Parameters<Parameters<typeof fromEffect>[0]>[0]) => {
      expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
      expectTypeOf(key).toEqualTypeOf<string>();
      expectTypeOf(attempt).toEqualTypeOf<number>();
      expectTypeOf(send).returns.toEqualTypeOf<Promise<void>>();
      return { doubled: input.n * 2 };
    },
  );
  setup({ types: { context: {} as { got: number } }, actors: { work } }).createMachine({
    context: { got: 0 },
    invoke: { src: 'work', input: { n: 1 }, onDone: { actions: assign({ got: ({ event }) => event.output.doubled }) } },
  });
  // @ts-expect-error -- no such policy
  fromEffect(async () => 1, { onInterrupted: 'ignore' });
});

test('policies are checked where they are written', () => {
  const machine = setup({}).createMachine({});
  // @ts-expect-error -- no such option
  defineActor('x', machine, { hibernate: true });
  // @ts-expect-error -- schemas only
  defineActor('x', machine, { events: { A: { n: 1 } } });
  // @ts-expect-error -- no such policy
  defineActor('x', machine, { supervise: { onGiveUp: 'panic' } });
});
