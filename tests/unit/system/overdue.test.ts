/** R11: events nobody processes and timers that do not fire are announced, once per stall, and nobody else is. */
import { assign, emit, setup } from 'xstate';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Address } from '../../../src/actor/address.ts';
import { TroupeError, defineActor, tell } from '../../../src/index.ts';
import type { Effect, SystemEvents } from '../../../src/index.ts';
import type { Recoverable } from '../../../src/store/queries.ts';
import type { Store } from '../../../src/store/store.ts';
import { MAX_ANNOUNCED_PER_LOOK, Overdue } from '../../../src/system/overdue.ts';
import { createSimulatedEnv } from '../../../src/testing.ts';
import { START, createWorld } from '../time/world.ts';
import type { World } from '../time/world.ts';

const EVERY_MS = 1000;
const AFTER_MS = 5000;

/** Looks over rows that the test sets. */
function create() {
  const env = createSimulatedEnv();
  const said: string[] = [];
  const announce = (_topic: string, data: unknown): void => {
    const { address, what, ageMs } = data as SystemEvents['system.actor.overdue'];
    said.push(`${what} ${address} ${ageMs}`);
  };
  const log = { warn: () => {} } as never;
  const overdue = new Overdue({ env, log, announce: announce as never, everyMs: EVERY_MS, overdueAfterMs: AFTER_MS });
  const rows = new Map<string, Recoverable>();
  const due = new Map<string, number>();
  const look = (): void => {
    const seen = overdue.look();
    for (const row of rows.values()) seen.recoverable(row);
    for (const [address, dueAt] of due) seen.due({ address: address as Address, dueAt });
    overdue.end(seen);
  };
  return {
    env,
    overdue,
    due,
    /** What waits for an actor: the position of its first row, and when that was written, from the start on. */
    wait: (key: string, pos: number, atMs: number, status: Recoverable['status'] = 'active') => {
      const address = `a/${key}` as Address;
      rows.set(key, { address, hasInFlight: false, oldest: { pos, at: START + atMs }, ...(status && { status }) });
    },
    forget: (key: string) => rows.delete(key),
    look,
    /** Looks regularly for a while, and returns what was said. */
    run: async (ms: number) => {
      for (let passedMs = 0; passedMs < ms; passedMs += EVERY_MS) {
        await env.advance(EVERY_MS);
        look();
      }
      return said.splice(0);
    },
  };
}

