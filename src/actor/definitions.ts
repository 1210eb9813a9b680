/**
 * The definitions a thread has loaded, and the one place where events, inputs, asks and replies are checked against their
 * schemas and turned into the JSON text that travels and is stored.
 */
import type { z } from 'zod';
import { describeValue } from '../describe.ts';
import { TroupeError } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';
import { encodeJson } from '../state/json.ts';
import { typeOf } from './address.ts';
import type { Address } from './address.ts';
import { isDefinition } from './define.ts';
import type { AnyDefinition } from './define.ts';
import { RUNTIME_EVENT_TYPES } from './effects.ts';
import { assertReplacement } from './replacement.ts';
import { shapeOf } from './shape.ts';

/** What threads compare, so that none runs another machine than the others. */
export interface DefinitionPrint {
  readonly type: string;
  readonly version: number;
  readonly hash: string;
}

/** Every definition of a system, by type. */
export class Definitions {
  readonly #byType = new Map<string, AnyDefinition>();
  readonly #shapes = new Map<string, string>();
  /** Some type has a thread for each of its actors. */
  hasDedicated = false;

  /**
   * Adds a definition. The same object twice is fine: a module may be re-exported.
   * @throws {TroupeError} ERR_DEFINITION_DUPLICATE when another definition has its type.
   */
  add(definition: AnyDefinition, origin: string): void {
    const known = this.#byType.get(definition.type);
    if (known === definition) return;
    if (known) {
      throw new TroupeError(
        'ERR_DEFINITION_DUPLICATE',
        `Actor type '${definition.type}' is defined twice; the second time in ${origin}. Rename one of them.`,
        { details: { type: definition.type, origin } },
      );
    }
    this.#byType.set(definition.type, definition);
    this.hasDedicated ||= definition.policy.isDedicated;
  }

  /** Adds every definition a module exports. Returns how many. */
  addModule(exports: Readonly<Record<string, unknown>>, origin: string): number {
    const found = Object.values(exports).filter(isDefinition);
    for (const definition of found) this.add(definition, origin);
    return found.length;
  }

