/** A running Troupe: refs in, committed state out. Made by `createSystem`. */
import { toAddress } from '../actor/address.ts';
import type { Address } from '../actor/address.ts';
import { assertDefinition } from '../actor/definitions.ts';
import type { AnyDefinition, InputOf } from '../actor/define.ts';
import { AlarmWatch } from '../bus/alarm-watch.ts';
import type { Bus } from '../bus/bus.ts';
import { createEmbeddedBus } from '../bus/embedded-bus.ts';
import type { EmbeddedBus } from '../bus/embedded-bus.ts';
import { EventReader } from '../bus/event-reader.ts';
import { HOST as BUS_HOST } from '../bus/publisher.ts';
import { hintSubscribers } from '../cell/release.ts';
import { TroupeError } from '../errors.ts';
import { Groups } from '../groups/groups.ts';
import type { Health } from '../health/health.ts';
import { Kv } from '../kv/kv.ts';
import { Sessions } from '../sessions/sessions.ts';
import type { Pool } from '../pool/pool.ts';
import type { CopyResult } from '../store/backup/task.ts';
import type { StoreStats } from '../store/queries.ts';
import type { NewPublication, Published } from '../store/store.ts';
import { hintText } from '../thread/outgoing.ts';
import type { Announce } from '../supervision/events.ts';
import type { MainEntry } from '../thread/protocol.ts';
import { backupStore } from './backup.ts';
import { createChores } from './chores.ts';
import { createCore } from './core.ts';
import type { SystemCore, SystemParts } from './core.ts';
import { createHealth } from './health.ts';
import type { SystemHealth } from './health.ts';
import { takeWord } from './host-words.ts';
import { NatsDoors } from './nats-doors.ts';
import { Operations } from './operations.ts';
import { Outbox } from './outbox.ts';
import type { DeliveryHandler } from './outbox.ts';
import { Overdue } from './overdue.ts';
import type { OverdueStats } from './overdue.ts';
import { Recovery } from './recovery.ts';
import { createRef } from './ref.ts';
import type { ActorRef } from './ref.ts';
import { repeatInOrder } from './repeat.ts';
import { StoreWatch } from './store-status.ts';
import type { StoreListener, StoreStatus, StoreTrouble } from './store-status.ts';
import type { Threads } from './threads.ts';
import { Timetable } from './timetable.ts';
import { Versions } from '../versions/versions.ts';
import { withTimeout } from '../with-timeout.ts';

/** What `stats` tells. */
export type SystemStats = StoreStats & OverdueStats;

export interface StopOptions {
  /** Time given to sends under way, to the hosts and to the store, each, in milliseconds. @default 10000 */
  readonly timeoutMs?: number;
}

const DEFAULT_STOP_TIMEOUT_MS = 10_000;
const SIGN_OFF_MS = 1000;

export class System extends Operations {
  readonly #parts: SystemParts;
  readonly #core: SystemCore;
  readonly #overdue: Overdue;
  readonly #storeWatch: StoreWatch;
  #threads: Threads | undefined;
  #outbox: Outbox | undefined;
  #bus: EmbeddedBus | undefined;
  #alarms: AlarmWatch | undefined;
  #timetable: Timetable | undefined;
  #recovery: Recovery | undefined;
  #health: SystemHealth | undefined;
  #doors: NatsDoors | undefined;
  #isStopping = false;
  #stopped: Promise<void> | undefined;

