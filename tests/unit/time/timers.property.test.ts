/**
 * G11 under random stories: timers of machines at any depth and scheduled events, set, moved and taken back while processes,
 * threads and the store crash, actors hibernate and clocks jump. `TIMER_STORIES=5000 TIMER_FROM=1` runs more of them.
 */
import { expect, test } from 'vitest';
import { forEachSeed } from '../../../src/testing.ts';
import { findFaults } from './model.ts';
import { Story } from './story.ts';

const count = Number(process.env['TIMER_STORIES'] ?? 400);
const from = Number(process.env['TIMER_FROM'] ?? 1);

test(
  `G11: never early, once each, none lost, none after it was taken back: ${count} stories`,
  { timeout: 60_000 + 200 * count },
  () =>
    forEachSeed({ count, from }, async (seed) => {
      expect(findFaults(await Story.tell(seed))).toEqual([]);
    }),
);
