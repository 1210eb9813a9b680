/**
 * What leaves a worker host: hints, tells and effect sends to other hosts or to cells of its own, replies and deliveries to
 * main. Knows the ways, not the cells.
 */
import { parseAddress } from '../actor/address.ts';
import type { Address } from '../actor/address.ts';
import type { Definitions } from '../actor/definitions.ts';
import type { ActorEvent } from '../actor/effects.ts';
import { TOLD, toHintedItem, toInboxItem } from '../cell/items.ts';
import type { DirectItem, InboxItem } from '../cell/items.ts';
import { hintSubscribers } from '../cell/release.ts';
import type { HintedRow } from '../cell/services.ts';
import type { Env, Port } from '../env.ts';
import type { CommitResult, InboxPosition, NewOutboxRow, NewPublication } from '../store/store.ts';
import type { BatchPort } from './batch-port.ts';
import { EffectSends } from './effect-sends.ts';
import { PeerLink } from './peer-link.ts';
import type { HintEntry, PeerEntry } from './protocol.ts';
import type { Routes } from './routes.ts';

/** The cells of this host, as what arrives uses them. */
export interface LocalCells {
  hint(to: Address, item: InboxItem, previousPos: number): void;
  poke(to: Address): void;
  enqueue(to: Address, item: DirectItem): void;
  tell(to: Address, item: DirectItem): void;
}

export interface OutgoingOptions {
  readonly index: number;
  readonly env: Env;
  readonly definitions: Definitions;
  readonly routes: Routes;
  readonly main: BatchPort;
  readonly cells: LocalCells;
  /** Runs `take`; what it throws must not end the thread. */
  readonly guard: (entry: PeerEntry, take: () => void) => void;
  readonly isStopping: () => boolean;
}

export class Outgoing {
  readonly #options: OutgoingOptions;
  readonly #peers = new Map<number, PeerLink>();
  readonly #effectSends: EffectSends;

  constructor(options: OutgoingOptions) {
    this.#options = options;
    this.#effectSends = new EffectSends((to, entry) => this.#postEffectSend(to, entry));
  }

