/** Replays into an actor that cannot take every event: it is said which, so that whoever asked can go on behind it. */
import { expect, test } from 'vitest';
import { replayInto } from '../../../src/bus/replay-into.ts';
import { TroupeError } from '../../../src/errors.ts';
import type { BusEventRow } from '../../../src/store/store.ts';

const row = (pos: number): BusEventRow => ({
  pos,
  id: `e${pos}`,
  topic: 'a',
  source: 'bus/host',
  at: 0,
  time: 0,
  priority: 'normal',
  text: '1',
  attributes: null,
  origin: null,
});

async function* pages(...groups: readonly (readonly number[])[]): AsyncGenerator<readonly BusEventRow[]> {
  for (const group of groups) yield group.map(row);
}

test('the first event that is not taken is named, whichever fails first, and all before it were sent', async () => {
  const taken: number[] = [];
  const send = async ({ pos }: BusEventRow): Promise<void> => {
    await new Promise((resolve) => void setImmediate(resolve));
    if (pos === 12) await new Promise((resolve) => void setImmediate(resolve));
    if (pos === 12 || pos === 14) throw new TroupeError('ERR_EVENT_FAILED', `No to ${pos}.`, { details: { at: pos } });
    taken.push(pos);
  };
  const failure = replayInto(pages([3, 7], [12, 14, 20]), send);
  await expect(failure).rejects.toMatchObject({
    code: 'ERR_EVENT_FAILED',
    message: expect.stringMatching(/^No to 12\. The event is at 12 of the log/) as string,
    details: { at: 12, seq: 12 },
  });
  expect(taken.slice(0, 2)).toEqual([3, 7]);
});

test('at most 64 are under way, and all are counted', async () => {
  let [open, most] = [0, 0];
  const send = async (): Promise<void> => {
    most = Math.max(most, ++open);
    await new Promise((resolve) => void setImmediate(resolve));
    open--;
  };
  const numbers = Array.from({ length: 300 }, (_, n) => n + 1);
  expect(await replayInto(pages(numbers.slice(0, 200), [], numbers.slice(200)), send)).toBe(300);
  expect(most).toBe(64);
});
