/** S6, G1: a store that cannot save is tried again at fixed times, what was accepted is kept, reads go on, new work is refused. */
import { expect, test } from 'vitest';
import type { ActorRef, TroupeError } from '../../../src/index.ts';
import { counter } from '../../support/actors-basic.ts';
import { failureOf } from '../../support/harness.ts';
import { BREAKAGES, createOutage } from '../../support/store-outage.ts';
import type { Outage } from '../../support/store-outage.ts';

const FULL = 'a full disk (SQLITE_FULL)';
const LOCKED = 'a file that somebody else has locked (SQLITE_BUSY)';
const BIG = 'x'.repeat(50_000);

const breakage = (name: string) => BREAKAGES[name] as (typeof BREAKAGES)[string];

/** Sends that are accepted, and in which order they are acknowledged. */
function sendTo(ref: ActorRef<typeof counter>, values: readonly number[]) {
  const acknowledged: number[] = [];
  const failures: unknown[] = [];
  for (const n of values) {
    void ref.send({ type: 'KEEP', value: BIG }).catch((error: unknown) => failures.push(error));
    void ref.send({ type: 'ADD', n }, { id: `n${n}` }).then(
      () => acknowledged.push(n),
      (error: unknown) => failures.push(error),
    );
  }
  return { acknowledged, failures };
}

/** A system with an actor that has counted to 1, broken while it takes three more events. */
async function breakDown(outage: Outage, name: string) {
  const { system, env } = outage.test;
  const ref = system.actor(counter, 'a', {});
  await ref.send({ type: 'ADD', n: 1 });
  const mend = outage.break(breakage(name));
  const sent = sendTo(ref, [2, 3, 4]);
  await env.advance(100);
  return { system, env, ref, mend, ...sent };
}

test.each(Object.keys(BREAKAGES))(
  'S6, G1: %s: tried after 1, 5, 30 and then every 60 s, told once, nothing lost or twice',
  async (name) => {
    await using outage = await createOutage();
    const { env, ref, mend, acknowledged, failures } = await breakDown(outage, name);
    await env.advance(299_900);
    expect(outage.heard.map(({ state }) => state)).toEqual(['trouble']);
    await env.advance(100);
    expect(outage.heard.map(({ state }) => state)).toEqual(['trouble', 'critical']);
    await env.advance(399_900);
    // 100 ms is the try that nobody is told of when it succeeds.
    const minutes = Array.from({ length: 12 }, (_, i) => 36_100 + i * 60_000);
    expect(outage.tries).toEqual([0, 100, 1_100, 6_100, ...minutes]);
    expect([acknowledged, failures]).toEqual([[], []]);
    mend();
    await env.advance(60_000);
    expect([acknowledged, failures]).toEqual([[2, 3, 4], []]);
    expect(outage.heard.map(({ state }) => state)).toEqual(['trouble', 'critical', 'well']);
    expect(outage.said).toEqual(['system.store.trouble', 'system.store.critical', 'system.store.recovered']);
    expect(await ref.snapshot()).toMatchObject({ context: { count: 10 } });
    const lines = outage.test.logs.filter(({ fields }) => fields['component'] === 'store');
    expect(lines.map(({ level }) => level)).toEqual(['error', 'fatal', 'info']);
    await outage.test.stop();
    const store = outage.reopen();
    const rows = await store.log(ref.address);
    await store.close();
    expect(rows.map(({ text }) => JSON.parse(text) as unknown)).toEqual([1, 3, 6, 10].map((count) => ({ count })));
  },
);

test('S6: new work is refused at once and says why, since when, and when it is tried again; the same id is safe afterwards', async () => {
  await using outage = await createOutage();
  const { system, env, ref, mend } = await breakDown(outage, FULL);
  const error = await failureOf(ref.send({ type: 'ADD', n: 100 }, { id: 'later' }), 'ERR_STORE_TROUBLE');
  expect(error.message).toMatch(
    /^The store has not been able to save since \d{4}-\S+Z \(database or disk is full\), so what was meant for 'counter\/a' was not accepted\. It is tried again in 1 s\. /,
  );
  expect(error.details).toEqual({ since: env.now(), nextTryAt: env.now() + 1000, retryAfterMs: 1000 });
  expect(system.storeStatus).toMatchObject({ state: 'trouble', since: env.now(), nextTryAt: env.now() + 1000 });
  const fresh = system.actor(counter, 'fresh', {});
  const refused = {
    ask: ref.ask({ type: 'GET' }),
    tell: ref.tell({ type: 'ADD', n: 100 }),
    schedule: ref.schedule('k', { type: 'ADD', n: 100 }, { afterMs: 1 }),
    unschedule: ref.unschedule('k'),
    stop: ref.stop(),
    create: fresh.send({ type: 'ADD', n: 1 }),
    'create by a look': fresh.snapshot(),
    publish: system.bus.publish('news', {}),
    remove: system.remove(ref.address),
    revive: system.revive(ref.address),
    discard: system.discard(ref.address),
    'discard a letter': system.discardDeadLetter(1),
    session: system.sessions.create({ user: 'u' }),
  };
  const outcomes = await Promise.allSettled(Object.values(refused));
  const codes = outcomes.map((outcome) => outcome.status === 'rejected' && (outcome.reason as TroupeError).code);
  expect(Object.fromEntries(Object.keys(refused).map((what, i) => [what, codes[i]]))).toEqual(
    Object.fromEntries(Object.keys(refused).map((what) => [what, 'ERR_STORE_TROUBLE'])),
  );
  mend();
  await env.advance(1000);
  expect(system.storeStatus).toEqual({ state: 'well' });
  await ref.send({ type: 'ADD', n: 100 }, { id: 'later' });
  await ref.send({ type: 'ADD', n: 100 }, { id: 'later' });
  expect(await ref.snapshot()).toMatchObject({ context: { count: 110 } });
  await expect(fresh.snapshot()).resolves.toMatchObject({ context: { count: 0 } });
});

