/** Puts the watch over agents together with what it needs of a running system. */
import type { Bus } from '../bus/bus.ts';
import { Mode } from '../health/mode.ts';
import { Monitor } from '../health/monitor.ts';
import type { StoreClient } from '../store/store-client.ts';
import type { Announce } from '../supervision/events.ts';
import type { SystemCore } from './core.ts';
import type { SystemParts } from './core.ts';

export interface HealthParts {
  readonly parts: SystemParts;
  readonly core: SystemCore;
  readonly store: StoreClient;
  readonly bus: Bus;
  readonly announce: Announce;
  /** Queues an entry for one host, or for all. */
  readonly postToHosts: (text: string, index?: number) => void;
}

/** The watch over agents, and how many sessions the hosts may keep live. */
export interface SystemHealth {
  readonly monitor: Monitor;
  /** Tells a host, or all of them, how many sessions each may keep live, so that together they keep as many as the mode allows. */
  limitSessions(index?: number): void;
  close(): void;
}

/** Sessions that one of so many hosts may keep live: all together as many as are allowed, but at least one each. */
export function sessionsOf(host: number, hosts: number, sessions: number): number {
  return Math.max(1, Math.floor(sessions / hosts) + (host < sessions % hosts ? 1 : 0));
}

/** Makes the watch of a system; `monitor.begin` starts it. */
export function createHealth({ parts, core, store, bus, announce, postToHosts }: HealthParts): SystemHealth {
  const { env, definitions, routes, options } = parts;
  const log = parts.log.with({ component: 'health' });
  const { degradation: settings } = options;
  const limit = (sessions: number, index?: number): void => {
    const post = (most: number, to?: number): void => postToHosts(`{"k":"hot","type":"session","most":${most}}`, to);
    if (index !== undefined) return post(sessionsOf(index, routes.workers, sessions), index);
    // The largest share to all, those with an own thread included; then less to those that get less, so that none drops what it may keep.
    const largest = sessionsOf(0, routes.workers, sessions);
    post(largest);
    for (let host = 1; host < routes.workers; host++) {
      const most = sessionsOf(host, routes.workers, sessions);
      if (most < largest) post(most, host);
    }
  };
  const mode = settings && new Mode({ env, log, announce, settings, limitSessions: (most) => limit(most) });
  const monitor = new Monitor({
    env,
    log,
    store,
    bus,
    policies: options.bus.agents,
    announce,
    definitions,
    mode,
    assertRunning: () => core.assertRunning(),
    threadOf: (address) => routes.indexOf(address),
    // What a held actor needs; one that is not held goes on from its last commit anyway.
    restartActor: (address) => core.requests.order(address, 'restart'),
  });
  return {
    monitor,
    limitSessions: (index) => mode && limit(mode.hotSessions, index),
    close: () => {
      monitor.close();
      mode?.stop();
    },
  };
}
