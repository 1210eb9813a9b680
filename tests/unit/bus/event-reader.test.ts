/** Subscribers of any speed, over a store that fails now and then: each sees all, in order, and reads no more than it must. */
import { expect, test } from 'vitest';
import type { BusEvent } from '../../../src/bus/topic-event.ts';
import { createRandom } from '../../../src/testing.ts';
import { createBusFixture, upTo } from './fixture.ts';
import type { BusFixture } from './fixture.ts';

const seeds = process.env['SEED'] === undefined ? upTo(30) : [Number(process.env['SEED'])];

/** A handler that takes its time, and the numbers it has seen. */
function listener(
  { env }: BusFixture,
  random: () => number,
): { seen: number[]; handler: (event: BusEvent) => Promise<void> } {
  const seen: number[] = [];
  const slowness = random() < 0.3 ? 0 : random();
  const handler = async ({ data }: BusEvent): Promise<void> => {
    if (random() < slowness) await new Promise<void>((resolve) => env.setTimeout(resolve, Math.ceil(random() * 20)));
    seen.push(data as number);
  };
  return { seen, handler };
}

test.each(seeds)('R1: every subscriber sees every event after it came, once and in order (seed %i)', async (seed) => {
  const random = createRandom(seed);
  const fixture = createBusFixture();
  const { bus, env, run } = fixture;
  const listeners: { seen: number[]; from: number }[] = [];
  let next = 0;
  for (let step = 0; step < 60; step++) {
    const draw = random();
    if (draw < 0.2) {
      const { seen, handler } = listener(fixture, random);
      const name = random() < 0.5 ? { name: `listener-${step}` } : {};
      const subscribed = bus.subscribe('a', handler, name);
      await run(subscribed);
      listeners.push({ seen, from: next });
    } else if (draw < 0.3) fixture.failReads(Math.ceil(random() * 3));
    else if (draw < 0.5) await env.advance(Math.floor(random() * 800));
    else {
      const count = Math.ceil(random() * (random() < 0.1 ? 400 : 10));
      const published = Promise.all(upTo(count).map((n) => bus.publish('a', next + n)));
      next += count;
      await run(published);
    }
  }
  await env.advance(60_000);
  for (const { seen, from } of listeners) expect(seen, `SEED=${seed}`).toEqual(upTo(next).slice(from));
  await run(bus.stop());
  expect(env.pendingTimers.filter(({ dueAt }) => dueAt > env.now() + 200)).toEqual([]);
});
