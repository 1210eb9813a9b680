/** The proxy does to a connection what networks do, and nothing else; a client of plain text gets through it. */
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/harness.ts';
import { startProxy } from '../support/nats-proxy.ts';
import { connectRaw } from '../support/nats-raw.ts';
import { startNatsServer } from '../support/nats-server.ts';
import type { NatsServer } from '../support/nats-server.ts';

let server: NatsServer | undefined;
beforeAll(async () => void (server = await startNatsServer()));
afterAll(() => server?.stop());

test('a client of plain text asks one of the library, and the other way round', async () => {
  const library = await connect({ servers: `127.0.0.1:${server!.port}` });
  await using raw = await connectRaw(server!.url, { name: 'stranger' });
  library.subscribe('greet', { callback: (_, message) => void message.respond(`hello ${message.string()}`) });
  raw.subscribe('shout', ({ text, reply, headers }) => {
    raw.publish(reply!, text.toUpperCase(), { headers: { Heard: headers.replaceAll('\r\n', ', ') } });
  });
  await Promise.all([library.flush(), raw.ping()]);
  expect((await raw.request('greet', 'wörld ✓')).text).toBe('hello wörld ✓');
  const shouted = await library.request('shout', 'wörld ✓');
  expect([shouted.string(), shouted.headers?.get('Heard')]).toEqual(['WÖRLD ✓', '']);
  const answer = await raw.request('shout', 'a\r\nb', { headers: { One: '1', Two: '2 3' } });
  expect(answer).toMatchObject({ text: 'A\r\nB', headers: 'Heard: One: 1, Two: 2 3' });
  expect((await raw.request('shout', '')).text).toBe('');
  await library.close();
});

test('a client of plain text takes a message in as many pieces as it comes in, and queues share', async () => {
  await using raw = await connectRaw(server!.url);
  await using other = await connectRaw(server!.url);
  const got: string[] = [];
  const big = 'ü'.repeat(300_000);
  raw.subscribe('big', ({ text }) => got.push(text), 'readers');
  other.subscribe('big', ({ text }) => got.push(text), 'readers');
  await Promise.all([raw.ping(), other.ping()]);
  for (let i = 0; i < 4; i++) raw.publish('big', `${i}${big}`);
  await eventually(() => got.length === 4);
  expect(got.toSorted()).toEqual([0, 1, 2, 3].map((i) => `${i}${big}`));
});

test('a client of plain text hears what the server complains of', async () => {
  await using raw = await connectRaw(server!.url);
  raw.write('NONSENSE');
  await expect(raw.ping()).rejects.toThrow(`'Unknown Protocol Operation'`);
  expect(raw.isClosed).toBe(true);
});

test('cut ends all connections, and new ones come through', async () => {
  await using proxy = await startProxy(server!.port);
  const raws = await Promise.all([connectRaw(proxy.url), connectRaw(proxy.url)]);
  expect(proxy.connections).toBe(2);
  proxy.cut();
  await eventually(() => raws.every((raw) => raw.isClosed));
  expect(proxy.connections).toBe(0);
  await using again = await connectRaw(proxy.url);
  await again.ping();
});

test('refuse takes no new connections and leaves the old ones alone, until accept', async () => {
  await using proxy = await startProxy(server!.port);
  await using old = await connectRaw(proxy.url);
  await proxy.refuse();
  await expect(connectRaw(proxy.url)).rejects.toThrow('ECONNREFUSED');
  await old.ping();
  await proxy.accept();
  await using again = await connectRaw(proxy.url);
  await Promise.all([old.ping(), again.ping()]);
});

test('a client of the library comes back by itself after a cut', async () => {
  await using proxy = await startProxy(server!.port);
  const library = await connect({ servers: `127.0.0.1:${proxy.port}`, reconnectTimeWait: 10 });
  const events: string[] = [];
  const watched = (async () => {
    for await (const { type } of library.status()) events.push(type);
  })();
  proxy.cut();
  await eventually(() => events.includes('reconnect'));
  await library.flush();
  await library.close();
  await watched;
});

test.each(['toServer', 'toClient'] as const)(
  'stall %s holds all bytes, flow delivers every one in order',
  async (direction) => {
    await using proxy = await startProxy(server!.port);
    await using near = await connectRaw(proxy.url);
    await using far = await connectRaw(server!.url);
    const [sender, receiver] = direction === 'toServer' ? [near, far] : [far, near];
    const got: string[] = [];
    receiver.subscribe('held', ({ text }) => got.push(text.slice(0, 4)));
    await receiver.ping();
    const before = proxy.passed[direction];
    proxy.stall(direction);
    // More than the buffers of the proxy take: the sender's own fill up.
    const sent = Array.from({ length: 20 }, (_, index) => String(index).padStart(4, '0'));
    for (const text of sent) sender.publish('held', text + 'x'.repeat(100_000));
    // Round trips past the proxy, which give it the time to do wrong.
    for (let i = 0; i < 20; i++) await far.request('$JS.API.INFO');
    expect([got, proxy.passed[direction]]).toEqual([[], before]);
    proxy.flow();
    await eventually(() => got.length === sent.length);
    expect(got).toEqual(sent);
  },
);

test('delay keeps bytes on their way for so long, in one direction or both', async () => {
  await using proxy = await startProxy(server!.port);
  await using raw = await connectRaw(proxy.url);
  const timePing = async (): Promise<number> => {
    const startedMs = performance.now();
    await raw.ping();
    return performance.now() - startedMs;
  };
  proxy.delay({ toServer: 60 });
  const oneWay = await timePing();
  proxy.delay(60);
  const bothWays = await timePing();
  proxy.delay(0);
  expect(oneWay).toBeGreaterThanOrEqual(60);
  expect(bothWays).toBeGreaterThanOrEqual(120);
  // On its way together: ten pings take as long as one.
  proxy.delay(60);
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: 10 }, () => raw.ping()));
  expect(performance.now() - startedMs).toBeLessThan(600);
});

test('cutAfterBytes delivers so many bytes and not one more, in the middle of a message', async () => {
  await using proxy = await startProxy(server!.port);
  await using far = await connectRaw(server!.url);
  const got: string[] = [];
  far.subscribe('torn', ({ text }) => got.push(text));
  await far.ping();
  const line = 'PUB torn 5\r\nhello\r\n';
  for (const [extra, expected] of [
    [0, ['hello', 'hello']],
    [-1, ['hello']],
  ] as const) {
    got.length = 0;
    await using near = await connectRaw(proxy.url);
    const before = proxy.passed.toServer;
    const reached = proxy.cutAfterBytes(2 * line.length + extra);
    for (let i = 0; i < 3; i++) near.publish('torn', 'hello');
    await reached;
    await eventually(() => near.isClosed && proxy.connections === 0);
    await eventually(() => got.length >= expected.length);
    await far.ping();
    expect(got).toEqual(expected);
    expect(proxy.passed.toServer - before).toBe(2 * line.length + extra);
  }
});

test('where cutWithin cuts is decided by the seed', async () => {
  const chosen = async (seed: number): Promise<number[]> => {
    await using proxy = await startProxy(server!.port, { seed });
    return Array.from({ length: 5 }, () => proxy.cutWithin(1_000).afterBytes);
  };
  expect(await chosen(7)).toEqual(await chosen(7));
  expect(await chosen(7)).not.toEqual(await chosen(8));
});
