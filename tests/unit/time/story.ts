/** Random stories about time: what is asked of a few keepers, while everything that can fail does. */
import { isTroupeError } from '../../../src/index.ts';
import type { ActorRef } from '../../../src/index.ts';
import { createRandom } from '../../../src/testing.ts';
import type { TestSystem } from '../../../src/testing.ts';
import { atDepth, keeper, probe, wakeful } from '../../support/actors-timers.ts';
import type { Entry, KeeperEvent } from '../../support/actors-timers.ts';
import { HOUR_MS, SECOND_MS, YEAR_MS, createWorld } from './world.ts';
import type { World } from './world.ts';

/** Something asked by code: an event, or a command on the schedule. */
export interface Ask {
  readonly actor: string;
  readonly what: 'event' | 'schedule' | 'unschedule';
  /** Key on the schedule. */
  readonly key: string;
  /** Names what is to fire; empty when nothing is. */
  readonly id: string;
  readonly dueAt: number;
  /** The wall clock when it was asked. */
  readonly at: number;
  readonly tick: number;
  /** When it was acknowledged; never, when its process died first. */
  ackedTick: number | undefined;
}

/** The wall clock was about to be set back. */
export interface Peak {
  readonly tick: number;
  readonly now: number;
}

/** Everything that was asked, and everything that came of it. */
export interface Told {
  readonly asks: readonly Ask[];
  readonly peaks: readonly Peak[];
  readonly diaries: ReadonlyMap<string, readonly Entry[]>;
  /** What must not be: refused asks, errors in the log, rows left over. */
  readonly faults: readonly string[];
  /** Until this time nothing crashed and no clock jumped: everything is on time. */
  readonly calmUntil: number;
}

const ACTORS = ['keeper/a', 'keeper/b', 'wakeful/c'];
const KEYS = ['x', 'y'];
const DELAYS_MS = [0, 1, 20, 300, 700, 2500, 9000, HOUR_MS / 2, YEAR_MS / 2, 10 * YEAR_MS, -5, 0.5, 49.9];
const STEPS_MS = [0, 1, 19, 250, 900, 2500, 6000];
const REST_MS = 8 * SECOND_MS;

export class Story {
  readonly #world: World;
  readonly #random: () => number;
  readonly #isCalm: boolean;
  readonly #asks: Ask[] = [];
  readonly #faults: string[] = [];
  #peaks: Peak[] = [];
  #names = 0;

  private constructor(world: World, seed: number) {
    this.#world = world;
    this.#random = createRandom(seed);
    this.#isCalm = seed % 4 === 0;
  }

  /** Runs the story of a seed. */
  static async tell(seed: number): Promise<Told> {
    probe.tick = 0;
    await using world = await createWorld({ actors: [keeper, wakeful], seed });
    const story = new Story(world, seed);
    const steps = 12 + story.#below(30);
    for (let step = 0; step < steps; step++) await story.#step();
    return await story.#end();
  }

  async #step(): Promise<void> {
    const pick = this.#below(100);
    if (pick < 42) this.#event();
    else if (pick < 48) await this.#rush();
    else if (pick < 62) this.#command();
    else if (pick < 82 || this.#isCalm) await this.#world.now.clock.advance(this.#one(STEPS_MS));
    else if (pick < 88) await this.#jump();
    else await this.#crash();
    if (this.#random() < 0.6) await this.#world.now.env.settle();
    else await this.#nudge(this.#below(12));
  }

  #event(): void {
    const actor = this.#one(ACTORS);
    const key = this.#one(KEYS);
    const afterMs = this.#one(DELAYS_MS);
    const id = this.#name();
    const choices: readonly KeeperEvent[] = [
      { type: 'SCHEDULE', key, id, afterMs: Math.abs(afterMs) },
      { type: 'DELAY', key, id, afterMs },
      { type: 'WAIT', id, afterMs },
      { type: 'UNSCHEDULE', key },
      { type: 'CANCEL', key },
      { type: 'LEAVE' },
      { type: 'PING' },
    ];
    const event = this.#one([...choices.slice(0, 3), ...choices]);
    this.#send(actor, event, this.#below(3));
  }

