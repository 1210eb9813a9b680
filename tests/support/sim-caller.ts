/** The host program of a simulated story: what it calls, and how each call ended, without ever waiting for one. */
import { isTroupeError } from '../../src/index.ts';
import type { System } from '../../src/index.ts';
import type { Observer } from './sim-observer.ts';
import { DEFINITIONS } from './sim-actors.ts';
import type { SimType } from './sim-actors.ts';
import type { Call, CallKind, Moment } from './sim-record.ts';
import type { Op } from './sim-words.ts';

/** What a call is made of. */
export type NewCall = Pick<Call, 'kind' | 'to'> & Partial<Pick<Call, 'id' | 'callerId' | 'ops' | 'key' | 'dueAt'>>;

const ASK_TIMEOUT_MS = 8000;

export interface CallerOptions {
  readonly observer: Observer;
  readonly line: (text: string) => void;
  readonly moment: () => Moment;
  readonly system: () => System;
}

export class Caller {
  readonly calls: Call[] = [];
  readonly #options: CallerOptions;
  readonly #numbers = new Map<string, number>();
  /** Of the process. */
  life = 1;

  constructor(options: CallerOptions) {
    this.#options = options;
  }

  /** The process has ended: of what is under way nothing more will be heard. */
  endLife(): void {
    for (const call of this.calls) if (call.outcome === 'open') call.outcome = 'unknown';
    this.life++;
  }

  /** Calls with an id of the caller, to be repeated. */
  get named(): readonly Call[] {
    return this.calls.filter(({ callerId }) => callerId !== undefined);
  }

  /** An event for an actor. */
  send(to: string, ops: readonly Op[], callerId?: string): void {
    const call = this.#open({ kind: 'send', to, ops, ...(callerId !== undefined && { callerId }) });
    this.#follow(call, this.#ref(to).send(toDo(call) as never, callerId === undefined ? {} : { id: callerId }));
  }

  /** The same event again, under the same id. */
  repeat({ kind, id, to, ops, callerId = '' }: Call): void {
    const call = this.#open({ kind, id, to, callerId, ...(ops && { ops }) });
    const options = { id: callerId, timeoutMs: ASK_TIMEOUT_MS };
    if (kind === 'publish') this.#publish(call);
    else if (kind === 'ask') this.#follow(call, this.#ref(to).ask(toAsk(call, false) as never, options));
    else this.#follow(call, this.#ref(to).send(toDo(call) as never, { id: callerId }));
  }

  /** A question, answered at once or later. */
  ask(to: string, isKept: boolean, callerId?: string): void {
    const call = this.#open({ kind: 'ask', to, ops: [], ...(callerId !== undefined && { callerId }) });
    const options = { timeoutMs: ASK_TIMEOUT_MS, ...(callerId !== undefined && { id: callerId }) };
    this.#follow(call, this.#ref(to).ask(toAsk(call, isKept) as never, options));
  }

  /** An event whose fate nobody is told. */
  tell(to: string): void {
    const call = this.#open({ kind: 'tell', to, ops: [] });
    this.#follow(call, this.#ref(to).tell(toDo(call) as never));
  }

  schedule(to: string, key: string, ms: number): void {
    const call = this.#open({ kind: 'schedule', to, key, dueAt: this.#options.moment().now + ms });
    const event = { type: 'TIMED', id: call.id, ops: [] };
    this.#follow(call, this.#ref(to).schedule(key, event as never, { at: call.dueAt ?? 0 }));
  }

  unschedule(to: string, key: string): void {
    this.#follow(this.#open({ kind: 'unschedule', to, key }), this.#ref(to).unschedule(key));
  }

  publish(topic: string, callerId?: string): void {
    this.#publish(this.#open({ kind: 'publish', to: topic, ...(callerId !== undefined && { callerId }) }));
  }

  /** Looks at a state: everything acknowledged before must be in it. */
  look(to: string): void {
    const before = this.calls.filter((call) => call.kind === 'send' && call.to === to && call.outcome === 'ok');
    const call = this.#open(
      { kind: 'look', to },
      before.map(({ id }) => id),
    );
    this.#follow(
      call,
      this.#ref(to)
        .snapshot()
        .then((view) => (view?.context as { count?: number } | null)?.count),
    );
  }

  stop(to: string): void {
    this.#follow(this.#open({ kind: 'stop', to }), this.#ref(to).stop());
  }

  #publish(call: Call): void {
    const { id, to, callerId } = call;
    const options = callerId === undefined ? {} : { id: callerId };
    this.#follow(call, this.#options.system().bus.publish(to, { id }, options));
  }

  #ref(to: string) {
    const [type = '', key = ''] = to.split('/');
    return this.#options.system().actor(DEFINITIONS[type as SimType], key);
  }

  #open({ kind, to, id, ...rest }: NewCall, before?: readonly string[]): Call {
    const n = (this.#numbers.get(to) ?? 0) + 1;
    this.#numbers.set(to, n);
    const call: Call = {
      kind,
      to,
      id: id ?? `${kind}${this.calls.length}`,
      life: this.life,
      n,
      ...rest,
      ...(before && { before }),
      at: this.#options.moment(),
      outcome: 'open',
    };
    this.calls.push(call);
    this.#options.line(`${kind} ${call.id} to ${to} ${JSON.stringify(rest)}`);
    return call;
  }

  #follow(call: Call, promise: Promise<unknown>): void {
    promise.then(
      (reply) => this.#end(call, 'ok', { reply }),
      (error: unknown) => {
        const code = isTroupeError(error) ? error.code : String(error);
        this.#end(call, isUnknown(code) ? 'unknown' : 'failed', { code });
      },
    );
  }

  #end(
    call: Call,
    outcome: 'ok' | 'failed' | 'unknown',
    result: { readonly reply?: unknown; readonly code?: string },
  ): void {
    Object.assign(call, { outcome, endedAt: this.#options.moment(), ...result });
    this.#options.line(`  ${call.id} ${outcome} ${result.code ?? JSON.stringify(result.reply) ?? ''}`);
    if (outcome === 'ok') this.#mustBeDurable(call);
  }

  /** What is acknowledged is durable by then. */
  #mustBeDurable({ kind, id, to }: Call): void {
    const { observer } = this.#options;
    if (to.startsWith('vol/')) return;
    const what = { send: `do:${id}`, ask: `answer:${id}`, publish: `topic:${id}` }[kind as string];
    const text = `${kind} '${id}' to '${to}' was acknowledged before it was durable`;
    if (what !== undefined) observer.mustBeDurable(what, 'ack-before-commit', text);
  }
}

function toDo({ id, life, n, ops = [] }: Call) {
  return { type: 'DO', id, from: `host.${life}`, n, ops };
}

function toAsk({ id, life, n, ops = [] }: Call, isKept: boolean) {
  return { type: 'ASK', id, from: `host.${life}`, n, isKept, ops };
}

/** Errors that leave open whether the event was processed. */
function isUnknown(code: string): boolean {
  return code === 'ERR_SYSTEM_STOPPED' || code === 'ERR_ASK_TIMEOUT';
}

/** What a kind of call to an actor asks its host for; the others go elsewhere. */
export function isEventCall(kind: CallKind): boolean {
  return kind === 'send' || kind === 'ask' || kind === 'tell';
}
