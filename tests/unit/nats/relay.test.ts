/** The relay against a server whose failures are scripted: what a real one cannot be made to do at the right moment. */
import { expect, test } from 'vitest';
import { EventReader } from '../../../src/bus/event-reader.ts';
import { createRealEnv } from '../../../src/env.ts';
import { TroupeError } from '../../../src/errors.ts';
import type { NatsClient, NatsStateListener } from '../../../src/nats/client.ts';
import { RELAY_PLACE, Relay } from '../../../src/nats/relay.ts';
import { createLogger } from '../../../src/observe/logger.ts';
import { createTestSystem, eventually } from '../../support/harness.ts';

/** What becomes of one arrival: stored and acknowledged, stored and not acknowledged, or not stored. */
type Outcome = 'ok' | 'no-ack' | 'lost' | 'too-large';

/** A server that keeps what arrives, each id once, and does to the nth arrival what the script says. */
function createServer(script: (arrival: number, open: number) => Outcome) {
  const stored: string[] = [];
  const listeners = new Set<NatsStateListener>();
  let [arrivals, open, most] = [0, 0, 0];
  const unavailable = new TroupeError('ERR_NATS_UNAVAILABLE', 'no answer');
  const publish = async (_subject: string, text: string) => {
    const { data } = JSON.parse(text) as { data: string };
    const outcome = script(arrivals++, open);
    most = Math.max(most, ++open);
    if ((outcome === 'ok' || outcome === 'no-ack') && !stored.includes(data)) stored.push(data);
    await new Promise((resolve) => setImmediate(resolve));
    open--;
    if (outcome === 'too-large') throw new TroupeError('ERR_EVENT_TOO_LARGE', 'too large');
    if (outcome !== 'ok') throw unavailable;
    return { seq: stored.length, isDuplicate: false };
  };
  const client = {
    state: 'connected' as NatsClient['state'],
    namespace: 'x',
    info: { url: 'fake' },
    jet: { publish },
    onState: (listener: NatsStateListener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  const become = (state: NatsClient['state']): void => {
    client.state = state;
    for (const listener of listeners) listener(state);
  };
  return { stored, client: client as never as NatsClient, become, most: () => most };
}

async function relayed(count: number, script: Parameters<typeof createServer>[0]) {
  const troupe = await createTestSystem({ store: 'memory', threads: 0 });
  const { system } = troupe;
  const server = createServer(script);
  const buried: string[] = [];
  const [env, log, { store }] = [createRealEnv(), createLogger(() => {}, {}), system];
  const relay = await Relay.open({
    env,
    log,
    store,
    reader: new EventReader({ env, log, store }),
    client: server.client,
    place: { namespace: 'x', storeId: 'here' },
    ensureStream: () => Promise.resolve(),
    bury: (row) => Promise.resolve(void buried.push(JSON.parse(row.text) as string)),
  });
  const names = Array.from({ length: count }, (_, n) => `e${n}`);
  await Promise.all(names.map((name) => system.bus.publish('a', name)));
  relay.start();
  return {
    ...server,
    relay,
    names,
    buried,
    system,
    end: () => relay.stop(100).then(() => troupe[Symbol.asyncDispose]()),
  };
}

test('a server that takes nothing from the middle of the window on, and mends after a while, gets the rest in order, each once', async () => {
  let isFailing = false;
  let tries = 0;
  const { stored, names, relay, most, end } = await relayed(300, (arrival, open) => {
    if (isFailing && open === 0) tries++;
    // It mends while the relay tries again: a whole window sent then would be kept in part.
    if (arrival < 50 || tries > 1 || (tries === 1 && open > 3)) return 'ok';
    isFailing = true;
    return 'lost';
  });
  await eventually(() => stored.length >= 300);
  expect(stored).toEqual(names);
  await eventually(() => relay.stats.sent >= 300);
  expect(relay.stats.resent).toBeGreaterThan(0);
  expect(most()).toBeGreaterThan(100);
  await end();
});

test('acknowledgements that are lost make it send again what is there already, and the order stays', async () => {
  const { stored, names, relay, end } = await relayed(200, (arrival) =>
    arrival % 37 === 5 && arrival < 200 ? 'no-ack' : 'ok',
  );
  await eventually(() => relay.stats.sentSeq >= 200);
  expect(stored).toEqual(names);
  await end();
});

test('at most 512 are without an acknowledgement', async () => {
  const { stored, most, end } = await relayed(1500, () => 'ok');
  await eventually(() => stored.length === 1500);
  expect(most()).toBeLessThanOrEqual(512);
  expect(most()).toBeGreaterThan(100);
  await end();
});

test('an event the server can never take is buried and does not hold up the others', async () => {
  const { stored, names, buried, end } = await relayed(20, (arrival) => (arrival === 7 ? 'too-large' : 'ok'));
  await eventually(() => stored.length === 19 && buried.length === 1);
  expect([buried, stored]).toEqual([['e7'], names.filter((name) => name !== 'e7')]);
  await end();
});

test('a connection that is lost in the middle: it waits, then begins behind what was acknowledged; its place is never ahead', async () => {
  const { stored, names, relay, become, system, end } = await relayed(100, (arrival) =>
    arrival >= 40 && arrival < 100 ? 'no-ack' : 'ok',
  );
  await eventually(() => relay.stats.sent >= 40);
  become('reconnecting');
  expect(relay.stats.sentSeq).toBeLessThan(100);
  expect((await system.store.call('cursor', RELAY_PLACE))?.pos).toBeLessThanOrEqual(relay.stats.sentSeq);
  become('connected');
  await eventually(() => relay.stats.sentSeq >= 100);
  expect(stored).toEqual(names);
  await end();
});
