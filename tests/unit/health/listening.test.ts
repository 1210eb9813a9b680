/** H2: the subscriptions of the watch. */
import { expect, test } from 'vitest';
import { Listening } from '../../../src/health/listening.ts';

test('H2: a subscription that was refused is asked for again', async () => {
  const asked: string[] = [];
  const subscribe = async (topic: string): Promise<object> => {
    asked.push(topic);
    if (asked.length <= 2) throw new Error('the store is in trouble');
    return { stop: async () => {} };
  };
  const listening = new Listening({ subscribe } as never);
  await expect(listening.toRuntime(() => {})).rejects.toThrow('trouble');
  await expect(listening.toHeartbeats(() => {})).rejects.toThrow('trouble');
  for (let i = 0; i < 2; i++) {
    await listening.toRuntime(() => {});
    await listening.toHeartbeats(() => {});
  }
  expect(asked).toEqual(['system.*.*', 'heartbeat.>', 'system.*.*', 'heartbeat.>']);
});
