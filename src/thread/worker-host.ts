/**
 * The code that runs cells: one per worker thread, or one on the main thread when the system runs inline. Talks to main, to
 * the store and to the other hosts over ports of its own; a host that is replaced gets new ports, and so do its peers.
 */
import { typeOf } from '../actor/address.ts';
import type { Address } from '../actor/address.ts';
import type { Definitions } from '../actor/definitions.ts';
import { Cell } from '../cell/cell.ts';
import type { HostCell } from '../cell/host-cell.ts';
import type { DirectItem, Outcome } from '../cell/items.ts';
import { toViewText } from '../cell/load.ts';
import type { CellServices } from '../cell/services.ts';
import { VolatileCell } from '../cell/volatile-cell.ts';
import type { Env, Port } from '../env.ts';
import { TroupeError } from '../errors.ts';
import { createLogger } from '../observe/logger.ts';
import type { Logger } from '../observe/logger.ts';
import { createStoreClient } from '../store/store-client.ts';
import type { StoreClient } from '../store/store-client.ts';
import { BatchPort } from './batch-port.ts';
import type { BeatWriter } from './beat.ts';
import { toPlainError } from '../supervision/events.ts';
import { HEALTHY } from '../supervision/supervisor.ts';
import type { LifecycleView } from '../supervision/supervisor.ts';
import { NO_OWNERS } from './effect-owners.ts';
import type { EffectOwners } from './effect-owners.ts';
import { encodeError } from './error-codec.ts';
import { Hibernation } from './hibernation.ts';
import { countHandled, countSaves } from './latencies.ts';
import type { Latencies } from './latencies.ts';
import { Outgoing, takeHint, toTold } from './outgoing.ts';
import type { LocalCells } from './outgoing.ts';
import type { HostEntry, MainEntry, PeerEntry, Suspect } from './protocol.ts';
import { Room } from './room.ts';
import { Routes } from './routes.ts';
import { RunQueue } from './run-queue.ts';

export interface WorkerHostOptions {
  readonly index: number;
  readonly workers: number;
  readonly boot: string;
  readonly env: Env;
  readonly definitions: Definitions;
  readonly beat: BeatWriter | undefined;
  /** Knows whose effect function an error comes from. @default nobody is told */
  readonly owners?: EffectOwners | undefined;
  readonly main: Port;
  readonly store: Port;
  /** What the thread before this one was doing when it died, and how often that has happened. */
  readonly suspect: Suspect | undefined;
  /** Time during which no system ran, on record for this store, in milliseconds. */
  readonly downtimeMs: number;
  /** Actors that may be live at a time, busy ones not counted. */
  readonly maxLive: number;
  /** Where it is counted how long saves and restores take. @default nowhere */
  readonly latencies?: Latencies;
}

/** Tells and hints of main whose credit goes back at once. */
const CREDIT_LOT = 1024;

export class WorkerHost {
  readonly #options: WorkerHostOptions;
  readonly #cells = new Map<Address, HostCell>();
  readonly #watched = new Set<Address>();
  readonly #main: BatchPort;
  readonly #store: StoreClient;
  readonly #services: CellServices;
  readonly #local: LocalCells;
  readonly #outgoing: Outgoing;
  readonly #routes: Routes;
  readonly #hibernation: Hibernation;
  readonly #log: Logger;
  #suspect: Suspect | undefined;
  #isStopping = false;
  /** Tells and hints of main taken and not given back. */
  #taken = 0;

