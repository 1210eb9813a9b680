/** What tests of supervision share: a system, its family, and what the runtime said. */
import { toAddress } from '../../src/index.ts';
import type { Address, AnyDefinition, SystemEvents, SystemTopic } from '../../src/index.ts';
import { testSystem } from '../../src/testing.ts';
import type { TestSystem, TestSystemOptions } from '../../src/testing.ts';
import { resetWorld } from './actors-supervised.ts';

/** Something the runtime said. */
export interface Said<T extends SystemTopic = SystemTopic> {
  readonly topic: T;
  readonly data: SystemEvents[T];
}

export interface Family extends TestSystem {
  readonly said: readonly Said[];
  /** What was said on one topic. */
  on<T extends SystemTopic>(topic: T): readonly SystemEvents[T][];
  /** Addresses of those that were made anew, in order. */
  readonly restarted: readonly string[];
  statusOf(address: string): Promise<string | undefined>;
}

/** A system whose runtime is listened to. */
export async function createFamily(
  actors: readonly AnyDefinition[],
  options: Partial<TestSystemOptions> = {},
): Promise<Family> {
  resetWorld();
  const test = await testSystem({ actors, recoverEveryMs: 600_000, ...options });
  const said: Said[] = [];
  await test.system.bus.subscribe('system.>', ({ topic, data }) => void said.push({ topic, data } as Said));
  const on = <T extends SystemTopic>(topic: T): readonly SystemEvents[T][] =>
    said.filter((event) => event.topic === topic).map(({ data }) => data as SystemEvents[T]);
  return {
    ...test,
    said,
    on,
    get restarted() {
      return on('system.actor.restarted').map(({ address }) => address);
    },
    statusOf: async (address) => (await test.system.store.call('load', address as Address))?.status,
    [Symbol.asyncDispose]: () => test.stop(),
  };
}

export const at = (type: string, key: string): Address => toAddress(type, key);
