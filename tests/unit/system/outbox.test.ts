/** Handlers of channels: who is asked, and that what goes wrong stays here. */
import { expect, test } from 'vitest';
import { createRealEnv } from '../../../src/env.ts';
import { TroupeError } from '../../../src/errors.ts';
import { createLogger } from '../../../src/observe/logger.ts';
import { Asks } from '../../../src/system/asks.ts';
import { Outbox } from '../../../src/system/outbox.ts';

function setUp(call: () => Promise<unknown> = async () => []) {
  const env = createRealEnv();
  const lines: string[] = [];
  const log = createLogger((level, _, text) => void lines.push(`${level} ${text}`), {});
  return { lines, outbox: new Outbox(env, log, { call } as never, new Asks(env)) };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a read that fails, as one just before a stop, is noted and harms nobody', async () => {
  const { outbox, lines } = setUp(async () => {
    throw new TroupeError('ERR_SYSTEM_STOPPED', 'stopped');
  });
  outbox.handle('out', () => {});
  await turn();
  expect(lines).toEqual(['debug pending deliveries could not be read']);
});

test('the release of an earlier handler leaves a later one alone', async () => {
  const { outbox } = setUp();
  const taken: unknown[] = [];
  const releaseFirst = outbox.handle('out', () => {});
  releaseFirst();
  const releaseSecond = outbox.handle('out', ({ payload }) => void taken.push(payload));
  releaseFirst();
  await turn();
  outbox.deliver({ id: '1', channel: 'out', from: 'a/a', payload: 1 }, 1);
  await turn();
  expect(taken).toEqual([1]);
  releaseSecond();
  outbox.handle('out', () => {});
});

test.each([
  { args: ['', () => {}], says: "The channel given to onDelivery() is '' (a string). Pass the name" },
  { args: [undefined, () => {}], says: 'The channel given to onDelivery() is undefined. Pass the name' },
  { args: ['out', 'f'], says: "The handler given to onDelivery('out') is 'f' (a string). Pass a function" },
  { args: ['out'], says: "The handler given to onDelivery('out') is undefined. Pass a function" },
])('$args is refused', ({ args, says }) => {
  const { outbox } = setUp();
  expect(() => outbox.handle(...(args as unknown as Parameters<Outbox['handle']>))).toThrow(
    expect.objectContaining({ code: 'ERR_OPTIONS_INVALID', message: expect.stringContaining(says) }),
  );
});