  constructor(options: WorkerHostOptions) {
    this.#options = options;
    this.#suspect = options.suspect;
    const { env, index, workers, definitions, maxLive } = options;
    this.#main = new BatchPort(options.main, env);
    this.#log = createLogger((level, fields, text) => this.#tell({ k: 'log', level, fields: { ...fields }, text }), {
      component: 'host',
      thread: index,
    });
    this.#routes = new Routes(workers, definitions);
    this.#hibernation = new Hibernation({ env, cells: this.#cells, maxLive });
    this.#local = {
      hint: (to, item, previousPos) => this.#cell(to).hint(item, previousPos),
      poke: (to) => this.#cell(to).poke(),
      enqueue: (to, item) => this.#cell(to).enqueue(item),
      tell: (to, item) => this.#tellCell(to, item),
    };
    this.#outgoing = new Outgoing({
      index,
      env,
      definitions,
      routes: this.#routes,
      main: this.#main,
      cells: this.#local,
      guard: (entry, take) => this.#guard(entry, take),
      isStopping: () => this.#isStopping,
    });
    const room = new Room(() => this.#store.unacknowledged);
    this.#store = createStoreClient(options.store, env, () => room.freed());
    this.#services = this.#createServices(room);
    this.#main.onBatch((entries) => this.#takeBatch(entries as readonly HostEntry[]));
  }

  /** A channel to another host, new or in place of a broken one. */
  connectPeer(index: number, port: Port): void {
    this.#outgoing.connect(index, port);
  }

  /** Main has put an actor into another thread; without an index that thread has gone. */
  route(address: Address, index: number | undefined): void {
    const former = this.#routes.indexOf(address);
    this.#routes.set(address, index);
    if (index !== undefined) this.#outgoing.routed(address);
    else if (former !== undefined) this.#outgoing.disconnect(former);
    if (index === undefined && !this.#routes.isDedicated(address)) this.#outgoing.home(address);
  }

  /** The store thread was replaced: what it has not acknowledged is posted again (rule 7). */
  reconnectStore(port: Port): void {
    this.#store.reconnect(port);
  }

  /** Takes no more turns, waits until what was posted is durable and let out, then lets go of everything. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#hibernation.stop();
    for (const cell of this.#cells.values()) cell.dispose();
    this.#cells.clear();
    await this.#store.settled();
    this.#main.flush();
    this.#outgoing.close();
  }

  #createServices(room: Room): CellServices {
    const { env, boot, definitions, beat, owners = NO_OWNERS, downtimeMs, latencies } = this.#options;
    const outgoing = this.#outgoing;
    const queue = new RunQueue(env);
    const machineLog = this.#log.with({ component: 'machine' });
    let inTurn: Address | undefined;
    const life = env.randomId();
    let ids = 0;
    return {
      env,
      boot,
      definitions,
      downtimeMs,
      log: this.#log.with({ component: 'cell' }),
      store: latencies ? countSaves(this.#store, latencies, env) : this.#store,
      restored: (address, tookMs) => latencies?.restored(address, tookMs),
      handled: latencies ? countHandled(latencies, env) : () => {},
      hint: (sender, row, position) => outgoing.hint(sender, row, position),
      release: (address, row, pos) => outgoing.release(address, row, pos, definitions.isDurable(typeOf(address))),
      published: (sender, publications, result, at) => outgoing.published(sender, publications, result, at),
      nextId: () => `${life}.${ids++}`,
      tell: (to, text) => outgoing.tell(to, text),
      send: (to, event, id) => owners.exit(() => outgoing.sendFromEffect(to, event, id)),
      run: (cell) => queue.run(cell),
      hasRoom: (cell) => room.ask(cell),
      dueLater: (of, at) => this.#tell({ k: 'due', of, at }),
      flush: () => this.#main.flush(),
      changed: (address) => void (this.#watched.size > 0 && this.#publish(address)),
      mark: (address, what) => {
        if (what === undefined) return beat?.clearTurn();
        inTurn = address;
        beat?.mark(address, what);
      },
      machineLogger: (...args) => machineLog.info(args.map(String).join(' '), { address: inTurn }),
      runEffect: (address, key, run) => owners.run(address, key, run),
      takeSuspect: (address) => this.#takeSuspect(address),
      disposed: (address) => this.#forget(address),
    };
  }

  /** An entry that no cell can take, such as one for a type no longer defined, must not end the thread. */
  #takeBatch(entries: readonly HostEntry[]): void {
    let tells = 0;
    for (const entry of entries) {
      if (entry.k === 'tell' || entry.k === 'hint') tells++;
      try {
        this.#take(entry);
      } catch (error) {
        this.#refuse(entry, error);
      }
    }
    if (tells > 0) this.#giveBack(tells);
  }

  /** Credit goes back in lots that are small beside what may be on its way. */
  #giveBack(tells: number): void {
    this.#taken += tells;
    if (this.#taken < CREDIT_LOT) return;
    this.#tell({ k: 'credit', n: this.#taken });
    this.#taken = 0;
  }

  #take(entry: HostEntry): void {
    if (this.#isStopping) return;
    switch (entry.k) {
      case 'send':
        return this.#accept(entry);
      case 'tell':
        return this.#tellCell(entry.to, toTold(entry.event, entry.create));
      case 'hint':
        return takeHint(entry, this.#local);
      case 'order':
        return this.#cell(entry.to).enqueue({
          kind: 'order',
          order: entry.order,
          settle: ({ error }) => this.#tell({ k: 'answer', q: entry.q, ...(error && { error }) }),
        });
      case 'view':
        return 'saved' in entry ? void this.#answerSaved(entry) : this.#answerView(entry);
      case 'life':
        return void this.#answerLife(entry.to, entry.q);
      case 'watch':
        return this.#watch(entry.to, entry.on);
      case 'wake':
        return this.#wake(entry.to);
      case 'due':
        return this.#due(entry.to);
      case 'hot':
        return this.#hibernation.limit(entry.type, entry.most);
    }
  }

  #accept(entry: Extract<HostEntry, { k: 'send' }>): void {
    this.#cell(entry.to).enqueue(new Sent(entry, this.#main));
  }

  #tellCell(to: Address, item: DirectItem): void {
    const cell = this.#cell(to);
    if (!(cell instanceof VolatileCell)) cell.enqueue(item);
    else if (!cell.tell(item)) this.#log.warn('a tell was dropped: the mailbox is full', { address: to });
  }

  #answerView(entry: Exclude<Extract<HostEntry, { k: 'view' }>, { saved: unknown }>): void {
    const cell = this.#cell(entry.to);
    cell.enqueue({
      kind: 'direct',
      from: '',
      n: 0,
      ...(entry.create && { create: { input: entry.create.input } }),
      settle: ({ error }) => {
        if (error) return this.#tell({ k: 'answer', q: entry.q, error });
        this.#main.post(`{"k":"answer","q":${entry.q},"view":${cell.viewText() ?? 'null'}}`);
      },
    });
  }

  /** What an actor that waits for the store, or is out of memory, has come to as far as that is saved. */
  async #answerSaved({ to, q, saved }: Extract<HostEntry, { saved: unknown }>): Promise<void> {
    const { definitions, boot } = this.#options;
    try {
      const view = this.#cells.get(to)?.viewText() ?? toViewText(await this.#store.call('load', to), definitions, boot);
      if (view !== undefined) this.#main.post(`{"k":"answer","q":${q},"view":${view}}`);
      else if (saved === 'or-fail') throw unknownActor(to);
    } catch (error) {
      this.#tell({ k: 'answer', q, error: encodeError(error) });
    }
  }

  /** An actor out of memory is where its row says. */
  async #answerLife(address: Address, q: number): Promise<void> {
    try {
      const view = this.#cells.get(address)?.lifecycle ?? (await this.#storedLife(address));
      this.#tell({ k: 'answer', q, view });
    } catch (error) {
      this.#tell({ k: 'answer', q, error: encodeError(error) });
    }
  }

  async #storedLife(address: Address): Promise<LifecycleView> {
    const stored = await this.#store.call('load', address);
    if (!stored) throw unknownActor(address);
    if (stored.status === 'active') return HEALTHY;
    const error = stored.error === null ? undefined : toPlainError(JSON.parse(stored.error));
    return { ...HEALTHY, state: stored.status === 'quarantined' ? 'held' : 'ended', ...(error && { error }) };
  }

  /** The charge against an actor whose turn ended the last thread; handed out once. */
  #takeSuspect(address: Address): Suspect | undefined {
    const suspect = this.#suspect;
    if (suspect?.address !== address) return undefined;
    this.#suspect = undefined;
    return suspect;
  }

  #watch(address: Address, isOn: boolean): void {
    if (isOn) this.#watched.add(address);
    else this.#watched.delete(address);
  }

  #publish(address: Address): void {
    if (!this.#watched.has(address)) return;
    const view = this.#cells.get(address)?.viewText();
    if (view !== undefined) this.#main.post(`{"k":"state","of":"${address}","view":${view}}`);
  }

  #wake(address: Address): void {
    const known = this.#cells.get(address);
    if (known) known.wake();
    else this.#cell(address);
  }

  /** Loading an actor sets its timers again; what is scheduled it reads when it is told to. */
  #due(address: Address): void {
    this.#cell(address).due();
  }

  #cell(address: Address): HostCell {
    const known = this.#cells.get(address);
    if (known) return known;
    const isDurable = this.#options.definitions.isDurable(typeOf(address));
    const cell = isDurable ? new Cell(address, this.#services) : new VolatileCell(address, this.#services);
    this.#cells.set(address, cell);
    this.#hibernation.added(address, cell);
    return cell;
  }

  #forget(address: Address): void {
    this.#cells.delete(address);
    this.#hibernation.removed(address);
    if (this.#cells.size === 0 && this.#routes.isDedicated(address)) this.#tell({ k: 'vacant', of: address });
  }

  #tell(entry: MainEntry): void {
    this.#main.post(JSON.stringify(entry));
  }

  #guard(entry: PeerEntry, take: () => void): void {
    try {
      take();
    } catch (error) {
      this.#refuse(entry, error);
    }
  }

  #refuse(entry: HostEntry | PeerEntry, cause: unknown): void {
    const error = encodeError(cause);
    this.#log.error('entry refused', { kind: entry.k, address: 'to' in entry ? entry.to : undefined, error });
    if (entry.k === 'send') this.#tell({ k: 'ack', to: entry.to, n: entry.n, error });
    if (entry.k === 'view' || entry.k === 'order' || entry.k === 'life') this.#tell({ k: 'answer', q: entry.q, error });
  }
}