describe('the looks', () => {
  test('R11: a stall is announced once, with its age', async () => {
    const world = create();
    world.look();
    world.wait('x', 7, 500);
    expect(await world.run(5000)).toEqual([]);
    expect(await world.run(1000)).toEqual(['event a/x 5500']);
    expect(await world.run(60_000)).toEqual([]);
  });

  test('R11: an actor that moves is left alone, however much waits for it; another stall is announced again', async () => {
    const world = create();
    world.look();
    for (let pos = 1; pos <= 20; pos++) {
      world.wait('x', pos, 0);
      expect(await world.run(1000)).toEqual([]);
    }
    expect(await world.run(1000)).toEqual(['event a/x 21000']);
    world.wait('x', 21, 0);
    expect(await world.run(1000)).toEqual([]);
    expect(await world.run(1000)).toEqual(['event a/x 23000']);
    world.forget('x');
    expect(await world.run(1000)).toEqual([]);
  });

  test('R11: actors that are held or have ended keep their rows on purpose; one that is yet to be made does not', async () => {
    const world = create();
    world.look();
    for (const status of ['quarantined', 'failed', 'stopped', 'done'] as const) world.wait(status, 1, 0, status);
    world.wait('unborn', 2, 0, undefined);
    expect(await world.run(10_000)).toEqual(['event a/unborn 6000']);
    world.forget('unborn');
    await world.run(1000);
    expect(world.overdue.stats.oldestEventMs).toBe(0);
  });

  test('R11: a timer that does not fire is announced; one that fires and is set again is not', async () => {
    const world = create();
    world.look();
    world.due.set('a/late', START + 1000);
    world.due.set('a/soon', START + 100_000);
    for (let second = 1; second <= 10; second++) {
      world.due.set('a/busy', START + second * 10);
      expect(await world.run(1000)).toEqual(second === 7 ? ['timer a/late 6000'] : []);
    }
    expect(world.overdue.stats.overdueTimers).toBe(2);
    world.due.clear();
    await world.run(1000);
    expect(world.overdue.stats.overdueTimers).toBe(0);
  });

  test('R11: what waited while the system was down counts from the first look', async () => {
    const world = create();
    world.wait('x', 1, -1_000_000);
    world.look();
    expect(await world.run(5000)).toEqual([]);
    expect(await world.run(1000)).toEqual(['event a/x 1006000']);
  });

  test.each(['blocked', 'asleep'])('R11: a look that comes late accuses nobody: main was %s', async (how) => {
    const world = create();
    world.look();
    world.wait('x', 1, 0);
    await world.run(4000);
    if (how === 'blocked') await world.env.advance(60_000);
    else world.env.setClock(START + 64_000);
    world.look();
    expect(await world.run(5000)).toEqual([]);
    expect(await world.run(1000)).toEqual(['event a/x 70000']);
    // What was announced before such a pause is not announced again after it.
    await world.env.advance(60_000);
    world.look();
    expect(await world.run(20_000)).toEqual([]);
  });

  test('R11: while the store cannot save nobody is accused, and that time does not count afterwards', async () => {
    const world = create();
    world.look();
    world.wait('x', 1, 0);
    await world.run(4000);
    world.overdue.storeTrouble(true);
    expect(await world.run(60_000)).toEqual([]);
    world.overdue.storeTrouble(false);
    expect(await world.run(6000)).toEqual([]);
    expect(await world.run(1000)).toEqual(['event a/x 71000']);
  });

  test('R11: a clock that is set back by an hour hides nothing for an hour', async () => {
    const world = create();
    world.look();
    world.wait('x', 1, 0);
    await world.run(1000);
    world.env.setClock(START - 3_600_000);
    expect(await world.run(6000)).toEqual([]);
    expect(await world.run(1000)).toEqual(['event a/x 6000']);
    expect(world.overdue.stats.oldestEventMs).toBe(6000);
  });

  test('R11: a look that was given up half-way announces nothing twice', async () => {
    const world = create();
    world.look();
    world.wait('x', 1, 0);
    await world.run(5000);
    await world.env.advance(EVERY_MS);
    const halfWay = world.overdue.look();
    halfWay.recoverable({ address: 'a/x' as Address, hasInFlight: false, oldest: { pos: 1, at: START } });
    expect(await world.run(5000)).toEqual(['event a/x 6000']);
  });

  test('R11: thousands that stall at once are announced by the hundred, each once', async () => {
    const world = create();
    world.look();
    const count = 3 * MAX_ANNOUNCED_PER_LOOK + 1;
    for (let n = 0; n < count; n++) world.wait(`x${n}`, n + 1, 0);
    await world.run(5000);
    const said = [];
    for (let n = 0; n < 6; n++) said.push(await world.run(1000));
    expect(said.map(({ length }) => length)).toEqual([100, 100, 100, 1, 0, 0]);
    expect(new Set(said.flat().map((text) => text.split(' ')[1])).size).toBe(count);
  });
});

const machine = setup({
  types: {
    context: {} as { n: number },
    events: {} as { type: 'ADD' } | { type: 'PASS'; to: string } | { type: 'WAIT' },
    emitted: {} as Effect,
  },
  delays: { soon: 10_000 },
}).createMachine({
  context: { n: 0 },
  initial: 'idle',
  states: { idle: { on: { WAIT: 'waiting' } }, waiting: { after: { soon: 'idle' } } },
  on: {
    ADD: { actions: assign({ n: ({ context }) => context.n + 1 }) },
    PASS: { actions: emit(({ event }) => tell(event.to, { type: 'ADD' })) },
  },
});

