/** Reads what is kept of the log, page by page, up to where it ended when the reading began. Nothing is held between two pages. */
import type { StoreClient } from '../store/store-client.ts';
import type { BusEventRow } from '../store/store.ts';
import { toScan } from './feed.ts';
import type { Window } from './replay-window.ts';

/** Events of one read. */
const PAGE_EVENTS = 512;

/**
 * Pages of the events a window chooses, in order; none is empty.
 * @param assertRunning asked before each read
 */
export async function* readLog(
  store: StoreClient,
  window: Window,
  assertRunning: () => void,
): AsyncGenerator<readonly BusEventRow[], void, undefined> {
  assertRunning();
  const untilPos = await store.call('lastBusPos');
  const { patterns } = window;
  const query = { ...toScan(window), ...(patterns && { patterns }), untilPos };
  let left = window.limit;
  for (let afterPos = window.afterPos; afterPos < untilPos && left > 0;) {
    assertRunning();
    const page = await store.call('scanBus', { ...query, afterPos, limit: Math.min(PAGE_EVENTS, left) });
    if (page.events.length > 0) yield page.events;
    left -= page.events.length;
    if (page.isEnd) return;
    afterPos = page.reachedPos;
  }
}