function unknownActor(address: Address): TroupeError {
  return new TroupeError('ERR_ACTOR_NOT_FOUND', `'${address}' does not exist. Create it, or correct the address.`, {
    details: { address },
  });
}

/** A send of main on its way through a cell. */
class Sent implements DirectItem {
  readonly kind = 'direct';
  readonly from: string;
  readonly n: number;
  readonly event: DirectItem['event'];
  readonly command: DirectItem['command'];
  readonly idempotencyId: string | undefined;
  readonly ifSeq: number | undefined;
  readonly create: DirectItem['create'];
  readonly #to: Address;
  readonly #main: BatchPort;

  constructor(entry: Extract<HostEntry, { k: 'send' }>, main: BatchPort) {
    this.from = entry.from;
    this.n = entry.n;
    this.event = entry.event;
    this.command = entry.command;
    this.idempotencyId = entry.id;
    this.ifSeq = entry.ifSeq;
    this.create = entry.create;
    this.#to = entry.to;
    this.#main = main;
  }

  settle(outcome: Outcome): void {
    this.#main.post(ackText(this.#to, this.n, outcome));
  }
}

function ackText(to: Address, n: number, { error, reply }: Outcome): string {
  if (error) return JSON.stringify({ k: 'ack', to, n, error });
  return reply === undefined
    ? `{"k":"ack","to":"${to}","n":${n}}`
    : `{"k":"ack","to":"${to}","n":${n},"reply":${reply}}`;
}
