/** Answers of NATS servers as the doctor reads them; what is given here is what 2.9.10 and 2.15.1 said. */
import { describe, expect, test } from 'vitest';
import { readAccount, readConsumers, readPing, readVarz } from '../../../src/cli/server-answers.ts';

const config = { max_memory: 67_108_864, max_storage: 1_073_741_824, compress_ok: true };

describe('sync settings', () => {
  test.each([
    ['sync_interval: always', { sync_interval: 120_000_000_000, sync_always: true }, 120_000, true],
    ['sync_interval: 10s', { sync_interval: 10_000_000_000 }, 10_000, false],
  ])('of a server with %s', (_what, sync, intervalMs, isAlways) => {
    const varz = { server_name: 'n1', version: '2.15.1', jetstream: { config: { ...config, ...sync } } };
    const expected = { server: 'n1', version: '2.15.1', intervalMs, isAlways };
    expect(readVarz(varz, 'monitoring port')).toEqual({ ...expected, from: 'monitoring port' });
    expect(readPing({ server: {}, data: varz })).toEqual({ ...expected, from: 'system account' });
  });

  test.each([
    ['a server that does not tell them', { version: '2.9.10', jetstream: { config } }],
    ['a server without JetStream', { version: '2.15.1', jetstream: {} }],
    ['something else', ['a page']],
    ['no answer', undefined],
  ])('of %s are unknown', (_what, answer) => {
    expect(readVarz(answer, 'monitoring port')).toBeUndefined();
    expect(readPing({ data: answer })).toBeUndefined();
  });
});

test('an account tells what it uses, and what it may', () => {
  const answer = { memory: 1, storage: 2, streams: 3, consumers: 4, limits: { max_memory: -1, max_storage: 9 } };
  expect(readAccount(answer)).toEqual({
    memoryBytes: 1,
    maxMemoryBytes: -1,
    fileBytes: 2,
    maxFileBytes: 9,
    streams: 3,
    consumers: 4,
  });
  expect(readAccount({ error: { code: 503, err_code: 10_039, description: 'not enabled' } })).toBeUndefined();
});

test('consumers with a durable name are groups', () => {
  const each = { name: 'a', num_pending: 5, num_ack_pending: 1, num_redelivered: 2, num_waiting: 3 };
  const consumers = [
    { ...each, config: { durable_name: 'a' } },
    { ...each, name: 'b', config: {} },
  ];
  const counts = { pending: 5, unacknowledged: 1, redelivered: 2, waiting: 3 };
  expect(readConsumers({ total: 2, consumers })).toEqual({
    total: 2,
    consumers: [
      { name: 'a', isDurable: true, ...counts },
      { name: 'b', isDurable: false, ...counts },
    ],
  });
  expect(readConsumers({ total: 0, consumers: null })).toEqual({ total: 0, consumers: [] });
});
