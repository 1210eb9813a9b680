/**
 * The watch over agents: registrations, looks, and what comes in as heartbeats and events. A look is plain arithmetic per agent, without
 * a message to anybody; one question to the store per look keeps the place up to which agents that are well have seen everything.
 *
 * Invariants: W1 nobody is accused of silence in a time in which this thread did not listen, or the store could not save: heartbeats of the
 * bus and commits go through it; W2 the place of an agent is never later than
 * what it can have seen; W3 after `close` nothing is begun.
 */
import { typeOf } from '../actor/address.ts';
import type { Address } from '../actor/address.ts';
import type { Definitions } from '../actor/definitions.ts';
import type { Bus } from '../bus/bus.ts';
import type { Env, TimerHandle } from '../env.ts';
import { isTroupeError } from '../errors.ts';
import type { TroupeError } from '../errors.ts';
import type { Logger } from '../observe/logger.ts';
import type { StoreClient } from '../store/store-client.ts';
import type { Announce } from '../supervision/events.ts';
import { encodeError } from '../thread/error-codec.ts';
import { ActorEvents } from './actor-events.ts';
import { whyDown } from './actor-status.ts';
import { AgentStore } from './agent-store.ts';
import type { AgentHealth, AgentOptions, AgentRecord, HealthStats, RecoveryStrategy } from './agent.ts';
import { assertCanRecover, checkActivity, checkAgent, checkRegistration, checkStrategy } from './checks.ts';
import type { Health, SystemMode } from './health.ts';
import { judge, lookEveryMs, reasonOf } from './judge.ts';
import { Listening } from './listening.ts';
import type { Mode } from './mode.ts';
import { Outages } from './outages.ts';
import { PlaceKeeper } from './place-keeper.ts';
import { Registry } from './registry.ts';
import { HealthTally } from './tally.ts';
import { Watch } from './watch.ts';

/** What the watch needs of the system. */
export interface MonitorOptions {
  readonly env: Env;
  readonly log: Logger;
  readonly store: StoreClient;
  readonly bus: Bus;
  readonly policies: ReadonlyMap<string, Pick<AgentOptions, 'replay'>>;
  readonly announce: Announce;
  readonly definitions: Definitions;
  readonly assertRunning: () => void;
  readonly threadOf: (address: Address) => number | undefined;
  /** Has an actor made anew from its last commit. Resolves when that is durable. */
  readonly restartActor: (address: Address) => Promise<unknown>;
  /** Undefined when the degradation mode is off. */
  readonly mode: Mode | undefined;
}

/** A look that comes so much too late means that this thread had no time to listen. */
const LATE_MS = 1000;

/** Actors whose state is asked for at a time when the system begins. */
const LOADS_AT_ONCE = 64;

export class Monitor implements Health {
  readonly #options: MonitorOptions;
  readonly #watches = new Registry();
  readonly #kept: AgentStore;
  readonly #tally: HealthTally;
  readonly #outages: Outages;
  readonly #actorEvents: ActorEvents;
  readonly #listening: Listening;
  readonly #place: PlaceKeeper;
  #timer: TimerHandle | undefined;
  #lookEveryMs = Infinity;
  #lookedMs = 0;
  #isInTrouble = false;
  /** The store was in trouble at some time since the last look. */
  #wasInTrouble = false;
  #isWanted = true;
  #isClosed = false;

