/**
 * One simulated story, all of it drawn from a seed: steps of the host program, time that passes or jumps, and crashes of cells,
 * workers, the store and the process, each in the middle of whatever goes on; then everything comes to rest.
 */
import type { Address } from '../../src/index.ts';
import { createSimulatedEnv } from '../../src/testing.ts';
import type { SimulatedEnv } from '../../src/testing.ts';
import { createChaosRandom } from './chaos-random.ts';
import type { ChaosRandom } from './chaos-random.ts';
import { Audience } from './sim-audience.ts';
import { Caller } from './sim-caller.ts';
import { LASTING, PATTERNS, TOPICS, drawDelay, drawOps, drawTarget } from './sim-cast.ts';
import { Observer } from './sim-observer.ts';
import { SimProcess } from './sim-process.ts';
import type { SimLogLine } from './sim-process.ts';
import type { Moment, Story } from './sim-record.ts';
import { findLeftovers, readActors, readLetters } from './sim-rest.ts';
import { PACE, STEP_COUNT, drawStep } from './sim-steps.ts';
import type { Step } from './sim-steps.ts';
import { createSimStore } from './sim-store.ts';
import type { SimStore } from './sim-store.ts';
import { pause, setWorld } from './sim-world.ts';
import type { RunMark } from './sim-world.ts';

const HOUR_MS = 3_600_000;

/** Time in which everything comes to rest, once nothing but the clock is to be waited for. */
const REST_LOOKS = 300;
const REST_STEP_MS = 1000;
const QUIET_LOOKS = 3;

/** More than ever happens at a time, unless something goes on for ever. */
const MOST_CALLBACKS = 50_000;

export class Simulation {
  readonly #seed: number;
  readonly #random: ChaosRandom;
  readonly #env: SimulatedEnv;
  readonly #store: SimStore;
  readonly #observer: Observer;
  readonly #caller: Caller;
  readonly #audience: Audience;
  readonly #process: SimProcess;
  readonly #peaks: number[] = [];
  readonly #runs: RunMark[] = [];
  readonly #taken = new Map<string, string[]>();
  readonly #deliveries: { delivery: string; id: string }[] = [];
  #serial = 0;
  readonly counts: Record<string, number> = {};
  readonly lines: string[] = [];

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = createChaosRandom(seed);
    this.#env = createSimulatedEnv({ seed, shuffle: true, isManual: true });
    const line = (text: string): void => void this.lines.push(text);
    this.#observer = new Observer(line);
    this.#store = createSimStore(this.#random, (commit) => this.#observer.take(commit));
    this.#process = new SimProcess(this.#env, this.#store.store, (logged) => this.#log(logged));
    const common = { observer: this.#observer, line, random: this.#random, system: () => this.#process.system };
    this.#caller = new Caller({ ...common, moment: () => this.#moment() });
    this.#audience = new Audience(common);
  }

  /** Plays the story to its end. */
  async play(): Promise<Story> {
    this.#setWorld();
    await this.#start();
    const steps = this.#random.between(STEP_COUNT.from, STEP_COUNT.to);
    for (let i = 0; i < steps; i++) {
      await this.#take(drawStep(this.#random));
      if (this.#random.chance(0.7)) await this.#env.step(this.#random.between(PACE.from, PACE.to));
    }
    const leftovers = await this.#comeToRest();
    const story = await this.#tell(leftovers);
    this.#caller.endLife();
    await this.#process.stop();
    return story;
  }

  #setWorld(): void {
    const { lines } = this;
    const jumps = (): number => this.#peaks.length;
    setWorld({
      env: this.#env,
      get jumps() {
        return jumps();
      },
      serial: () => ++this.#serial,
      begun: (mark) => {
        lines.push(`  run ${mark.id} attempt ${mark.attempt}`);
        this.#runs.push(mark);
        const text = `the effect function of '${mark.id}' began before its state was durable`;
        this.#observer.mustBeDurable(`run:${mark.id}`, 'effect-before-commit', text);
      },
      taken: (address, id) => {
        lines.push(`  ${address} takes ${id}`);
        this.#taken.set(address, [...(this.#taken.get(address) ?? []), id]);
      },
    });
  }

  #moment(): Moment {
    return { now: this.#env.now(), jumps: this.#peaks.length };
  }

