/** A test system with an external agent that the test plays. */
import { setup } from 'xstate';
import { defineActor } from '../../../src/index.ts';
import type { AgentOptions, SystemEvents, SystemTopic } from '../../../src/index.ts';
import { createMemoryStore } from '../../../src/store/memory/memory-store.ts';
import type { Store } from '../../../src/store/store.ts';
import { testSystem } from '../../../src/testing.ts';
import type { TestSystem, TestSystemOptions } from '../../../src/testing.ts';

export const worker = defineActor('worker', setup({}).createMachine({ on: { GO: {} } }), { role: 'agent' });
export const clerk = defineActor('clerk', setup({}).createMachine({ on: { GO: {} } }));

/** Options under which nothing is recovered but by itself. */
export const ALERT: AgentOptions = { strategy: 'alert', zombieAfterMs: false };

export interface Watched extends TestSystem {
  /** What the runtime said, in order. */
  readonly said: readonly { readonly topic: SystemTopic; readonly data: unknown }[];
  /** `from>to` of an agent, in order. */
  changes(agent: string): readonly string[];
  /** Recovery tries of an agent, in order. */
  recoveries(agent: string): readonly SystemEvents['system.agent.recovery'][];
  /** Lets time pass while agents give a heartbeat every second. */
  beat(ms: number, ...agents: string[]): Promise<void>;
}

/** Starts a system in which everything the runtime says is noted. */
export async function watched(options: Partial<TestSystemOptions> = {}): Promise<Watched> {
  const test = await testSystem({ actors: [worker, clerk], ...options });
  const said: { topic: SystemTopic; data: unknown }[] = [];
  await test.system.bus.subscribe('system.>', ({ topic, data }) => {
    said.push({ topic: topic as SystemTopic, data });
  });
  const of = <T extends SystemTopic>(topic: T): readonly SystemEvents[T][] =>
    said.filter((event) => event.topic === topic).map(({ data }) => data as SystemEvents[T]);
  return Object.assign(test, {
    said,
    changes: (agent: string) =>
      of('system.agent.health')
        .filter((change) => change.agent === agent)
        .map(({ from, to }) => `${from}>${to}`),
    recoveries: (agent: string) => of('system.agent.recovery').filter((recovery) => recovery.agent === agent),
    beat: async (ms: number, ...agents: string[]) => {
      for (let passed = 0; passed < ms; passed += 1000) {
        for (const agent of agents) test.system.health.heartbeat(agent);
        await test.clock.advance(Math.min(1000, ms - passed));
      }
    },
  });
}

/** Opens one store, again and again: what stands in it outlives a system. */
export function lastingStore(): () => Promise<Store> {
  const store = createMemoryStore();
  const lasting = new Proxy(store, {
    get: (target, name) => {
      if (name === 'close') return async () => {};
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return async () => lasting;
}

/** What the cell of an actor says when it fails. */
export function failure(
  address: string,
  decision: 'retry' | 'quarantine' | 'end' = 'retry',
): SystemEvents['system.actor.failed'] {
  const error = { message: 'no' };
  return { address, parent: 'system/root', kind: 'event', error, decision, attempt: 1, delayMs: 0, restarts: 1 };
}
