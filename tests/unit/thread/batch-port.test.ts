import { expect, test } from 'vitest';
import { createSimulatedEnv } from '../../../src/testing.ts';
import { BatchPort } from '../../../src/thread/batch-port.ts';

test('a malformed batch ends nobody: it is dropped, and what comes after it arrives', async () => {
  const env = createSimulatedEnv();
  const [sender, receiver] = env.createPort();
  const taken: unknown[] = [];
  new BatchPort(receiver, env).onBatch((entries) => void taken.push(...entries));
  for (const message of ['[{"k":"wake"', '{"k":"wake"}', undefined, '[1,2]']) sender.post(message);
  await env.settle();
  expect(taken).toEqual([1, 2]);
});