  /** A channel to another host, new or in place of a broken one. */
  connect(index: number, port: Port): void {
    const { env, guard, routes } = this.#options;
    const link = new PeerLink(port, env, (entry) => guard(entry, () => this.#takeFromPeer(entry, link)));
    this.#peers.set(index, link);
    this.#effectSends.repeat((to) => routes.indexOf(to) === index);
  }

  disconnect(index: number): void {
    this.#peers.get(index)?.close();
    this.#peers.delete(index);
    // What its actor had not acknowledged asks for another thread.
    const { routes } = this.#options;
    this.#effectSends.repeat((to) => routes.isDedicated(to) && routes.indexOf(to) === undefined);
  }

  /** An actor is at home again: what the thread it came from had not acknowledged goes out once more. */
  home(address: Address): void {
    this.#effectSends.repeat((to) => to === address);
  }

  close(): void {
    for (const peer of this.#peers.values()) peer.close();
  }

  /** Lets out a committed inbox row. */
  hint(sender: Address, row: HintedRow, position: InboxPosition | undefined): void {
    const { isStopping, index, cells, env, routes } = this.#options;
    // The row is durable; whoever runs next finds it. Waking a cell now would keep a stopping host alive.
    if (isStopping()) return;
    const to = row.receiver;
    const target = routes.indexOf(to);
    if (target === undefined) return this.#want(to);
    if (target !== index) {
      const text = position ? hintText(sender, row, position, row.at ?? env.now()) : `{"k":"poke","to":"${to}"}`;
      return this.#peers.get(target)?.hint(to, text);
    }
    if (!position) return cells.poke(to);
    const item = toInboxItem({ ...row, sender, pos: position.pos, at: row.at ?? env.now() });
    cells.hint(to, item, position.previousPos);
  }

  /** Subscribers of publications are told of their rows. */
  published(sender: Address, publications: readonly NewPublication[], result: CommitResult, at: number): void {
    hintSubscribers(sender, publications, result, at, (from, row, position) => this.hint(from, row, position));
  }

  /** Sends what is not stored, at most once. */
  tell(to: Address, eventText: string): void {
    const { index, cells, main, routes } = this.#options;
    const target = routes.indexOf(to);
    const text = `{"k":"tell","to":"${to}","event":${eventText}}`;
    if (target === index) cells.tell(to, toTold(JSON.parse(eventText) as ActorEvent));
    else if (target === undefined) main.post(text);
    else this.#peers.get(target)?.tell(text);
  }

  /** Lets out a reply or a delivery. Without a position it is not stored, or main looks for it. */
  release(address: Address, row: NewOutboxRow, pos: number | undefined, isStored: boolean): void {
    const { main } = this.#options;
    const at = pos === undefined ? '' : `"pos":${pos},`;
    const target = JSON.stringify(row.target);
    if (row.kind === 'reply')
      return main.post(`{"k":"reply","ask":${target},"of":"${address}",${at}"value":${row.text}}`);
    const id = JSON.stringify(`${address}#${row.id}`);
    const once = isStored ? '' : '"once":true,';
    main.post(`{"k":"deliver","channel":${target},"of":"${address}","id":${id},${at}${once}"payload":${row.text}}`);
  }

  /** Sends on behalf of an effect function; resolves when it is durable. */
  async sendFromEffect(to: string, event: ActorEvent, id: string): Promise<void> {
    const { address } = parseAddress(to);
    const text = this.#options.definitions.encodeEvent(address, event);
    return this.#effectSends.send(address, id, JSON.parse(text) as ActorEvent);
  }

  /** The thread of an actor is known now, or another one. */
  routed(address: Address): void {
    this.#effectSends.repeat((to) => to === address);
  }

  #postEffectSend(to: Address, entry: Extract<PeerEntry, { k: 'effect-send' }>): void {
    const target = this.#options.routes.indexOf(to);
    if (target === undefined) return this.#want(to);
    if (target !== this.#options.index) return this.#peers.get(target)?.post(JSON.stringify(entry));
    this.#acceptEffectSend(entry, ({ error }) => this.#effectSends.settle(entry.q, error));
  }

  #acceptEffectSend(entry: Extract<PeerEntry, { k: 'effect-send' }>, settle: DirectItem['settle']): void {
    const { to, id, event } = entry;
    this.#options.cells.enqueue(to, { kind: 'direct', from: 'effect', n: 0, idempotencyId: id, event, settle });
  }

  #takeFromPeer(entry: PeerEntry, peer: PeerLink): void {
    if (entry.k === 'effect-ack') return this.#effectSends.settle(entry.q, entry.error);
    const { cells, isStopping } = this.#options;
    if (isStopping()) return;
    switch (entry.k) {
      case 'poke':
        return cells.poke(entry.to);
      case 'hint':
        return takeHint(entry, cells);
      case 'tell':
        return cells.tell(entry.to, toTold(entry.event));
      case 'effect-send':
        return this.#acceptEffectSend(entry, ({ error }) =>
          peer.post(JSON.stringify({ k: 'effect-ack', q: entry.q, ...(error && { error }) } satisfies PeerEntry)),
        );
      case 'credit':
        return undefined;
    }
  }

  #want(address: Address): void {
    this.#options.main.post(`{"k":"wanted","of":"${address}"}`);
  }
}

/** Hands a hint of another host, or of main, to its cell. */
export function takeHint({ to, from, pos, prev, kind, id, at, body }: HintEntry, cells: LocalCells): void {
  cells.hint(to, toHintedItem({ receiver: to, sender: from, pos, kind, id, at, text: '' }, body), prev);
}

/** An event that nobody waits for. */
export function toTold(event: ActorEvent, create?: { readonly input?: unknown }): DirectItem {
  return new Told(event, create);
}

class Told implements DirectItem {
  readonly kind = 'direct';
  readonly from = TOLD;
  readonly n = 0;
  readonly event: ActorEvent;
  readonly create: DirectItem['create'];

  constructor(event: ActorEvent, create: DirectItem['create']) {
    this.event = event;
    this.create = create;
  }

  settle(): void {
    // Whoever told it does not wait.
  }
}

/** JSON of a hint. */
export function hintText(sender: Address, row: HintedRow, { pos, previousPos }: InboxPosition, at: number): string {
  const { receiver, kind, id, text } = row;
  return `{"k":"hint","to":"${receiver}","from":"${sender}","pos":${pos},"prev":${previousPos},"kind":"${kind}","id":${JSON.stringify(id)},"at":${at},"body":${text}}`;
}
