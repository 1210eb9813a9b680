/** One turn of a simulated actor: carries out what it is asked for, and notes all of it in one entry of its log. */
import {
  append,
  deliver,
  publish,
  reply,
  schedule,
  spawn,
  stop,
  subscribe,
  tell,
  unschedule,
  unsubscribe,
} from '../../src/index.ts';
import type { ActorEvent, Effect } from '../../src/index.ts';
import type { Delay, Did, Entry, EntryKind, Kept, Op, SimContext } from './sim-words.ts';
import { theWorld } from './sim-world.ts';

/** An event a machine sends itself, at once or later. */
export type Follow =
  | { readonly event: { readonly type: 'ARM.limit' | 'ARM.rest' | 'ARM.again' | 'DISARM' | 'WORK' | 'QUIT' | 'END' } }
  | { readonly event: { readonly type: 'RAISED'; readonly id: string }; readonly id: string; readonly delay: number }
  | { readonly cancel: string };

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export class Turn {
  readonly #self: string;
  readonly #did: Did[] = [];
  readonly context: Mutable<SimContext>;
  readonly effects: Effect[] = [];
  readonly follows: Follow[] = [];
  isPoison = false;

  constructor(context: SimContext, self: string) {
    this.#self = self;
    this.context = { ...context, count: context.count + 1 };
  }

  /** Closes the turn with its entry. */
  note(of: { readonly id: string; readonly kind: EntryKind } & Partial<Entry>): void {
    const { env, jumps } = theWorld();
    const entry: Entry = { from: '', n: 0, ...of, place: this.context.count, now: env.now(), jumps, did: this.#did };
    this.effects.push(append({ ...entry } as never));
  }

  /** Answers a question now. */
  answer({ id, token }: Omit<Kept, 'place'>): void {
    this.effects.push(reply(token, { id, place: this.context.count }));
    this.#did.push({ answered: id });
  }

  keep(kept: Omit<Kept, 'place'>): void {
    this.context.kept = [...this.context.kept, { ...kept, place: this.context.count }];
    this.#did.push({ kept: kept.id });
  }

  take(op: Op): void {
    switch (op.op) {
      case 'tell':
        return this.#tell(op.to, op.ops);
      case 'publish':
        return this.#publish(op.topic);
      case 'subscribe':
        return this.#emit(subscribe(op.pattern, 'EXTRA'), { subscribed: op.pattern });
      case 'unsubscribe':
        return this.#emit(unsubscribe(op.pattern), { unsubscribed: op.pattern });
      case 'schedule':
        return this.#schedule(op);
      case 'unschedule':
        return this.#emit(unschedule(op.key), { unscheduled: op.key });
      case 'spawn':
        return this.#emit(spawn('child', op.key), { spawned: `child/${op.key}` });
      case 'stop':
        return this.#emit(stop(op.address), { stopped: op.address });
      case 'deliver':
        return this.#deliver();
      case 'answer':
        return this.#answerAll();
      case 'boom':
        return void (this.isPoison = true);
      default:
        return this.#change(op);
    }
  }

  #change(op: Extract<Op, { op: 'arm' | 'disarm' | 'raise' | 'unraise' | 'work' | 'quit' | 'end' }>): void {
    switch (op.op) {
      case 'arm':
        return this.#arm(op.delay, op.ms);
      case 'disarm':
        return this.#disarm();
      case 'raise':
        return this.#raise(op.ms);
      case 'unraise':
        return this.#unraise();
      case 'work':
        return this.#enter(op);
      case 'quit':
        return this.#leave();
      case 'end':
        return void this.follows.push({ event: { type: 'END' } });
    }
  }

  #emit(effect: Effect, did: Did): void {
    this.effects.push(effect);
    this.#did.push(did);
  }

  /** It is not stored, so that its counts begin anew. */
  get #isForgetful(): boolean {
    return this.#self.startsWith('vol/');
  }

  #newId(): string {
    return this.#isForgetful ? `v${theWorld().serial()}` : `${this.#self}.${++this.context.made}`;
  }

  #tell(to: string, ops: readonly Op[]): void {
    const n = (this.context.sent[to] ?? 0) + 1;
    this.context.sent = { ...this.context.sent, [to]: n };
    const id = this.#isForgetful ? this.#newId() : `${this.#self}>${to}:${n}`;
    const event = { type: 'NOTE', id, from: this.#self, n, ops } as ActorEvent;
    this.#emit(tell(to, event), { told: id, to, n, isPoison: ops.some(({ op }) => op === 'boom') });
  }

  #publish(topic: string): void {
    const id = this.#newId();
    this.#emit(publish(topic, { id }), { published: id, topic });
  }

  #schedule({ key, ms, isAt, ops }: Extract<Op, { op: 'schedule' }>): void {
    const id = this.#newId();
    const dueAt = theWorld().env.now() + ms;
    const event = { type: 'TIMED', id, ops } as ActorEvent;
    this.#emit(schedule(key, event, isAt ? { at: dueAt } : { afterMs: ms }), { scheduled: id, key, dueAt });
  }

  #deliver(): void {
    const id = this.#newId();
    this.#emit(deliver('out', { id }), { delivered: id });
  }

  #answerAll(): void {
    for (const { id, place, token } of this.context.kept) this.#emit(reply(token, { id, place }), { answered: id });
    this.context.kept = [];
  }

  #arm(delay: Delay, ms: number): void {
    this.#disarm();
    const id = this.#newId();
    this.context.armed = { id, ms };
    this.#did.push({ armed: id, dueAt: theWorld().env.now() + ms, delay });
    this.follows.push({ event: { type: `ARM.${delay}` } });
  }

  #disarm(): void {
    if (!this.context.armed) return;
    this.#did.push({ disarmed: this.context.armed.id });
    this.context.armed = null;
    this.follows.push({ event: { type: 'DISARM' } });
  }

  #raise(delay: number): void {
    this.#unraise();
    const id = this.#newId();
    this.context.raised = id;
    this.#did.push({ raised: id, dueAt: theWorld().env.now() + delay });
    this.follows.push({ event: { type: 'RAISED', id }, id, delay });
  }

  #unraise(): void {
    const id = this.context.raised;
    if (id === null) return;
    this.context.raised = null;
    this.#did.push({ unraised: id });
    this.follows.push({ cancel: id });
  }

  #enter({ ms, to, mode }: Extract<Op, { op: 'work' }>): void {
    this.#leave();
    const id = this.#newId();
    this.context.job = { id, ms, to, mode };
    this.#did.push({ entered: id, mode, to });
    this.follows.push({ event: { type: 'WORK' } });
  }

  #leave(): void {
    if (!this.context.job) return;
    this.#did.push({ left: this.context.job.id });
    this.context.job = null;
    this.follows.push({ event: { type: 'QUIT' } });
  }
}
