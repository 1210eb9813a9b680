/** G15: an effect function that makes no progress is noticed, and nobody is charged with the time a neighbour took. */
import { expect, test } from 'vitest';
import { StallWatch } from '../../../src/cell/stall-watch.ts';
import type { Env } from '../../../src/env.ts';

/** A thread whose timers come when it gets to them. */
class Thread {
  #now = 0;
  #timer: { readonly dueAt: number; readonly fire: () => void } | undefined;
  stalls = 0;
  readonly watch: StallWatch;

  constructor(stallMs: number) {
    const env = {
      monotonicMs: () => this.#now,
      setTimeout: (fire: () => void, delayMs: number) => (this.#timer = { dueAt: this.#now + delayMs, fire }),
      clearTimeout: () => (this.#timer = undefined),
    };
    this.watch = new StallWatch(env as unknown as Env, stallMs, () => void this.stalls++);
  }

  /** Runs, and comes to its timers in time. */
  run(ms: number): void {
    const until = this.#now + ms;
    for (; this.#timer && this.#timer.dueAt <= until; this.#fire()) this.#now = this.#timer.dueAt;
    this.#now = until;
  }

  /** Is blocked, and comes to what is due afterwards. */
  block(ms: number): void {
    this.#now += ms;
    if (this.#timer && this.#timer.dueAt <= this.#now) this.#fire();
  }

  #fire(): void {
    const timer = this.#timer;
    this.#timer = undefined;
    timer?.fire();
  }
}

test('without progress it stalls when its time is over, and says so again for as long as nothing follows', () => {
  const thread = new Thread(400);
  thread.run(399);
  expect(thread.stalls).toBe(0);
  thread.run(1);
  expect(thread.stalls).toBe(1);
  thread.run(800);
  expect(thread.stalls).toBe(3);
});

test('progress gives it its time anew', () => {
  const thread = new Thread(400);
  for (let i = 0; i < 10; i++) {
    thread.run(300);
    thread.watch.progress();
  }
  expect(thread.stalls).toBe(0);
  thread.run(400);
  expect(thread.stalls).toBe(1);
});

test('one that says so every 100 ms does not stall because its thread was blocked for longer than it may be silent', () => {
  const thread = new Thread(400);
  thread.run(390);
  thread.watch.progress();
  // The timer of the watch is due before that of the effect function, which comes right behind it.
  thread.block(600);
  thread.watch.progress();
  thread.run(399);
  expect(thread.stalls).toBe(0);
});

test('one that is silent stalls for all that its thread was blocked, at most as late again as it may be silent', () => {
  const thread = new Thread(400);
  thread.run(300);
  thread.block(5000);
  expect(thread.stalls).toBe(0);
  thread.run(400);
  expect(thread.stalls).toBe(1);
});

test('a thread that is always late excuses once, until there is progress', () => {
  const thread = new Thread(400);
  thread.block(500);
  thread.block(500);
  expect(thread.stalls).toBe(1);
});

test('stopped, it says nothing', () => {
  const thread = new Thread(400);
  thread.watch.stop();
  thread.run(1000);
  expect(thread.stalls).toBe(0);
});