  /** Every definition. */
  get all(): readonly AnyDefinition[] {
    return [...this.#byType.values()];
  }

  /** The definition of a type, when it is loaded. */
  find(type: string): AnyDefinition | undefined {
    return this.#byType.get(type);
  }

  /** @throws {TroupeError} ERR_ACTOR_TYPE_UNKNOWN when no definition has this type. */
  get(type: string): AnyDefinition {
    const definition = this.#byType.get(type);
    if (definition) return definition;
    const known = [...this.#byType.keys()].join(', ') || 'none';
    throw new TroupeError(
      'ERR_ACTOR_TYPE_UNKNOWN',
      `No definition of actor type '${type}' is loaded (loaded: ${known}). Export it from a module listed in createSystem({ actors }).`,
      { details: { type } },
    );
  }

  /** True for a type whose actors are stored; an unknown type counts as stored, so that its loading says what is wrong. */
  isDurable(type: string): boolean {
    return this.#byType.get(type)?.policy.isDurable ?? true;
  }

  /** Time actors of this type may block their thread, in milliseconds; nothing for one that leaves that to the system. */
  hangMsOf(type: string): number | undefined {
    return this.#byType.get(type)?.policy.supervise.hangMs;
  }

  /** True for a type whose actors have a thread each. */
  isDedicated(type: string): boolean {
    if (!this.hasDedicated) return false;
    return this.#byType.get(type)?.policy.isDedicated ?? false;
  }

  /**
   * Checks that every substitute can take the place it is meant for. Called once everything is loaded.
   * @throws {TroupeError} ERR_DEFINITION_INVALID naming the definition, the substitute, and what is missing.
   */
  assertReplacements(): void {
    for (const definition of this.#byType.values()) assertReplacement(definition, this.#byType);
  }

  /** True for a type whose actors are agents. */
  isAgent(type: string): boolean {
    return this.#byType.get(type)?.policy.role === 'agent';
  }

  /** The structure of the machine of a type, which is stored with its snapshots. */
  shapeOf(type: string, machine: { readonly config: unknown } = this.get(type).machine): string {
    const shape = this.#shapes.get(type) ?? shapeOf(machine);
    this.#shapes.set(type, shape);
    return shape;
  }

  prints(): DefinitionPrint[] {
    return [...this.#byType.values()]
      .map(({ type, version, machine }) => ({ type, version, hash: this.shapeOf(type, machine) }))
      .toSorted((a, b) => (a.type < b.type ? -1 : 1));
  }

  /**
   * Checks an event for `to` and returns its JSON text.
   * @throws {TroupeError} ERR_EVENT_INVALID or ERR_NOT_JSON, with the path of the wrong part.
   */
  encodeEvent(to: Address, event: unknown): string {
    const { events, asks } = this.get(typeOf(to));
    const type = eventType(to, event);
    if (RUNTIME_EVENT_TYPES.has(type)) throw refusedEvent(to, type, 'is sent by the runtime only');
    if (Object.hasOwn(asks, type)) throw refusedEvent(to, type, 'is an ask; use ref.ask');
    if (!events) return encodeJson(event, `Event '${type}' for '${to}'`, '');
    const schema = Object.hasOwn(events, type) ? events[type] : undefined;
    if (!schema) {
      throw refusedEvent(to, type, `is not declared; declared are: ${Object.keys(events).join(', ') || 'none'}`);
    }
    const payload = parse(schema, withoutType(event), 'ERR_EVENT_INVALID', `Event '${type}' for '${to}'`);
    return encodeTyped(type, payload, `Event '${type}' for '${to}'`);
  }

  /**
   * Checks an event that was accepted before, perhaps by another version: asks, with their token, and events of the runtime and of topics pass.
   * @throws {TroupeError} ERR_EVENT_INVALID.
   */
  checkStoredEvent(to: Address, text: string): void {
    const { events, asks } = this.get(typeOf(to));
    const { type, ...payload } = JSON.parse(text) as { readonly type: string };
    if (!events || RUNTIME_EVENT_TYPES.has(type) || Object.hasOwn(asks, type)) return;
    if (Object.hasOwn(payload, 'topic') && !Object.hasOwn(events, type)) return;
    const schema = Object.hasOwn(events, type) ? events[type] : undefined;
    if (!schema) throw refusedEvent(to, type, 'waits for it, and is not declared');
    parse(schema, payload, 'ERR_EVENT_INVALID', `Event '${type}', which waits for '${to}',`);
  }

  /**
   * Checks an ask for `to` and returns its JSON text, without the reply token.
   * @throws {TroupeError} ERR_ASK_UNKNOWN, ERR_EVENT_INVALID or ERR_NOT_JSON.
   */
  encodeAsk(to: Address, event: unknown): string {
    const { asks } = this.get(typeOf(to));
    const type = eventType(to, event);
    const ask = Object.hasOwn(asks, type) ? asks[type] : undefined;
    if (!ask) {
      throw new TroupeError(
        'ERR_ASK_UNKNOWN',
        `'${to}' cannot be asked '${type}' (asks: ${Object.keys(asks).join(', ') || 'none'}). Declare it in defineActor({ asks }).`,
        { details: { address: to, type } },
      );
    }
    const payload = parse(ask.input, withoutType(event), 'ERR_EVENT_INVALID', `Ask '${type}' for '${to}'`);
    return encodeTyped(type, payload, `Ask '${type}' for '${to}'`);
  }

  /**
   * Checks the input of a new actor and returns its JSON text, `undefined` when it has none.
   * @throws {TroupeError} ERR_INPUT_INVALID or ERR_NOT_JSON, with the path of the wrong part.
   */
  encodeInput(to: Address, input: unknown): string | undefined {
    return this.encodeInputOf(this.get(typeOf(to)), to, input);
  }

  /**
   * Checks the input of a definition that runs under another's address, and returns its JSON text.
   * @throws {TroupeError} ERR_INPUT_INVALID or ERR_NOT_JSON.
   */
  encodeInputOf({ input: schema }: AnyDefinition, owner: Address, input: unknown): string | undefined {
    const parsed = schema ? parse(schema, input, 'ERR_INPUT_INVALID', `Input of '${owner}'`) : input;
    return parsed === undefined ? undefined : encodeJson(parsed, `Input of '${owner}'`, 'input');
  }

  /** True when an actor of this type can be made without being given input. */
  acceptsNoInput(type: string): boolean {
    const { input } = this.get(type);
    return input === undefined || input.safeParse(undefined).success;
  }

  /**
   * Checks the answer to an ask and returns its JSON text; `null` stands for no value.
   * @throws {TroupeError} ERR_REPLY_INVALID or ERR_NOT_JSON.
   */
  encodeReply(from: Address, ask: string, value: unknown): string {
    const { asks } = this.get(typeOf(from));
    const schema = Object.hasOwn(asks, ask) ? asks[ask]?.reply : undefined;
    const parsed = schema ? parse(schema, value, 'ERR_REPLY_INVALID', `Reply of '${from}' to '${ask}'`) : value;
    return parsed === undefined ? 'null' : encodeJson(parsed, `Reply of '${from}' to '${ask}'`, '');
  }
}

function eventType(to: Address, event: unknown): string {
  const type: unknown = typeof event === 'object' && event !== null ? (event as { type?: unknown }).type : undefined;
  if (typeof type === 'string' && type !== '') return type;
  throw new TroupeError(
    'ERR_EVENT_INVALID',
    `An event for '${to}' is ${describeValue(event)} without a type. Send an object like { type: 'SAY', … }.`,
    { details: { address: to, path: 'type' } },
  );
}

function refusedEvent(to: Address, type: string, why: string): TroupeError {
  return new TroupeError('ERR_EVENT_INVALID', `Event '${type}' for '${to}' ${why}.`, {
    details: { address: to, type, path: 'type' },
  });
}

function withoutType(event: unknown): Record<string, unknown> {
  const { type: _type, ...payload } = event as Record<string, unknown>;
  return payload;
}

function encodeTyped(type: string, payload: unknown, owner: string): string {
  const text = encodeJson(payload, owner, '');
  if (text === '{}') return `{"type":${JSON.stringify(type)}}`;
  return text.startsWith('{') ? `{"type":${JSON.stringify(type)},${text.slice(1)}` : `{"type":${JSON.stringify(type)}}`;
}

function parse(schema: z.ZodType, value: unknown, code: ErrorCode, owner: string): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const path = issue?.path.map(String).join('.') ?? '';
  throw new TroupeError(
    code,
    `${owner} does not fit its schema${path === '' ? '' : ` at '${path}'`}: ${issue?.message ?? 'invalid'}. Correct it or the schema in defineActor.`,
    {
      details: {
        path,
        issues: parsed.error.issues
          .slice(0, 10)
          .map((i) => ({ path: i.path.map(String).join('.'), message: i.message })),
      },
    },
  );
}

/** Fails for what is no definition. @throws {TroupeError} ERR_DEFINITION_INVALID */
export function assertDefinition(value: unknown): void {
  if (isDefinition(value)) return;
  throw new TroupeError(
    'ERR_DEFINITION_INVALID',
    `system.actor was given ${value === undefined ? 'undefined' : `a value of type ${typeof value}`} instead of a definition. Pass what defineActor() returns.`,
  );
}
