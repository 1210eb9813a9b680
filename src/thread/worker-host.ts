/**
 * The code that runs cells: one per worker thread, or one on the main thread when the system runs inline. Talks to main, to
 * the store and to the other hosts over ports of its own; a host that is replaced gets new ports, and so do its peers.
 */
import { hashAddress, parseAddress } from '../actor/address.ts';
import type { Address } from '../actor/address.ts';
import type { Definitions } from '../actor/definitions.ts';
import type { ActorEvent } from '../actor/effects.ts';
import { Cell } from '../cell/cell.ts';
import type { InboxItem, Outcome } from '../cell/items.ts';
import type { CellServices } from '../cell/services.ts';
import type { Env, Port } from '../env.ts';
import { createLogger } from '../observe/logger.ts';
import type { Logger } from '../observe/logger.ts';
import { createStoreClient } from '../store/store-client.ts';
import type { StoreClient } from '../store/store-client.ts';
import type { InboxPosition, NewInboxRow, NewOutboxRow } from '../store/store.ts';
import { BatchPort } from './batch-port.ts';
import type { BeatWriter } from './beat.ts';
import { EffectSends } from './effect-sends.ts';
import { encodeError } from './error-codec.ts';
import type { HostEntry, MainEntry, PeerEntry, Suspect } from './protocol.ts';

export interface WorkerHostOptions {
  readonly index: number;
  readonly workers: number;
  readonly boot: string;
  readonly env: Env;
  readonly definitions: Definitions;
  readonly beat: BeatWriter | undefined;
  readonly main: Port;
  readonly store: Port;
  /** What the thread before this one was doing when it died, and how often that has happened. */
  readonly suspect: Suspect | undefined;
}

export class WorkerHost {
  readonly #options: WorkerHostOptions;
  readonly #cells = new Map<Address, Cell>();
  readonly #watched = new Set<Address>();
  readonly #main: BatchPort;
  readonly #store: StoreClient;
  readonly #peers = new Map<number, BatchPort>();
  readonly #services: CellServices;
  readonly #effectSends: EffectSends;
  readonly #log: Logger;
  #suspect: Suspect | undefined;
  #isStopping = false;