  constructor(parts: SystemParts) {
    super();
    this.#parts = parts;
    const post = (to: Address, text: string): void => this.#threads?.post(to, text);
    const storeWatch = new StoreWatch({ env: parts.env, log: parts.log, announce: this.announce });
    this.#storeWatch = storeWatch;
    this.#core = createCore({
      parts,
      post,
      store: () => this.store,
      storeWatch,
      assertRunning: () => this.#assertRunning(),
    });
    const { env, log } = parts;
    const { overdueAfterMs, recoverEveryMs: everyMs } = parts.options;
    this.#overdue = new Overdue({
      env,
      log,
      announce: this.announce,
      everyMs,
      overdueAfterMs,
      noteWaiting: (oldest) => this.#health?.monitor.noteWaiting(oldest),
    });
  }

  /** Called by `createSystem` once the threads run. */
  async begin(threads: Threads): Promise<void> {
    const { env, log, boot, options } = this.#parts;
    const { store } = threads;
    const everyMs = options.recoverEveryMs;
    this.#threads = threads;
    const reader = new EventReader({ env, log: log.with({ component: 'bus' }), store });
    await this.#parts.nats?.open({ store, reader, tells: this.#core.tells });
    this.#doors = await this.#claimDoors(store);
    this.#outbox = new Outbox(env, log.with({ component: 'outbox' }), store, this.#core.asks);
    this.#alarms = this.#createAlarms(threads);
    const bus = createEmbeddedBus({
      env,
      log,
      store,
      reader,
      assertRunning: () => this.#assertRunning(),
      assertSaves: (what) => this.#storeWatch.assertSaves(what),
      hint: (published, publication, at) => this.#hintSubscribers(published, publication, at),
      send: (to, event, id) => createRef(this.#core, to, undefined).send(event, { id }),
      meter: this.#alarms,
      policies: options.bus.subscribers,
      ...this.#parts.nats?.busHooks,
    });
    this.#bus = bus;
    const due = (address: Address): void => threads.post(address, `{"k":"due","to":"${address}"}`);
    const isSlow = (address: Address): boolean => this.#parts.routes.isDedicated(address);
    const prepare = (address: Address): void => threads.ensure(address);
    this.#timetable = new Timetable({ env, store, everyMs, due, isSlow, prepare });
    await store.call('dropReplies', boot);
    const { announce } = this;
    const postToHosts = (text: string, index?: number): void => threads.postToHosts(text, index);
    this.#health = createHealth({ parts: this.#parts, core: this.#core, store, bus, announce, postToHosts });
    this.#health.limitSessions();
    this.#health.monitor.storeTrouble(this.#core.isInTrouble);
    this.#recovery = new Recovery({
      env,
      log,
      store,
      outbox: this.#outbox,
      timetable: this.#timetable,
      overdue: this.#overdue,
      chores: createChores(store, this.#parts, {
        latencies: () => this.#alarms?.look(),
        sessions: () => this.sessions.sweep(),
        topics: (before) => bus.sweep(before),
      }),
      everyMs,
      wake: this.#core.wake,
    });
    await this.#recovery.start();
    await this.#health.monitor.begin();
    this.#parts.nats?.start();
    await this.#doors?.open(this.#health.monitor);
  }

  async #claimDoors(store: Threads['store']): Promise<NatsDoors | undefined> {
    const { nats } = this.#parts;
    return (
      nats &&
      NatsDoors.claim({
        nats,
        parts: this.#parts,
        store,
        announce: this.announce,
        actor: (definition, key, ...input) => this.actor(definition, key, ...(input as [])),
        assertTakesSessions: () => this.assertTakesSessions(),
      })
    );
  }

  #createAlarms(threads: Threads): AlarmWatch {
    const { env, log, options } = this.#parts;
    const { slowMs, criticalAfterMs } = options.bus;
    const { announce } = this;
    return new AlarmWatch({ env, log, announce, histogram: threads.latencies.handled, slowMs, criticalAfterMs });
  }

  #hintSubscribers(published: Published, publication: NewPublication, at: number): void {
    const result = { outcome: 'done', published: [published] } as const;
    hintSubscribers(BUS_HOST, [publication], result, at, (sender, row, position) => {
      if (position) this.#core.tells.hint(row.receiver, hintText(sender, row, position, at));
    });
  }

  /**
   * A ref to the actor of a definition under `key`. The actor is created by the first message when it does not exist; it
   * gets `input` then. With an actor that exists the input counts for nothing.
   * @throws {TroupeError} ERR_ADDRESS, ERR_ACTOR_TYPE_UNKNOWN, ERR_INPUT_INVALID, ERR_NOT_JSON, ERR_SYSTEM_STOPPED.
   */
  actor<D extends AnyDefinition>(definition: D, key: string, ...[input]: InputArgs<D>): ActorRef<D> {
    this.#assertRunning();
    assertDefinition(definition);
    const address = toAddress(definition.type, key);
    this.#parts.definitions.get(definition.type);
    if (input === undefined) return createRef<D>(this.#core, address, undefined);
    const text = this.#parts.definitions.encodeInput(address, input);
    return createRef<D>(this.#core, address, text === undefined ? '{}' : `{"input":${text}}`);
  }

  /** Says something on a topic of the runtime. Nothing before it has begun and after it has stopped. */
  readonly announce: Announce = (topic, data) => this.#bus?.announce(topic, data);

  /** Topics. */
  get bus(): Bus {
    return this.#running.bus;
  }

  /** Agents under watch, and whether too many of them fail. */
  get health(): Health {
    return this.#running.health;
  }

  /** @throws {TroupeError} ERR_DEGRADED while too many agents fail. */
  assertTakesSessions(): void {
    const refusal = this.#health?.monitor.refusal;
    if (refusal) throw refusal;
  }

  /** What its parts share; for the built-in actors' own calls. */
  get core(): SystemCore {
    return this.#core;
  }

  /** Conversations of users. */
  get sessions(): Sessions {
    return new Sessions(this);
  }

  /** Keys and values of the program. */
  get kv(): Kv {
    this.#assertRunning();
    return new Kv(this.store, this.#parts.env);
  }

  /** Values with versions. */
  get versions(): Versions {
    return new Versions(this);
  }

  /** Conversations of agents. */
  get groups(): Groups {
    return new Groups(this);
  }

  /**
   * Sets who takes what actors deliver on a channel; what is pending comes first. Returns how to end that.
   * A delivery that comes twice has the same id.
   */
  onDelivery(channel: string, handler: DeliveryHandler): () => void {
    this.#assertRunning();
    return this.#running.outbox.handle(channel, handler);
  }

  /** Whether the store can save, and if not, since when, why, and when it is tried again. */
  get storeStatus(): StoreStatus {
    return this.#storeWatch.status;
  }

  /**
   * Tells `listener` at once when the store cannot save, when that has lasted for five minutes, and when it can again: once each per outage.
   * The same is published on `system.store.…`, which arrives when the store is back. Returns how to end that.
   */
  onStoreTrouble(listener: StoreListener): () => void {
    this.#assertRunning();
    return this.#storeWatch.listen(listener);
  }

  /** Counts of rows, and what waits for too long. */
  async stats(): Promise<SystemStats> {
    this.#assertRunning();
    return { ...(await this.store.call('stats')), ...this.#overdue.stats };
  }

  /**
   * Copies the store to a path that is free, while everything goes on: all that was acknowledged before is in it, as of one moment.
   * `restoreBackup` makes a store of it.
   * @throws {TroupeError} ERR_BACKUP, ERR_OPTIONS_INVALID.
   */
  async backup(path: string): Promise<CopyResult> {
    this.#assertRunning();
    return backupStore(this.#parts.options, path);
  }

  /** What waits for an answer of the threads. */
  get pending(): { readonly sends: number; readonly asks: number; readonly requests: number } {
    const { sends, asks, requests } = this.#core;
    return { sends: sends.pending, asks: asks.pending, requests: requests.pending };
  }

  /** A new id for an actor: a UUID. */
  newId(): string {
    return this.#parts.env.randomUuid();
  }

  /** Main's client of the store, for reads. */
  get store(): Threads['store'] {
    return this.#running.threads.store;
  }

  /** Threads for what only computes and takes long; none is started before the first task. */
  get pool(): Pool {
    return this.#parts.pool;
  }

  /** The threads, for tests and demonstrations that end one. */
  get threads(): Threads {
    return this.#running.threads;
  }

  /**
   * Stops taking messages, waits for those under way, lets the threads finish what they began, closes the store. Effect
   * functions are aborted and run again, under the same key, when a system opens the store next.
   */
  stop({ timeoutMs = DEFAULT_STOP_TIMEOUT_MS }: StopOptions = {}): Promise<void> {
    this.#stopped ??= this.#stop(timeoutMs);
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(timeoutMs: number): Promise<void> {
    this.#isStopping = true;
    this.#storeWatch.stop();
    this.#recovery?.stop();
    this.#alarms?.stop();
    this.#health?.close();
    await this.#doors?.stop(timeoutMs);
    await this.#bus?.stop({ timeoutMs });
    await this.#parts.nats?.stop(timeoutMs);
    await withTimeout(this.#parts.env, timeoutMs, (done) => void this.#core.sends.settled().then(done, done));
    await this.#signOff();
    await this.#threads?.stop(timeoutMs);
    await withTimeout(this.#parts.env, timeoutMs, (done) => void this.#parts.pool.stop().then(done, done));
    this.#core.sends.abandon();
    this.#core.tells.abandon();
    this.#core.requests.abandon();
    this.#core.asks.abandon();
    this.#core.watches.end();
  }

  /** The downtime counts from here. A store in trouble does not hold up the stop. */
  #signOff(): Promise<void> {
    const { env } = this.#parts;
    const alive = this.#threads?.store.call('markAlive', env.now()) ?? Promise.resolve();
    return withTimeout(env, SIGN_OFF_MS, (done) => void alive.then(done, done));
  }

  get #running(): { readonly threads: Threads; readonly outbox: Outbox; readonly bus: Bus; readonly health: Health } {
    if (!this.#threads || !this.#outbox || !this.#bus || !this.#health)
      throw new TroupeError('ERR_INTERNAL', 'The system has not begun.');
    return { threads: this.#threads, outbox: this.#outbox, bus: this.#bus, health: this.#health.monitor };
  }

  #assertRunning(): void {
    if (!this.#isStopping) return;
    throw new TroupeError('ERR_SYSTEM_STOPPED', 'The system has been stopped. Create a new one with createSystem().');
  }

  /** A try of the store failed, or it saves again. Meanwhile nobody can show that it is well, and nobody is accused. */
  storeTrouble(trouble: StoreTrouble | undefined): void {
    const isOn = trouble !== undefined;
    if (isOn !== this.#core.isInTrouble) {
      this.#overdue.storeTrouble(isOn);
      this.#health?.monitor.storeTrouble(isOn);
    }
    if (trouble) this.#storeWatch.failed(trouble);
    else this.#storeWatch.saved();
    if (isOn) this.#core.requests.hurry();
  }

  /** Takes what a host tells main. */
  take(entry: MainEntry, index: number): void {
    const [outbox, timetable, threads] = [this.#outbox, this.#timetable, this.#threads];
    takeWord({ core: this.#core, log: this.#parts.log, outbox, timetable, threads }, entry, index);
  }

  /** A host was replaced: everything under way for its actors goes out again, then its work is looked for. */
  repeatFor(index: number, moved?: ReadonlySet<Address>): void {
    const { routes } = this.#parts;
    this.#health?.limitSessions(index);
    // An actor whose own thread has ended is affected as well: what waits for it asks for another.
    const isAffected = (address: Address): boolean =>
      moved ? moved.has(address) : (routes.indexOf(address) ?? index) === index;
    this.#core.tells.replaced(index);
    const unanswered = [...this.#core.sends.unanswered, ...this.#core.requests.unanswered];
    repeatInOrder(unanswered, isAffected, (to, text) => this.#threads?.post(to, text));
    this.#core.watches.repeat(isAffected);
    this.#recovery?.look().catch(() => {});
  }
}

/** Input may be left out where the definition allows it, or where the actor is known to exist. */
export type InputArgs<D> = [input?: InputOf<D>];