test('S6: reads go on and show what is saved, of actors in memory and out of it', async () => {
  await using outage = await createOutage();
  const { system, env } = outage.test;
  const asleep = system.actor(counter, 'asleep', {});
  await asleep.send({ type: 'ADD', n: 7 });
  await env.advance(10 * 60_000);
  const { ref } = await breakDown(outage, FULL);
  await env.advance(60_000);
  expect(await ref.snapshot()).toMatchObject({ status: 'active', context: { count: 1 } });
  expect(await asleep.snapshot()).toMatchObject({ status: 'active', context: { count: 7 } });
  await failureOf(system.actor(counter, 'nobody').snapshot(), 'ERR_ACTOR_NOT_FOUND');
  expect((await system.list({ type: 'counter' })).items).toHaveLength(2);
  expect(await system.store.call('log', ref.address)).toHaveLength(1);
  expect(await system.stats()).toMatchObject({ actors: 2 });
  expect(await system.deadLetters()).toEqual([]);
  expect((await system.tree()).children.map(({ address }) => address)).toEqual(['counter']);
  expect(await system.lifecycle(ref.address)).toMatchObject({ state: 'running' });
});

test('S6: who waited for a state when trouble began gets the one that is saved', async () => {
  await using outage = await createOutage();
  const { system, env } = outage.test;
  const ref = system.actor(counter, 'a', {});
  await ref.send({ type: 'ADD', n: 1 });
  outage.break(breakage(FULL));
  sendTo(ref, [2]);
  const seen = ref.snapshot();
  await env.advance(100);
  expect(await seen).toMatchObject({ context: { count: 1 } });
});

test('S6: a failure that is over within 100 ms refuses nothing and is told nobody', async () => {
  await using outage = await createOutage();
  const { env } = outage.test;
  const ref = outage.test.system.actor(counter, 'a', {});
  await ref.send({ type: 'ADD', n: 1 });
  const mend = outage.break(breakage(FULL));
  const { acknowledged } = sendTo(ref, [2]);
  await env.advance(50);
  const later = ref.send({ type: 'ADD', n: 3 });
  mend();
  await env.advance(50);
  await later;
  expect([acknowledged, outage.heard, outage.tries.slice(0, 2)]).toEqual([[2], [], [0, 100]]);
});

test('S6: another outage is told anew, from the first pause on', async () => {
  await using outage = await createOutage();
  const { env, ref, mend } = await breakDown(outage, LOCKED);
  await env.advance(320_000);
  mend();
  await env.advance(60_000);
  const again = outage.break(breakage(LOCKED));
  sendTo(ref, [5]);
  await env.advance(7_000);
  expect(outage.tries).toEqual([0, 100, 1_100, 6_100]);
  again();
  await env.advance(30_000);
  expect(outage.heard.map(({ state }) => state)).toEqual(['trouble', 'critical', 'well', 'trouble', 'well']);
});

test('S6, G11: what the runtime has to do meanwhile is kept: timers fire and tells arrive once the store is back', async () => {
  await using outage = await createOutage();
  const { system, env } = outage.test;
  const ref = system.actor(counter, 'a', {});
  const other = system.actor(counter, 'b', {});
  await other.send({ type: 'ADD', n: 1 });
  await ref.schedule('soon', { type: 'FORWARD', to: 'counter/b', n: 10, times: 1 }, { afterMs: 5_000 });
  const mend = outage.break(breakage(LOCKED));
  void ref.send({ type: 'FORWARD', to: 'counter/b', n: 100, times: 1 });
  await env.advance(100_000);
  expect(await other.snapshot()).toMatchObject({ context: { count: 1 } });
  mend();
  await env.advance(60_000);
  expect(await other.snapshot()).toMatchObject({ context: { count: 111 } });
});

test('S6: actors that are not stored, and listeners that throw, do not mind', async () => {
  await using outage = await createOutage();
  const { system } = outage.test;
  system.onStoreTrouble(() => {
    throw new Error('mine');
  });
  system.onStoreTrouble(async () => {
    throw new Error('mine, later');
  });
  const end = system.onStoreTrouble(() => expect.unreachable());
  end();
  await breakDown(outage, FULL);
  expect(outage.heard).toHaveLength(1);
  expect(outage.test.logs.filter(({ text }) => text === 'a listener to the state of the store threw')).toHaveLength(2);
});

test('S6: a slow disk is no trouble: nothing is lost or refused, and a read waits for the transaction under way at most', async () => {
  await using outage = await createOutage();
  const { system, env } = outage.test;
  const ref = system.actor(counter, 'a', {});
  await ref.send({ type: 'ADD', n: 1 });
  outage.slowDown(3_000);
  outage.break(() => () => {});
  const { acknowledged, failures } = sendTo(ref, [2, 3, 4]);
  await env.advance(1_000);
  const seen: number[] = [];
  const startMs = env.monotonicMs();
  void system.list().then(() => seen.push(env.monotonicMs() - startMs));
  await env.advance(2_000);
  expect([seen, outage.tries[0]]).toEqual([[2_000], 0]);
  for (let i = 5; i < 20; i++) {
    void ref.send({ type: 'ADD', n: i }).then(() => acknowledged.push(i));
    await env.advance(1_000);
  }
  await env.advance(60_000);
  expect([acknowledged, failures]).toEqual([Array.from({ length: 18 }, (_, i) => i + 2), []]);
  expect([outage.heard, system.storeStatus]).toEqual([[], { state: 'well' }]);
  expect(outage.test.logs.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([]);
});
