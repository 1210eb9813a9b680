/**
 * Handlers: actors that are a plain function over a state, for routers, counters and caches where a state machine would be too
 * much. They are not stored (`durable: false`): acknowledged means handled, and they are lost with their thread.
 */
import type { EventObject, MachineContext, StateMachine } from 'xstate';
import type { z } from 'zod';
import { TroupeError } from '../errors.ts';
import { definitionOf } from './define.ts';
import type { AskSchemas, Definition, EventSchemas, MailboxPolicy, SupervisePolicy } from './define.ts';
import type { ActorEvent, Effect, ReplyToken } from './effects.ts';

/** What a handler gets: an event of one of its types, or an ask with its token. */
export type HandledEvent<TEvents extends EventSchemas, TAsks extends AskSchemas> =
  | { [K in keyof TEvents & string]: { readonly type: K } & z.output<TEvents[K]> }[keyof TEvents & string]
  | {
      [K in keyof TAsks & string]: {
        readonly type: K;
        readonly replyTo: ReplyToken<z.output<TAsks[K]['reply']>>;
      } & z.output<TAsks[K]['input']>;
    }[keyof TAsks & string];

export interface HandlerOptions<TState extends object, TEvents extends EventSchemas, TAsks extends AskSchemas> {
  /** Makes the state of a new actor. */
  readonly initial: () => TState;
  /**
   * Takes one event and returns the next state. `emit` asks for effects (tell, reply, deliver, publish), which leave when it has
   * returned. What it throws fails the event, and the actor begins anew.
   */
  readonly handle: (state: TState, event: HandledEvent<TEvents, TAsks>, emit: (effect: Effect) => void) => TState;
  /** Schemas of the events. */
  readonly events: TEvents;
  /** Schemas of the asks. @default {} */
  readonly asks?: TAsks;
  readonly mailbox?: MailboxPolicy;
  readonly supervise?: SupervisePolicy;
  /** `true`: each actor of this type runs in a thread of its own. @default false */
  readonly dedicated?: boolean;
}

/** A handler, its types put aside. */
export interface Handler {
  readonly initial: () => unknown;
  readonly handle: (state: unknown, event: ActorEvent, emit: (effect: Effect) => void) => unknown;
}

/** How types see a handler: a machine whose context is its state. */
export type HandlerMachine<TState extends object> = StateMachine<
  TState & MachineContext,
  EventObject,
  Record<string, never>,
  never,
  never,
  never,
  never,
  'handling',
  string,
  undefined,
  undefined,
  EventObject,
  Record<string, never>,
  Record<string, never>
>;

/**
 * Makes a definition from a plain function.
 * @param type Names the kind of actor; the first part of its addresses. Unique in a system.
 * @throws {TroupeError} ERR_ADDRESS, ERR_DEFINITION_INVALID; the message names the field.
 */
export function defineHandler<
  TState extends object,
  TEvents extends EventSchemas,
  TAsks extends AskSchemas = Record<never, never>,
>(
  type: string,
  options: HandlerOptions<TState, TEvents, TAsks>,
): Definition<HandlerMachine<TState>, undefined, TEvents, TAsks> {
  const { initial, handle, ...policy } = options;
  assertFunction(type, 'initial', initial);
  assertFunction(type, 'handle', handle);
  const handler: Handler = { initial, handle: handle as unknown as Handler['handle'] };
  // What threads compare: a handler is its policy and where it stands, like the functions of a machine.
  const machine = { config: { handler: Object.keys(policy.events) } } as unknown as HandlerMachine<TState>;
  const definition = definitionOf(type, machine, { ...policy, durable: false } as never);
  return Object.freeze({ ...definition, handler }) as unknown as Definition<
    HandlerMachine<TState>,
    undefined,
    TEvents,
    TAsks
  >;
}

function assertFunction(type: string, field: string, value: unknown): void {
  if (typeof value === 'function') return;
  throw new TroupeError(
    'ERR_DEFINITION_INVALID',
    `Handler '${type}' has no function '${field}'. Pass one to defineHandler('${type}', { ${field}: … }).`,
    { details: { type, path: field } },
  );
}
