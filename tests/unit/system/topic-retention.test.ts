/** The hourly sweep of published events: what is past its time goes, and who had not come to it is named. */
import { expect, test } from 'vitest';
import { testSystem } from '../../../src/testing.ts';
import { BASIC } from '../../support/harness.ts';

const HOUR_MS = 3_600_000;

test('G12: events past their time are swept, and a named subscription that had not come to them is told of', async () => {
  await using troupe = await testSystem({ actors: [BASIC], topicRetentionMs: HOUR_MS / 2 });
  const { bus } = troupe.system;
  const seen: unknown[] = [];
  const audit = await bus.subscribe('order.>', ({ data }) => void seen.push(data), { name: 'audit' });
  await bus.subscribe('order.>', () => undefined, { name: 'present' });
  await bus.publish('order.made', 1);
  await troupe.clock.advance(1_000);
  await audit.stop();
  for (const n of [2, 3]) await bus.publish('order.made', n);
  await bus.publish('other', 4);
  await troupe.clock.advance(2 * HOUR_MS);
  const losses = troupe.logs.filter(({ text }) => text.startsWith('events were past their time'));
  expect(losses).toMatchObject([{ level: 'warn', fields: { subscription: 'audit', events: 2 } }]);
  await bus.publish('order.made', 5);
  await bus.subscribe('order.>', ({ data }) => void seen.push(data), { name: 'audit' });
  await troupe.clock.advance(1_000);
  expect(seen).toEqual([1, 5]);
});
