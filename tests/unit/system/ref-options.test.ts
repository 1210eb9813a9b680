/** Options of send and ask: what is refused, and what is said. */
import { expect, test } from 'vitest';
import { counter } from '../../support/actors-basic.ts';
import { createSimulatedSystem, failureOf } from '../../support/harness.ts';

const MOST = 'Use a number of milliseconds from 1 to 86400000: timeoutMs: 5000.';

test.each([
  { options: { ID: 'x' }, says: "Option 'ID' of ask() is unknown. Known options: id, timeoutMs." },
  { options: { timeout: 5 }, says: "Option 'timeout' of ask() is unknown. Known options: id, timeoutMs." },
  { options: { timeoutMs: '5' }, says: `Option 'timeoutMs' is '5' (a string). ${MOST}` },
  { options: { timeoutMs: 0 }, says: `Option 'timeoutMs' is 0 (a number). ${MOST}` },
  { options: { timeoutMs: Number.POSITIVE_INFINITY }, says: `Option 'timeoutMs' is Infinity (a number). ${MOST}` },
  { options: { timeoutMs: Number.NaN }, says: `Option 'timeoutMs' is NaN (a number). ${MOST}` },
  { options: { id: 7 }, says: "Option 'id' is 7 (a number). Use a string of 1 to 256 characters: id: 'order-7'." },
  { options: 'x', says: "The options of ask() are 'x' (a string) instead of an object." },
  { options: null, says: 'The options of ask() are null instead of an object.' },
])('ask refuses $options', async ({ options, says }) => {
  await using troupe = await createSimulatedSystem();
  const asked = troupe.system.actor(counter, 'a').ask({ type: 'GET' }, options as never);
  expect((await failureOf(asked, 'ERR_OPTIONS_INVALID')).message).toContain(says);
});

test('send takes no timeout, and says so', async () => {
  await using troupe = await createSimulatedSystem();
  const sent = troupe.system.actor(counter, 'a').send({ type: 'ADD', n: 1 }, { timeoutMs: 5 } as never);
  const error = await failureOf(sent, 'ERR_OPTIONS_INVALID');
  expect(error.message).toBe("Option 'timeoutMs' of send() is unknown. Known options: id, ifSeq.");
  expect(error.details).toEqual({ option: 'timeoutMs' });
});