const events = { ADD: z.object({}), PASS: z.object({ to: z.string() }), WAIT: z.object({}) };
const worker = defineActor('worker', machine, { events, hibernateAfterMs: 1000 });
const patient = defineActor('patient', machine, { events, timers: { soon: 'remaining' } });

/** A world in which the rows of some actors cannot be read, so that they stall while all others go on. */
async function createStalling(): Promise<{ world: World; stuck: Set<string>; said: string[] }> {
  const world = await createWorld({ actors: [worker, patient] });
  const stuck = new Set<string>();
  const { store } = world;
  const load = store.load.bind(store);
  store.load = (address) =>
    (stuck.has(address) ? Promise.reject(unreadable()) : load(address)) as ReturnType<Store['load']>;
  const said: string[] = [];
  const listen = ({ data }: { data: unknown }): void => void said.push(JSON.stringify(data));
  await world.now.system.bus.subscribe('system.actor.overdue', listen);
  return { world, stuck, said };
}

const unreadable = (): TroupeError => new TroupeError('ERR_STORE_UNAVAILABLE', 'A sector cannot be read.');

describe('a running system', () => {
  test('R11: an event that waits for an actor that cannot go on is announced and counted; then it is processed', async () => {
    const { world, stuck, said } = await createStalling();
    await using _ = world;
    const { system, clock, logs } = world.now;
    stuck.add('worker/b');
    await system.actor(worker, 'a').send({ type: 'PASS', to: 'worker/b' });
    await system.actor(worker, 'a').send({ type: 'PASS', to: 'worker/c' });
    await clock.advance(30_000);
    expect(said).toEqual([]);
    expect(await system.stats()).toMatchObject({ inboxRows: 1, oldestEventMs: 30_000, overdueTimers: 0 });
    await clock.advance(60_000);
    expect(said).toEqual(['{"address":"worker/b","what":"event","ageMs":31000}']);
    const warnings = logs.filter(({ fields }) => fields['component'] === 'overdue');
    expect(warnings).toMatchObject([{ level: 'warn', fields: { address: 'worker/b', ageMs: 31_000 } }]);
    stuck.clear();
    await clock.advance(3000);
    expect(await system.stats()).toMatchObject({ inboxRows: 0, oldestEventMs: 0 });
    expect((await system.actor(worker, 'b').snapshot()).context).toEqual({ n: 1 });
    await clock.advance(60_000);
    expect(said).toHaveLength(1);
  });

  test('R11, G11: a timer of an actor that cannot be loaded is announced, and fires once it can', async () => {
    const { world, stuck, said } = await createStalling();
    await using _ = world;
    const { system, clock } = world.now;
    await system.actor(worker, 'a').send({ type: 'WAIT' });
    await clock.advance(5000);
    stuck.add('worker/a');
    await clock.advance(60_000);
    expect(said.map((text) => JSON.parse(text) as object)).toMatchObject([{ address: 'worker/a', what: 'timer' }]);
    expect(await system.stats()).toMatchObject({ overdueTimers: 1 });
    stuck.clear();
    await clock.advance(3000);
    expect((await system.actor(worker, 'a').snapshot()).value).toBe('idle');
    expect(await system.stats()).toMatchObject({ overdueTimers: 0 });
  });

  test('R11, G11: a timer for which the downtime does not count is not overdue after it', async () => {
    const { world } = await createStalling();
    await using _ = world;
    await world.now.system.actor(patient, 'a').send({ type: 'WAIT' });
    const later = await world.restart(3_600_000, { overdueAfterMs: 2000 });
    const said: unknown[] = [];
    await later.system.bus.subscribe('system.>', (event) => void said.push(event));
    await later.clock.advance(8000);
    expect((await later.system.actor(patient, 'a').snapshot()).value).toBe('waiting');
    expect([said, (await later.system.stats()).overdueTimers]).toEqual([[], 0]);
  });
});
