/** Waiting for the connection: what the relay and the inlet do while there is none. */
import type { Env } from '../env.ts';
import type { NatsClient } from './client.ts';

/** A gate that is open while the client is connected, and open for good once it is stopped. */
export class LinkGate {
  readonly #env: Env;
  readonly #client: NatsClient;
  readonly #stopListening: () => void;
  readonly #wakers = new Set<() => void>();
  #isStopped = false;
  /** Counts connections: another one is not the same. */
  #epoch = 0;

  constructor(client: NatsClient, env: Env) {
    this.#client = client;
    this.#env = env;
    this.#stopListening = client.onState(() => {
      this.#epoch++;
      this.#wake();
    });
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Changes with every change of the connection. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Resolves when there is a connection, or it is stopped. */
  async connected(): Promise<void> {
    while (!this.#isStopped && this.#client.state !== 'connected') await this.changed();
  }

  /** Resolves at the next change of the connection, a `nudge`, or the stop; with a time, then at the latest. */
  changed(withinMs?: number): Promise<void> {
    if (this.#isStopped) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = withinMs === undefined ? undefined : this.#env.setTimeout(() => wake(), withinMs);
      const wake = (): void => {
        this.#wakers.delete(wake);
        if (timer !== undefined) this.#env.clearTimeout(timer);
        resolve();
      };
      this.#wakers.add(wake);
    });
  }

  /** Wakes whoever waits. */
  nudge(): void {
    this.#wake();
  }

  stop(): void {
    this.#isStopped = true;
    this.#stopListening();
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#wakers) wake();
  }
}