  #log({ level, text, fields }: SimLogLine): void {
    if (level === 'debug' || level === 'info') return;
    const { address, reason } = fields as { address?: string; reason?: string };
    this.lines.push(`  log ${level} ${text} ${address ?? ''} ${reason ?? ''}`);
    const isExpected = level === 'warn' || EXPECTED_ERRORS.some((start) => text.startsWith(start));
    if (!isExpected) this.#observer.found.push({ rule: 'log', text: `${level}: ${text} ${JSON.stringify(fields)}` });
  }

  async #start(killAfter?: number): Promise<void> {
    if (!(await this.#process.start(killAfter))) {
      this.#line('killed while it started');
      return this.#start();
    }
    this.#process.system.onDelivery('out', async ({ id: delivery, payload }) => {
      const { id } = payload as { id: string };
      this.#line(`  delivery of ${id}`);
      this.#observer.mustBeDurable(
        `delivery:${id}`,
        'delivery-before-commit',
        `'${id}' was delivered before it was durable`,
      );
      if (this.#random.chance(0.3)) await pause(this.#random.between(0, 60));
      if (this.#random.chance(0.1)) throw new Error('thrown on purpose');
      this.#deliveries.push({ delivery, id });
    });
  }

  #line(text: string): void {
    this.lines.push(text);
  }

  async #take(step: Step): Promise<void> {
    this.counts[step] = (this.counts[step] ?? 0) + 1;
    if (this.#talk(step)) return;
    switch (step) {
      case 'pass':
        return this.#pass();
      case 'jump':
        return this.#jump();
      case 'crash-worker':
        return this.#endWorker();
      case 'crash-store':
        this.#line('the store crashes');
        return void this.#process.system.threads.endStore();
      case 'crash-process':
        return this.#crash();
      case 'restart':
        return this.#restart();
      default:
        return this.#hurtStore(step);
    }
  }

  /** Steps of the host program. False for any other. */
  #talk(step: Step): boolean {
    const random = this.#random;
    switch (step) {
      case 'send':
      case 'burst':
        this.#send(step === 'send' ? 1 : random.between(3, 9));
        return true;
      case 'named':
        this.#sendNamed();
        return true;
      case 'ask':
        this.#caller.ask(drawTarget(random), random.chance(0.4));
        return true;
      case 'tell':
        this.#caller.tell(drawTarget(random));
        return true;
      case 'schedule':
        this.#caller.schedule(random.pick(LASTING), random.pick(['c1', 'c2']), drawDelay(random));
        return true;
      case 'unschedule':
        this.#caller.unschedule(random.pick(LASTING), random.pick(['c1', 'c2']));
        return true;
      default:
        return this.#watch(step);
    }
  }

  #watch(step: Step): boolean {
    const random = this.#random;
    switch (step) {
      case 'publish':
        this.#caller.publish(random.pick(TOPICS));
        return true;
      case 'subscribe':
        this.#subscribe();
        return true;
      case 'unsubscribe':
        this.#audience.stopOne();
        return true;
      case 'look':
        this.#caller.look(random.pick(LASTING));
        return true;
      case 'stop':
        this.#caller.stop(`child/${random.between(1, 4)}`);
        return true;
      default:
        return false;
    }
  }

  #send(count: number): void {
    const to = drawTarget(this.#random);
    for (let i = 0; i < count; i++) this.#caller.send(to, drawOps(this.#random, to));
  }

  /** Under an id, or once more under one that was used before. */
  #sendNamed(): void {
    const { named } = this.#caller;
    const random = this.#random;
    if (named.length > 0 && random.chance(0.5)) return this.#caller.repeat(random.pick(named));
    const callerId = `k${named.length}`;
    const kind = random.next();
    const to = random.pick(LASTING);
    if (kind < 0.5) this.#caller.send(to, drawOps(random, to), callerId);
    else if (kind < 0.8) this.#caller.ask(to, false, callerId);
    else this.#caller.publish(random.pick(TOPICS), callerId);
  }

  #subscribe(): void {
    const random = this.#random;
    const { life } = this.#caller;
    if (random.chance(0.4)) return this.#audience.subscribe(life, random.pick(PATTERNS));
    const name = random.pick(['n1', 'n2']);
    if (this.#audience.isOpen(name)) return;
    this.#audience.subscribe(life, this.#audience.names.get(name) ?? random.pick(PATTERNS), name);
  }

  async #pass(): Promise<void> {
    const ms = this.#random.chance(0.7) ? this.#random.between(1, 400) : this.#random.between(400, 9000);
    this.#line(`${ms} ms pass`);
    if (this.#random.chance(0.4)) return this.#advance(ms);
    await this.#env.step(this.#random.between(1, 120), ms);
  }

  /** Lets time pass and everything come to rest. */
  async #advance(ms: number): Promise<void> {
    const until = this.#env.monotonicMs() + ms;
    if ((await this.#env.step(MOST_CALLBACKS, ms)) === MOST_CALLBACKS)
      throw new Error(`No rest after ${MOST_CALLBACKS} callbacks.`);
    await this.#env.advance(Math.max(0, until - this.#env.monotonicMs()));
  }

  #jump(): void {
    const { now } = this.#moment();
    const ms = this.#random.between(1, this.#random.chance(0.5) ? HOUR_MS : 5000) * (this.#random.chance(0.5) ? 1 : -1);
    this.#line(`the clock jumps by ${ms} ms`);
    this.#setClock(now + ms);
  }

  #setClock(at: number): void {
    if (at < this.#env.now()) this.#peaks.push(this.#env.now());
    this.#env.setClock(at);
  }

  async #endWorker(): Promise<void> {
    const index = this.#random.between(0, 3);
    this.#line(`worker ${index} crashes`);
    void this.#process.system.threads.endWorker(index);
  }

  async #hurtStore(step: Step): Promise<void> {
    const random = this.#random;
    if (step === 'crash-cell') return this.#takeOver();
    const failures = Array.from({ length: random.between(1, 3) }, () =>
      random.pick(['unwritten', 'unanswered'] as const),
    );
    this.#line(`the store fails: ${failures.join(', ')}`);
    this.#store.failNext(failures);
  }

  /** One actor, wherever it is in its life; or those that have something to save right now. */
  async #takeOver(): Promise<void> {
    if (this.#random.chance(0.5)) {
      this.#line('whoever saves next is taken over');
      return this.#store.fenceNext(this.#random.between(1, 3));
    }
    const address = drawTarget(this.#random);
    this.#line(`${address} is taken over`);
    await this.#store.store.fence(address as Address);
  }

  async #crash(): Promise<void> {
    this.#line('the process crashes');
    this.#process.kill();
    this.#endLife();
    this.#sleepBetweenLives();
    await this.#start(this.#random.chance(0.3) ? this.#random.between(1, 80) : undefined);
  }

  async #restart(): Promise<void> {
    this.#line('the process stops');
    await this.#process.stop();
    this.#endLife();
    this.#sleepBetweenLives();
    await this.#start();
  }

  #endLife(): void {
    this.#caller.endLife();
    this.#audience.endLife();
  }

  #sleepBetweenLives(): void {
    const ms = this.#random.between(0, 3000);
    this.#line(`${ms} ms without a process`);
    this.#setClock(this.#env.now() + ms);
  }

  /** Lets everything that is under way end; returns what does not. */
  async #comeToRest(): Promise<Readonly<Record<string, number>>> {
    this.#line('rest');
    this.#audience.calmDown();
    await this.#mendStore();
    for (const to of LASTING) this.#caller.send(to, [{ op: 'answer' }]);
    let leftovers: Readonly<Record<string, number>> = {};
    for (let look = 0, quiet = 0; look < REST_LOOKS && quiet < QUIET_LOOKS; look++) {
      this.#reopen();
      await this.#advance(REST_STEP_MS);
      leftovers = await findLeftovers(this.#store.store, this.#process.system);
      quiet = Object.values(leftovers).every((count) => count === 0) ? quiet + 1 : 0;
      await this.#hastenTimers();
    }
    return leftovers;
  }

  /** A store in trouble is tried again within a minute, and takes nothing new until then. */
  async #mendStore(): Promise<void> {
    this.#store.mend();
    for (let look = 0; look < REST_LOOKS && this.#process.system.storeStatus.state !== 'well'; look++)
      await this.#advance(REST_STEP_MS);
  }

  /** Subscriptions with a name go on to the end. */
  #reopen(): void {
    for (const [name, pattern] of this.#audience.names) {
      if (!this.#audience.isOpen(name)) this.#audience.subscribe(this.#caller.life, pattern, name);
    }
  }

  /** Sets the clock forward to what is due next. */
  async #hastenTimers(): Promise<void> {
    const [next] = await this.#store.store.due({ until: Number.MAX_SAFE_INTEGER, limit: 1 });
    if (next && next.dueAt > this.#env.now()) this.#setClock(next.dueAt);
  }

  async #tell(leftovers: Story['leftovers']): Promise<Story> {
    const { store } = this.#store;
    const { life, calls } = this.#caller;
    const actors = await readActors(store);
    for (const { address, status, entries } of actors.values()) {
      this.#line(`${address} ${status}`);
      for (const entry of entries) this.#line(`  ${JSON.stringify(entry)}`);
    }
    return {
      seed: this.#seed,
      calls,
      actors,
      letters: await readLetters(store),
      runs: this.#runs,
      deliveries: this.#deliveries,
      subscriptions: this.#audience.all,
      publications: this.#observer.publications,
      expectedTopics: this.#observer.expectedTopics,
      taken: this.#taken,
      peaks: this.#peaks,
      leftovers,
      found: this.#observer.found,
      life,
    };
  }
}

/** What the system says of what was done to it on purpose. */
const EXPECTED_ERRORS = [
  'worker thread cannot be started again',
  "an actor's own thread cannot be started",
  'worker thread died, starting another',
  'store thread died, starting another',
  'the store cannot save; work is kept and tried again',
  'the store was opened again and cannot save, trying on',
] as const;