  constructor(options: WorkerHostOptions) {
    this.#options = options;
    this.#suspect = options.suspect;
    const { env, boot, definitions, beat, index } = options;
    this.#main = new BatchPort(options.main, env);
    this.#log = createLogger((level, fields, text) => this.#tell({ k: 'log', level, fields: { ...fields }, text }), {
      component: 'host',
      thread: index,
    });
    this.#store = createStoreClient(options.store, env);
    this.#effectSends = new EffectSends((to, entry) => this.#toPeer(to, JSON.stringify(entry)));
    this.#services = {
      env,
      boot,
      definitions,
      log: this.#log.with({ component: 'cell' }),
      store: this.#store,
      hint: (sender, row, position) => this.#hint(sender, row, position),
      release: (address, row, pos) => this.#release(address, row, pos),
      changed: (address) => this.#publish(address),
      send: (to, event, id) => this.#sendFromEffect(to, event, id),
      mark: (address, what) => (what === undefined ? beat?.clear() : beat?.mark(address, what)),
      takeSuspect: (address) => this.#takeSuspect(address),
      disposed: (address) => void this.#cells.delete(address),
    };
    this.#main.onBatch((entries) => {
      for (const entry of entries) this.#guard(entry as HostEntry, () => this.#take(entry as HostEntry));
    });
  }

  /** A channel to another host, new or in place of a broken one. */
  connectPeer(index: number, port: Port): void {
    const batches = new BatchPort(port, this.#options.env);
    this.#peers.set(index, batches);
    batches.onBatch((entries) => {
      for (const entry of entries) {
        this.#guard(entry as PeerEntry, () => this.#takeFromPeer(entry as PeerEntry, batches));
      }
    });
    this.#effectSends.repeat((to) => this.#indexOf(to) === index);
  }

  /** The store thread was replaced: what it has not acknowledged is posted again (rule 7). */
  reconnectStore(port: Port): void {
    this.#store.reconnect(port);
  }

  /** Takes no more turns, waits until what was posted is durable and let out, then lets go of everything. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const cell of this.#cells.values()) cell.dispose();
    this.#cells.clear();
    await this.#store.settled();
    this.#main.flush();
    for (const peer of this.#peers.values()) peer.close();
  }

  #take(entry: HostEntry): void {
    if (this.#isStopping) return;
    switch (entry.k) {
      case 'send':
        return this.#accept(entry);
      case 'order':
        return this.#cell(entry.to).enqueue({
          kind: 'order',
          order: entry.order,
          settle: ({ error }) => this.#tell({ k: 'answer', q: entry.q, ...(error && { error }) }),
        });
      case 'view':
        return this.#answerView(entry);
      case 'watch':
        return this.#watch(entry.to, entry.on);
      case 'wake':
        return this.#wake(entry.to);
    }
  }

  #accept(entry: Extract<HostEntry, { k: 'send' }>): void {
    const { to, from, n, id, event, create } = entry;
    this.#cell(to).enqueue({
      kind: 'direct',
      from,
      n,
      event,
      ...(id !== undefined && { idempotencyId: id }),
      ...(create && { create: { input: create.input } }),
      settle: (outcome) => this.#main.post(ackText(to, n, outcome)),
    });
  }

  #answerView(entry: Extract<HostEntry, { k: 'view' }>): void {
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

  #cell(address: Address): Cell {
    const known = this.#cells.get(address);
    if (known) return known;
    const cell = new Cell(address, this.#services);
    this.#cells.set(address, cell);
    return cell;
  }

  #takeFromPeer(entry: PeerEntry, peer: BatchPort): void {
    if (entry.k === 'effect-ack') return this.#effectSends.settle(entry.q, entry.error);
    if (this.#isStopping) return;
    if (entry.k === 'poke') return this.#cell(entry.to).poke();
    if (entry.k === 'hint') return this.#takeHint(entry);
    this.#acceptEffectSend(entry, (text) => peer.post(text));
  }

  #takeHint(entry: Extract<PeerEntry, { k: 'hint' }>): void {
    const { to, from, pos, prev, kind, id, at, body } = entry;
    const item: InboxItem = { kind: 'inbox', row: { receiver: to, sender: from, pos, kind, id, at, text: '' }, body };
    this.#cell(to).hint(item, prev);
  }

  #acceptEffectSend(entry: Extract<PeerEntry, { k: 'effect-send' }>, answer: (text: string) => void): void {
    this.#cell(entry.to).enqueue({
      kind: 'direct',
      from: 'effect',
      n: 0,
      idempotencyId: entry.id,
      event: entry.event,
      settle: ({ error }) =>
        answer(JSON.stringify({ k: 'effect-ack', q: entry.q, ...(error && { error }) } satisfies PeerEntry)),
    });
  }

  #hint(sender: Address, row: NewInboxRow, position: InboxPosition | undefined): void {
    // The row is durable; whoever runs next finds it. Waking a cell now would keep a stopping host alive.
    if (this.#isStopping) return;
    const index = this.#indexOf(row.receiver);
    const isHere = index === this.#options.index;
    if (!position)
      return isHere
        ? this.#cell(row.receiver).poke()
        : this.#toPeer(row.receiver, `{"k":"poke","to":"${row.receiver}"}`);
    const at = this.#options.env.now();
    if (isHere) {
      const item: InboxItem = { kind: 'inbox', row: { ...row, sender, pos: position.pos, at } };
      return this.#cell(row.receiver).hint(item, position.previousPos);
    }
    const { receiver, kind, id, text } = row;
    const body = `{"k":"hint","to":"${receiver}","from":"${sender}","pos":${position.pos},"prev":${position.previousPos},"kind":"${kind}","id":${JSON.stringify(id)},"at":${at},"body":${text}}`;
    this.#peers.get(index)?.post(body);
  }

  #release(address: Address, row: NewOutboxRow, pos: number | undefined): void {
    const at = pos === undefined ? '' : `"pos":${pos},`;
    const target = JSON.stringify(row.target);
    if (row.kind === 'reply')
      return this.#main.post(`{"k":"reply","ask":${target},"of":"${address}",${at}"value":${row.text}}`);
    const id = JSON.stringify(`${address}#${row.id}`);
    this.#main.post(`{"k":"deliver","channel":${target},"of":"${address}","id":${id},${at}"payload":${row.text}}`);
  }

  async #sendFromEffect(to: string, event: ActorEvent, id: string): Promise<void> {
    const { address } = parseAddress(to);
    const text = this.#options.definitions.encodeEvent(address, event);
    return this.#effectSends.send(address, id, JSON.parse(text) as ActorEvent);
  }

  #toPeer(to: Address, text: string): void {
    const index = this.#indexOf(to);
    if (index !== this.#options.index) return void this.#peers.get(index)?.post(text);
    const entry = JSON.parse(text) as PeerEntry;
    if (entry.k === 'effect-send') {
      this.#acceptEffectSend(entry, (answer) => {
        const { q, error } = JSON.parse(answer) as Extract<PeerEntry, { k: 'effect-ack' }>;
        this.#effectSends.settle(q, error);
      });
    }
  }

  #indexOf(address: Address): number {
    return hashAddress(address) % this.#options.workers;
  }

  #tell(entry: MainEntry): void {
    this.#main.post(JSON.stringify(entry));
  }

  /** An entry that no cell can take, such as one for a type no longer defined, must not end the thread. */
  #guard(entry: HostEntry | PeerEntry, take: () => void): void {
    try {
      take();
    } catch (cause) {
      const error = encodeError(cause);
      this.#log.error('entry refused', { kind: entry.k, address: 'to' in entry ? entry.to : undefined, error });
      if (entry.k === 'send') this.#tell({ k: 'ack', to: entry.to, n: entry.n, error });
      if (entry.k === 'view' || entry.k === 'order') this.#tell({ k: 'answer', q: entry.q, error });
    }
  }
}

function ackText(to: Address, n: number, { error, reply }: Outcome): string {
  if (error) return JSON.stringify({ k: 'ack', to, n, error });
  return reply === undefined
    ? `{"k":"ack","to":"${to}","n":${n}}`
    : `{"k":"ack","to":"${to}","n":${n},"reply":${reply}}`;
}