  constructor(options: MonitorOptions) {
    this.#options = options;
    const { env, log, announce, store, restartActor, mode } = options;
    this.#kept = new AgentStore(store);
    this.#tally = new HealthTally(env);
    this.#listening = new Listening(options.bus);
    this.#place = new PlaceKeeper({ env, store, kept: this.#kept });
    this.#outages = new Outages({
      env,
      log,
      announce,
      tally: this.#tally,
      restartActor,
      read: (query) => store.call('busEvents', query),
      lastPos: () => store.call('lastBusPos'),
      keep: (watch, record) => this.#keep(watch, record),
      failing: (agent) => mode?.failed(agent),
    });
    this.#actorEvents = new ActorEvents({
      env,
      outages: this.#outages,
      find: (agent) => this.#watches.get(agent),
      watches: () => this.#watches,
      threadOf: options.threadOf,
      isPaused: () => !this.isMonitoring,
      failing: (address, isWatched) => this.#actorFailed(address, isWatched),
    });
  }

  /** Called once, when the system begins: goes on with the agents that are on record. */
  async begin(): Promise<void> {
    const { records, place } = await this.#kept.load();
    if (this.#options.mode) await this.#listenToRuntime();
    if (records.length === 0) return;
    await this.#place.begin(place);
    for (const record of records) {
      const watch = this.#createWatch(record);
      this.#watches.add(watch);
      if (record.place !== undefined && !watch.isActor) this.#outages.goOn(watch);
    }
    await this.start();
  }

  async register(agent: string, options: AgentOptions = {}): Promise<void> {
    this.#options.assertRunning();
    const name = checkAgent(agent);
    const kept = this.#watches.get(name)?.record;
    const { record, functions } = checkRegistration(name, options, kept, this.#options.policies.get(name));
    // With its first topic: what was published before is none of what it misses.
    const isFresh = record.topics.length > 0 && !kept?.topics.length;
    if (isFresh) await this.#place.ask();
    const down = name.includes('/') ? await whyDown(this.#options, name as Address) : undefined;
    const watch = this.#watches.get(name) ?? this.#createWatch(record);
    // Of now: an outage may have begun or ended since the options were looked at.
    const { place } = watch.record;
    watch.record = place === undefined ? record : { ...record, place };
    watch.functions = functions;
    if (isFresh) watch.place = this.#place.pos;
    this.#watches.add(watch);
    await this.#kept.save(watch.record);
    if (this.#isWanted) await this.start();
    if (this.isMonitoring && !watch.isActor) this.#arm(lookEveryMs(record.heartbeatMs));
    if (watch.isActor) this.#setUp(watch, down);
    else this.#outages.retry(watch);
    this.#outages.handOverOwed(watch);
  }

  async unregister(agent: string): Promise<void> {
    this.#options.assertRunning();
    const watch = this.#watches.find(agent);
    this.#watches.remove(watch);
    // What is under way for it ends with its outage.
    watch.outage = undefined;
    await this.#kept.remove(watch.agent);
    if (!this.#watches.hasExternal) await this.#listening.endHeartbeats();
    if (this.#watches.size === 0) this.#disarm();
  }

  heartbeat(agent: string): void {
    this.#beat(this.#watches.findExternal(agent), undefined);
  }

  recordActivity(agent: string, type: string): void {
    const watch = this.#watches.find(agent);
    this.#active(watch, checkActivity(watch.agent, type));
  }

  async setRecoveryStrategy(agent: string, strategy: RecoveryStrategy): Promise<void> {
    this.#options.assertRunning();
    const watch = this.#watches.find(agent);
    const checked = checkStrategy(watch.agent, strategy);
    assertCanRecover(watch.agent, checked, watch.functions);
    watch.record = { ...watch.record, strategy: checked };
    this.#outages.retry(watch);
    await this.#kept.save(watch.record);
  }

  of(agent: string): AgentHealth {
    return this.#watches.find(agent).view();
  }

  all(): readonly AgentHealth[] {
    return [...this.#watches].map((watch) => watch.view());
  }

  stats(): HealthStats {
    return this.#tally.stats([...this.#watches].map(({ state }) => state));
  }

  get mode(): SystemMode {
    return this.#options.mode?.mode ?? 'normal';
  }

  get isMonitoring(): boolean {
    return this.#timer !== undefined;
  }

  async start(): Promise<void> {
    this.#options.assertRunning();
    this.#isWanted = true;
    if (this.#watches.size === 0 || this.#isClosed) return;
    if (!this.isMonitoring) this.#pickUp();
    await this.#listenToRuntime();
    if (this.#watches.hasExternal) await this.#listenToHeartbeats();
  }

  async stop(): Promise<void> {
    this.#isWanted = false;
    this.#disarm();
    await this.#listening.endHeartbeats();
    if (!this.#options.mode) await this.#listening.endRuntime();
  }

  /** The subscriptions end with the bus. */
  close(): void {
    this.#isClosed = true;
    this.#disarm();
    for (const watch of this.#watches) watch.outage = undefined;
  }

  /** Why no session may be begun; nothing when one may. */
  get refusal(): TroupeError | undefined {
    const { mode } = this.#options;
    return mode?.mode === 'degraded' ? mode.refusal() : undefined;
  }

  /**
   * What waits first for each actor that has something waiting; told by the recovery loop, at each of its looks.
   * @param oldest address to position of the event
   */
  noteWaiting(oldest: ReadonlyMap<string, number>): void {
    const nowMs = this.#options.env.monotonicMs();
    for (const watch of this.#watches) if (watch.isActor) watch.noteWaiting(oldest.get(watch.agent), nowMs);
  }

  /** The store cannot save, or can again. That time is forgiven, look by look, and nothing is done about anybody. */
  storeTrouble(isOn: boolean): void {
    this.#isInTrouble = isOn;
    if (isOn) this.#wasInTrouble = true;
  }

  #createWatch(record: AgentRecord): Watch {
    const { env } = this.#options;
    return new Watch(record, { ms: env.monotonicMs(), at: env.now(), place: this.#place.pos });
  }

  /** Silence counts from here, and what actors have come to meanwhile stands in the store. */
  #pickUp(): void {
    const nowMs = this.#options.env.monotonicMs();
    for (const watch of this.#watches) watch.forgive(nowMs - Math.min(watch.beatMs, watch.activityMs), nowMs);
    this.#tally.started();
    this.#lookedMs = nowMs;
    this.#arm(lookEveryMs(this.#watches.shortestBeatMs));
    void this.#lookAtStore().catch((error: unknown) => {
      if (!this.#isClosed) this.#options.log.warn('the state of agents was not read', { error: encodeError(error) });
    });
  }

  async #lookAtStore(): Promise<void> {
    const actors = [...this.#watches].filter(({ isActor }) => isActor);
    for (let from = 0; from < actors.length && !this.#isClosed; from += LOADS_AT_ONCE) {
      const some = actors.slice(from, from + LOADS_AT_ONCE);
      await Promise.all(some.map((watch) => this.#lookAtActor(watch)));
    }
  }

  async #lookAtActor(watch: Watch): Promise<void> {
    const why = await whyDown(this.#options, watch.agent as Address).catch((error: unknown) => {
      if (isTroupeError(error, 'ERR_ACTOR_NOT_FOUND') || isTroupeError(error, 'ERR_ACTOR_TYPE_UNKNOWN'))
        return 'removed';
      throw error;
    });
    const isKnown = !this.#isClosed && this.#watches.get(watch.agent) === watch;
    if (isKnown && why !== undefined) this.#isDown(watch, why);
  }

  /** Registered, perhaps once more: how it is now counts. */
  #setUp(watch: Watch, down: string | undefined): void {
    if (watch.outage && watch.outage.phase !== 'given-up') return;
    watch.outage = undefined;
    if (down !== undefined) this.#isDown(watch, down);
    else this.#outages.setState(watch, 'healthy', 'registered');
  }

  /** A held actor can be tried again; one that has come to its end cannot. */
  #isDown(watch: Watch, status: string): void {
    if (watch.outage) return;
    if (status === 'quarantined') this.#outages.begin(watch, 'disconnected', 'quarantined');
    else this.#outages.lose(watch, `its status is '${status}'`);
  }

  #look(): void {
    const { env } = this.#options;
    const nowMs = env.monotonicMs();
    const isExcused = this.#wasInTrouble;
    this.#wasInTrouble = this.#isInTrouble;
    const passedMs = nowMs - this.#lookedMs;
    const lateMs = passedMs - this.#lookEveryMs;
    const excusedMs = isExcused ? passedMs : lateMs > LATE_MS ? lateMs : 0;
    this.#lookedMs = nowMs;
    this.#timer = undefined;
    this.#tally.looked();
    this.#tally.measure(() => {
      let shortestBeatMs = Infinity;
      for (const watch of this.#watches) {
        if (excusedMs > 0) watch.forgive(excusedMs, nowMs);
        if (isExcused) watch.postpone(passedMs);
        else this.#lookAt(watch, nowMs);
        if (!watch.isActor) shortestBeatMs = Math.min(shortestBeatMs, watch.record.heartbeatMs);
      }
      this.#lookEveryMs = Infinity;
      if (!this.#isClosed && this.#watches.size > 0) this.#arm(lookEveryMs(shortestBeatMs));
    });
    this.#notePlace();
  }

  #lookAt(watch: Watch, nowMs: number): void {
    const { outage, mendedUntilMs } = watch;
    if (outage) return this.#outages.look(watch, outage, nowMs);
    if (mendedUntilMs !== undefined) {
      if (nowMs < mendedUntilMs) return;
      watch.mendedUntilMs = undefined;
      this.#outages.setState(watch, 'healthy', 'nothing else was heard of it');
    }
    const verdict = judge(watch, nowMs);
    if (verdict === 'alive') {
      if (watch.isActor) watch.place = this.#place.pos;
      return;
    }
    this.#outages.begin(watch, verdict, reasonOf(watch, verdict, nowMs));
  }

  #notePlace(): void {
    if (this.#isClosed || !this.#watches.hasTopics) return;
    this.#place.look().catch((error: unknown) => {
      if (!this.#isClosed) this.#options.log.debug('the place of agents is noted later', { error: encodeError(error) });
    });
  }

  #beat(watch: Watch, activity: string | undefined): void {
    const { env } = this.#options;
    watch.beatMs = env.monotonicMs();
    watch.beatAt = env.now();
    if (!watch.outage) watch.place = this.#place.pos;
    if (activity !== undefined) this.#active(watch, activity);
    else this.#outages.sign(watch, false);
  }

  #active(watch: Watch, activity: string): void {
    const { env } = this.#options;
    watch.activityMs = env.monotonicMs();
    watch.activityAt = env.now();
    watch.activity = activity;
    // Of an actor only what is committed counts as being back.
    if (watch.isActor && !watch.outage?.isZombie) return;
    watch.beatMs = watch.activityMs;
    this.#outages.sign(watch, true);
  }

  #actorFailed(address: string, isWatched: boolean): void {
    const { definitions, mode } = this.#options;
    if (!mode) return;
    const isAgent = isWatched || definitions.isAgent(typeOf(address as Address));
    if (isAgent) mode.failed(address);
  }

  #keep(watch: Watch, record: AgentRecord): void {
    const { log } = this.#options;
    watch.record = record;
    this.#kept.save(record).catch((error: unknown) => {
      if (this.#isClosed) return;
      log.warn('what is known of an agent was not saved', { agent: watch.agent, error: encodeError(error) });
    });
  }

  #listenToRuntime(): Promise<void> {
    return this.#listening.toRuntime((event) => this.#tally.measure(() => this.#actorEvents.take(event)));
  }

  #listenToHeartbeats(): Promise<void> {
    return this.#listening.toHeartbeats((id, data) => this.#tally.measure(() => this.#takeBeat(id, data)));
  }

  /** A heartbeat of somebody unknown is nobody's. */
  #takeBeat(id: string, data: unknown): void {
    const watch = this.#watches.get(id);
    if (!watch || watch.isActor) return;
    const activity: unknown = (data as { readonly activity?: unknown } | null)?.activity;
    this.#beat(watch, typeof activity === 'string' && activity !== '' ? activity.slice(0, 256) : undefined);
  }

  /** A look is sooner when an agent with a shorter heartbeat has come. */
  #arm(everyMs: number): void {
    if (this.#timer !== undefined && everyMs >= this.#lookEveryMs) return;
    this.#disarm();
    this.#lookEveryMs = everyMs;
    this.#timer = this.#options.env.setTimeout(() => this.#look(), everyMs);
  }

  #disarm(): void {
    this.#options.env.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#lookEveryMs = Infinity;
  }
}
