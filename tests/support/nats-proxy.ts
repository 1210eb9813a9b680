/** A TCP proxy between a client and a server, with which a test cuts, stalls and slows the network between them. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { ProxyLane } from './nats-proxy-lane.ts';
import { freePort } from './nats-port.ts';
import { createRandom, pick } from './store-random.ts';

export type ProxyDirection = 'toServer' | 'toClient';

/** Milliseconds that bytes are on their way. */
export type ProxyDelays = Partial<Record<ProxyDirection, number>>;

interface Link {
  readonly client: Socket;
  readonly server: Socket;
  readonly lanes: Readonly<Record<ProxyDirection, ProxyLane>>;
}

/** Starts a proxy for a port of this machine. Use it with `await using`. */
export async function startProxy(targetPort: number, { seed = 1 }: { seed?: number } = {}): Promise<NatsProxy> {
  const proxy = new NatsProxy(targetPort, await freePort(), seed);
  await proxy.accept();
  return proxy;
}

/** The network between a client and a server, in the hands of a test. */
export class NatsProxy implements AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly seed: number;
  readonly #targetPort: number;
  readonly #random: () => number;
  readonly #links = new Set<Link>();
  #listener: Server | undefined;
  #isStalled: Record<ProxyDirection, boolean> = { toServer: false, toClient: false };
  #delayMs: Record<ProxyDirection, number> = { toServer: 0, toClient: 0 };
  #passed: Record<ProxyDirection, number> = { toServer: 0, toClient: 0 };
  #limit: { readonly direction: ProxyDirection; left: number; readonly reached: () => void } | undefined;

  constructor(targetPort: number, port: number, seed: number) {
    this.#targetPort = targetPort;
    this.port = port;
    this.url = `nats://127.0.0.1:${port}`;
    this.seed = seed;
    this.#random = createRandom(seed);
  }

  /** How many connections go through it. */
  get connections(): number {
    return this.#links.size;
  }

  /** Bytes that have been passed on, over all connections. */
  get passed(): Readonly<Record<ProxyDirection, number>> {
    return { ...this.#passed };
  }

  /** Breaks all connections now; what is on its way is lost. New ones are accepted. */
  cut(): void {
    for (const link of this.#links) this.#break(link);
  }

  /** Takes no new connections: they are refused, as by a machine on which nothing listens. */
  async refuse(): Promise<void> {
    const listener = this.#listener;
    this.#listener = undefined;
    // Closed for new connections at once; the callback would wait for the old ones.
    listener?.close();
  }

  /** Takes new connections again. */
  async accept(): Promise<void> {
    if (this.#listener) return;
    this.#listener = createServer({ noDelay: true, allowHalfOpen: true }, (client) => this.#open(client));
    await once(this.#listener.listen(this.port, '127.0.0.1'), 'listening');
  }

  /** Holds all bytes of one direction, or of both. Connections stay open and nothing is lost. */
  stall(direction?: ProxyDirection): void {
    for (const each of directionsOf(direction)) this.#isStalled[each] = true;
    this.#pump();
  }

  /** Lets go what `stall` has held. */
  flow(direction?: ProxyDirection): void {
    for (const each of directionsOf(direction)) this.#isStalled[each] = false;
    this.#pump();
  }

  /** Keeps bytes on their way for so long, in their order, from now on. 0 ends it. */
  delay(delays: number | ProxyDelays): void {
    const each = typeof delays === 'number' ? { toServer: delays, toClient: delays } : delays;
    this.#delayMs = { ...this.#delayMs, ...each };
  }

  /**
   * Breaks all connections when so many more bytes have been passed on in one direction, be it in the middle of a message:
   * the byte after them is not delivered. Resolves when that has happened.
   */
  cutAfterBytes(bytes: number, direction: ProxyDirection = 'toServer'): Promise<void> {
    return new Promise((reached) => {
      this.#limit = { direction, left: bytes, reached };
    });
  }

  /** The same after a number of bytes below `bytes` that the seed decides, and that is returned with the promise. */
  cutWithin(
    bytes: number,
    direction?: ProxyDirection,
  ): { readonly afterBytes: number; readonly reached: Promise<void> } {
    const afterBytes = pick(this.#random, bytes);
    return { afterBytes, reached: this.cutAfterBytes(afterBytes, direction) };
  }

  /** Breaks everything and listens no more. */
  async stop(): Promise<void> {
    await this.refuse();
    this.cut();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #open(client: Socket): void {
    const server = connect({ port: this.#targetPort, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    const link: Link = {
      client,
      server,
      lanes: { toServer: this.#lane('toServer', client, server), toClient: this.#lane('toClient', server, client) },
    };
    this.#links.add(link);
    for (const socket of [client, server]) {
      socket.on('error', () => this.#break(link));
      socket.on('close', () => this.#isOver(link) && this.#links.delete(link));
    }
  }

  #lane(direction: ProxyDirection, from: Socket, to: Socket): ProxyLane {
    return new ProxyLane(from, to, {
      isStalled: () => this.#isStalled[direction],
      delayMs: () => this.#delayMs[direction],
      allow: (bytes) => this.#allow(direction, bytes),
    });
  }

  /** How many bytes may be passed on. Below what was asked for, it is over after them. */
  #allow(direction: ProxyDirection, bytes: number): number {
    const limit = this.#limit;
    const allowed = limit?.direction === direction ? Math.min(limit.left, bytes) : bytes;
    this.#passed[direction] += allowed;
    if (limit?.direction !== direction) return allowed;
    limit.left -= allowed;
    if (allowed === bytes) return allowed;
    this.#limit = undefined;
    for (const { lanes } of this.#links) for (const lane of Object.values(lanes)) lane.close();
    // After the last bytes have been handed to the system, which delivers them.
    setImmediate(() => {
      for (const link of this.#links) this.#break(link, direction);
      limit.reached();
    });
    return allowed;
  }

  #pump(): void {
    for (const { lanes } of this.#links) for (const lane of Object.values(lanes)) lane.pump();
  }

  #isOver({ client, server }: Link): boolean {
    return client.destroyed && server.destroyed;
  }

  /** @param delivers the direction whose bytes still arrive, where there is one: its receiver sees an end, no reset */
  #break(link: Link, delivers?: ProxyDirection): void {
    this.#links.delete(link);
    for (const lane of Object.values(link.lanes)) lane.close();
    breakSocket(link.client, delivers === 'toClient');
    breakSocket(link.server, delivers === 'toServer');
  }
}

const directionsOf = (direction: ProxyDirection | undefined): readonly ProxyDirection[] =>
  direction ? [direction] : ['toServer', 'toClient'];

function breakSocket(socket: Socket, delivers: boolean): void {
  if (socket.destroyed) return;
  if (delivers) socket.destroySoon();
  else if (socket.connecting) socket.destroy();
  else socket.resetAndDestroy();
}