  #send(actor: string, event: KeeperEvent, depth = 0): void {
    const id = 'id' in event ? event.id : '';
    const note = this.#note({ actor, what: 'event', key: '', id, dueAt: 0 });
    this.#follow(note, this.#ref(actor).send(atDepth(depth, event)));
  }

  /** Taken back or moved just when it is due. */
  async #rush(): Promise<void> {
    const [actor, key, id] = [this.#one(ACTORS), this.#one(KEYS), this.#name()];
    this.#send(actor, { type: 'SCHEDULE', key, id, afterMs: 0 });
    await this.#nudge(this.#below(40));
    const again = this.#name();
    const moved: KeeperEvent = { type: 'SCHEDULE', key, id: again, afterMs: this.#one(DELAYS_MS.slice(0, 5)) };
    this.#send(actor, this.#random() < 0.5 ? { type: 'UNSCHEDULE', key } : moved);
  }

  #command(): void {
    const actor = this.#one(ACTORS);
    const key = `r-${this.#one(KEYS)}`;
    if (this.#random() < 0.3) {
      const note = this.#note({ actor, what: 'unschedule', key, id: '', dueAt: 0 });
      // An actor that does not exist has nothing scheduled.
      const taken = this.#ref(actor).unschedule(key);
      const done = taken.catch((error: unknown) => {
        if (!isTroupeError(error, 'ERR_ACTOR_NOT_FOUND')) throw error;
      });
      return this.#follow(note, done);
    }
    const now = this.#world.now.env.now();
    const afterMs = Math.abs(this.#one(DELAYS_MS));
    const at = this.#random() < 0.3 ? now - this.#below(5000) : now + afterMs;
    const note = this.#note({ actor, what: 'schedule', key, id: this.#name(), dueAt: Math.ceil(at) });
    const when = at < now ? { at } : { afterMs };
    this.#follow(note, this.#ref(actor).schedule(key, { type: 'FIRED', slot: `ref-${key}`, id: note.id }, when));
  }

  async #jump(): Promise<void> {
    const { clock } = this.#world.now;
    const jumps = [-HOUR_MS, YEAR_MS, HOUR_MS, -this.#below(3000), this.#below(9000)];
    const to = clock.now() + this.#one(jumps);
    if (to < clock.now()) this.#peaks.push({ tick: ++probe.tick, now: clock.now() });
    await clock.set(to);
  }

  async #crash(): Promise<void> {
    const { threads } = this.#world.now.system;
    const pick = this.#below(10);
    const laterMs = this.#one([0, 100, 5000, HOUR_MS, -2000]);
    if (pick < 4) await threads.endWorker(threads.indexOf(this.#one(ACTORS) as never));
    else if (pick < 6) await threads.endStore();
    else if (pick < 9) await this.#world.crash(laterMs);
    else await this.#world.restart(laterMs);
  }

  /** Lets a few callbacks run. */
  async #nudge(turns: number): Promise<void> {
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Everything that was asked for becomes due, and comes to rest. */
  async #end(): Promise<Told> {
    const { clock, env, logs } = this.#world.now;
    await clock.advance(REST_MS);
    const dueAt = Math.max(clock.now(), ...this.#asks.map((ask) => ask.dueAt), ...(await this.#read()).dueAts);
    const calmUntil = this.#isCalm ? clock.now() : -Infinity;
    await clock.set(dueAt + 1);
    await clock.advance(REST_MS);
    await env.settle();
    const { diaries } = await this.#read();
    await this.#lookAtStore();
    const isExpected = /thread died|cannot be started again|looks again later|commit refused/;
    for (const { level, text, fields } of logs)
      if (level !== 'debug' && level !== 'info' && !isExpected.test(text))
        this.#faults.push(`${level}: ${text} ${JSON.stringify(fields)}`);
    const [asks, peaks, faults] = [this.#asks, this.#peaks, this.#faults];
    return { asks, peaks, diaries, faults, calmUntil };
  }

  async #read(): Promise<{ readonly diaries: Map<string, readonly Entry[]>; readonly dueAts: readonly number[] }> {
    const diaries = new Map<string, readonly Entry[]>();
    for (const actor of ACTORS) diaries.set(actor, await this.#ref(actor).ask({ type: 'DIARY' }));
    return { diaries, dueAts: [...diaries.values()].flat().map(({ dueAt }) => dueAt) };
  }

  async #lookAtStore(): Promise<void> {
    const { store } = this.#world;
    const due = await store.due({ until: 8.64e15 });
    const { scheduled, deadLetters, inboxRows } = await store.stats();
    if (due.length > 0) this.#faults.push(`still due: ${JSON.stringify(due)}`);
    if (scheduled + deadLetters + inboxRows > 0)
      this.#faults.push(`left over: ${JSON.stringify({ scheduled, deadLetters, inboxRows })}`);
  }

  #note(ask: Omit<Ask, 'at' | 'tick' | 'ackedTick'>): Ask {
    const note: Ask = { ...ask, at: this.#world.now.env.now(), tick: ++probe.tick, ackedTick: undefined };
    this.#asks.push(note);
    return note;
  }

  #follow(ask: Ask, done: Promise<void>): void {
    const boot = this.#world.now;
    done.then(
      () => (ask.ackedTick = ++probe.tick),
      (error: { readonly code?: string; readonly message: string }) => {
        if (boot === this.#world.now && error.code !== 'ERR_SYSTEM_STOPPED') this.#faults.push(error.message);
      },
    );
  }

  #ref(actor: string): ActorRef<typeof keeper> {
    const { system }: TestSystem = this.#world.now;
    const [type, key = ''] = actor.split('/');
    return type === 'keeper' ? system.actor(keeper, key) : (system.actor(wakeful, key) as never);
  }

  #name(): string {
    return `n${++this.#names}`;
  }

  #below(most: number): number {
    return Math.floor(this.#random() * most);
  }

  #one<T>(of: readonly T[]): T {
    return of[this.#below(of.length)] as T;
  }
}
