/** The subscriptions of the watch: what the runtime says, and heartbeats that come over the bus. Each at most once. */
import type { Bus, BusHandler, BusSubscription } from '../bus/bus.ts';

/** Events of the runtime that concern actors and threads. */
const RUNTIME_TOPICS = 'system.*.*';

/** Heartbeats of external agents. Colons of an id are dots in its topic. */
const HEARTBEATS = 'heartbeat.>';

export class Listening {
  readonly #bus: Bus;
  #runtime: Promise<BusSubscription> | undefined;
  #heartbeats: Promise<BusSubscription> | undefined;

  constructor(bus: Bus) {
    this.#bus = bus;
  }

  async toRuntime(handler: BusHandler): Promise<void> {
    const subscription = (this.#runtime ??= this.#bus.subscribe(RUNTIME_TOPICS, handler));
    try {
      await subscription;
    } catch (error) {
      // Whoever asks next tries again.
      if (this.#runtime === subscription) this.#runtime = undefined;
      throw error;
    }
  }

  async toHeartbeats(handler: (id: string, data: unknown) => void): Promise<void> {
    const subscription = (this.#heartbeats ??= this.#bus.subscribe(HEARTBEATS, ({ topic, data }) =>
      handler(topic.slice(HEARTBEATS.length - 1).replaceAll('.', ':'), data),
    ));
    try {
      await subscription;
    } catch (error) {
      if (this.#heartbeats === subscription) this.#heartbeats = undefined;
      throw error;
    }
  }

  async endRuntime(): Promise<void> {
    const subscription = this.#runtime;
    this.#runtime = undefined;
    await (await subscription)?.stop();
  }

  async endHeartbeats(): Promise<void> {
    const subscription = this.#heartbeats;
    this.#heartbeats = undefined;
    await (await subscription)?.stop();
  }
}
