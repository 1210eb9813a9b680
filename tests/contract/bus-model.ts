/** Random publications and subscriptions against a plain model: a list of what was published, and what each subscription chooses of it. */
import { describe, expect, test } from 'vitest';
import { PRIORITIES } from '../../src/index.ts';
import type { BusSubscription, Priority, ReplayPolicy } from '../../src/index.ts';
import { matchesPattern } from '../../src/bus/subjects.ts';
import { createRandom } from '../../src/testing.ts';
import { atRest, collector, upTo } from '../support/bus-verbs.ts';
import type { BusContractOptions, BusFixture, OpenBus } from './bus.ts';

interface Published {
  readonly n: number;
  readonly topic: string;
  readonly priority: Priority;
}

/** What a subscription asks for. */
interface Wish {
  readonly pattern: string;
  readonly priorities?: readonly Priority[];
  readonly name?: string;
  readonly policy: ReplayPolicy | undefined;
  readonly limit: number;
}

/** A subscription of a name or without one, what it saw, and what it should have seen. */
interface Listener {
  readonly wish: Wish;
  readonly seen: unknown[];
  readonly expected: number[];
  readonly handler: ReturnType<typeof collector>['handler'];
  subscription: BusSubscription | undefined;
  /** How much of what was published it has had its choice of. */
  upTo: number;
  isNew: boolean;
}

export function busModelContract(open: OpenBus, { runs }: BusContractOptions): void {
  describe('model', () => {
    const seeds = process.env['SEED'] === undefined ? upTo(runs) : [Number(process.env['SEED'])];
    test.each(seeds)(
      'G12, G20, G21: every subscription sees what a plain list says it should, in order (seed %i)',
      async (seed) => {
        await using fixture = await open();
        const random = createRandom(seed);
        const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
        const log: Published[] = [];
        const listeners: Listener[] = [];
        for (let step = 0; step < 40; step++) {
          const draw = random();
          if (draw < 0.2) {
            const listener = createListener(step, random, pick);
            listeners.push(listener);
            await begin(fixture, listener, log);
          } else if (draw < 0.3) await end(fixture, pick(listeners.length > 0 ? listeners : [undefined]), log);
          else if (draw < 0.4) await resume(fixture, listeners, log);
          else if (draw < 0.45) await restart(fixture, listeners, log);
          else await publishSome(fixture, log, random, pick);
        }
        await resume(fixture, listeners, log);
        await atRest(fixture);
        for (const listener of listeners) {
          if (listener.subscription) noteLive(listener, log);
          expect(listener.seen, `SEED=${seed} ${JSON.stringify(listener.wish)}`).toEqual(listener.expected);
        }
      },
    );
  });
}

function createListener(step: number, random: () => number, pick: <T>(list: readonly T[]) => T): Listener {
  const { seen, handler } = collector();
  const wish: Wish = {
    pattern: pick(['m.>', 'm.*', 'm.a', 'm.*.c', 'm.b.>']),
    ...(random() < 0.4 && { priorities: PRIORITIES.filter((_, index) => index === 0 || random() < 0.5) }),
    ...(random() < 0.6 && { name: `listener-${step}` }),
    policy: pick(['none', 'full', 'critical-only', undefined]),
    limit: random() < 0.3 ? 1 + Math.floor(random() * 5) : Infinity,
  };
  return { wish, seen, handler, expected: [], subscription: undefined, upTo: 0, isNew: true };
}

/** The replay a wish comes to: a limit needs a window. */
function toReplay({ policy, limit }: Wish) {
  if (policy === undefined) return {};
  return { replay: limit === Infinity ? policy : { policy, limit } };
}

async function begin({ system, run }: BusFixture, listener: Listener, log: readonly Published[]): Promise<void> {
  const { wish, handler } = listener;
  const { pattern, priorities, name } = wish;
  const options = { ...(priorities && { priorities }), ...(name !== undefined && { name }), ...toReplay(wish) };
  noteReplay(listener, log);
  listener.subscription = await run(system.bus.subscribe(pattern, handler, options));
}

/** What the policy chooses of what it has not had its choice of yet. */
function noteReplay(listener: Listener, log: readonly Published[]): void {
  const { policy = listener.isNew ? 'none' : 'full', limit } = listener.wish;
  const missed = log.slice(listener.upTo).filter((event) => wants(listener.wish, event));
  const chosen = missed.filter(
    ({ priority }) => policy === 'full' || (policy === 'critical-only' && priority === 'critical'),
  );
  listener.expected.push(...chosen.slice(0, listener.wish.policy === undefined ? Infinity : limit).map(({ n }) => n));
  listener.upTo = log.length;
  listener.isNew = false;
}

function noteLive(listener: Listener, log: readonly Published[]): void {
  const live = log.slice(listener.upTo).filter((event) => wants(listener.wish, event));
  listener.expected.push(...live.map(({ n }) => n));
  listener.upTo = log.length;
}

function wants({ pattern, priorities }: Wish, { topic, priority }: Published): boolean {
  return matchesPattern(pattern, topic) && (priorities === undefined || priorities.includes(priority));
}

/** Ends one; what was published by then it has seen. */
async function end(fixture: BusFixture, listener: Listener | undefined, log: readonly Published[]): Promise<void> {
  if (!listener?.subscription) return;
  await atRest(fixture);
  noteLive(listener, log);
  await fixture.run(listener.subscription.stop());
  listener.subscription = undefined;
}

/** Those with a name that are away come again. */
async function resume(fixture: BusFixture, listeners: readonly Listener[], log: readonly Published[]): Promise<void> {
  for (const listener of listeners)
    if (!listener.subscription && listener.wish.name !== undefined) await begin(fixture, listener, log);
}

async function restart(fixture: BusFixture, listeners: readonly Listener[], log: readonly Published[]): Promise<void> {
  for (const listener of listeners) await end(fixture, listener, log);
  await fixture.restart();
}

async function publishSome(
  { system, run }: BusFixture,
  log: Published[],
  random: () => number,
  pick: <T>(list: readonly T[]) => T,
): Promise<void> {
  const count = 1 + Math.floor(random() * (random() < 0.1 ? 300 : 8));
  const events = upTo(count).map((index) => ({
    n: log.length + index,
    topic: pick(['m.a', 'm.b', 'm.a.c', 'm.b.c', 'm.b.c.d', 'other']),
    priority: pick(PRIORITIES),
  }));
  log.push(...events);
  await run(Promise.all(events.map(({ n, topic, priority }) => system.bus.publish(topic, n, { priority }))));
}
