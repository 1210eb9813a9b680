/** The agents under watch, by name, in the order they were registered. */
import { TroupeError } from '../errors.ts';
import { checkAgent, noHeartbeats } from './checks.ts';
import type { Watch } from './watch.ts';

export class Registry {
  readonly #watches = new Map<string, Watch>();
  #externals = 0;

  get size(): number {
    return this.#watches.size;
  }

  [Symbol.iterator](): IterableIterator<Watch> {
    return this.#watches.values();
  }

  /** @param agent a name as it was checked */
  get(agent: string): Watch | undefined {
    return this.#watches.get(agent);
  }

  /** @throws {TroupeError} ERR_AGENT_UNKNOWN, ERR_ADDRESS. */
  find(agent: string): Watch {
    const watch = this.#watches.get(checkAgent(agent));
    if (watch) return watch;
    throw new TroupeError(
      'ERR_AGENT_UNKNOWN',
      `No agent '${agent}' is under watch. Register it with system.health.register('${agent}', …), or look at system.health.all().`,
      { details: { agent } },
    );
  }

  /** @throws {TroupeError} ERR_AGENT_UNKNOWN, ERR_ADDRESS; ERR_OPTIONS_INVALID for an actor. */
  findExternal(agent: string): Watch {
    const watch = this.find(agent);
    if (watch.isActor) throw noHeartbeats(watch.agent);
    return watch;
  }

  add(watch: Watch): void {
    if (!this.#watches.has(watch.agent) && !watch.isActor) this.#externals++;
    this.#watches.set(watch.agent, watch);
  }

  remove(watch: Watch): void {
    if (this.#watches.delete(watch.agent) && !watch.isActor) this.#externals--;
  }

  get hasExternal(): boolean {
    return this.#externals > 0;
  }

  get hasTopics(): boolean {
    for (const { record } of this) if (record.topics.length > 0) return true;
    return false;
  }

  /** Infinity when there are only actors, which have no heartbeats. */
  get shortestBeatMs(): number {
    let shortestMs = Infinity;
    for (const { isActor, record } of this) if (!isActor) shortestMs = Math.min(shortestMs, record.heartbeatMs);
    return shortestMs;
  }
}
