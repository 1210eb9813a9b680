/** The end of a chaos run: waits until nothing moves any more, then reads what every actor processed. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Address, System } from '../../src/index.ts';
import type { LoggedEntry, TickPolicy } from './chaos-verdict.ts';
import { ADDRESSES, addressesOf } from './chaos-cast.ts';
import { WITNESS } from './chaos-load.ts';

/**
 * What is left in the store, counts by name; nothing moves any more when all are 0, or never will again. `unheard`: published
 * after the place of the witness; `restingTimers`: timers that should set themselves again and have not fired for a while.
 */
export type Leftovers = Readonly<
  Record<'inboxRows' | 'outboxRows' | 'recoverable' | 'scheduled' | 'unheard' | 'restingTimers', number>
>;

const LOOK_EVERY_MS = 25;
const PAGE = 10_000;

/** Rows of a ticker's log among which its last ticks are. */
const LAST_ROWS = 100;
const POLICIES: readonly TickPolicy[] = ['deadline', 'remaining', 'restart'];

/** Waits until nothing is left and every timer that goes on has fired, `timeoutMs` at most, and returns what was last seen. */
export async function waitUntilQuiet(system: System, timeoutMs: number): Promise<Leftovers> {
  const since = Date.now();
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const { inboxRows, outboxRows, scheduled } = await system.stats();
    const recoverable = (await system.store.call('recoverable')).length;
    const [unheard, restingTimers] = [await countUnheard(system), await countResting(system, since)];
    const leftovers = { inboxRows, outboxRows, recoverable, scheduled, unheard, restingTimers };
    const isQuiet = Object.values(leftovers).every((count) => count === 0);
    if (isQuiet || performance.now() > deadline) return leftovers;
    await sleep(LOOK_EVERY_MS);
  }
}

async function countUnheard(system: System): Promise<number> {
  const cursor = await system.store.call('cursor', WITNESS);
  const events = await system.store.call('busEvents', { afterPos: cursor?.pos ?? 0, limit: 10_000 });
  // What the runtime says is not for a witness of everything.
  return events.filter(({ topic }) => !topic.startsWith('system.')).length;
}

async function countResting(system: System, since: number): Promise<number> {
  let resting = 0;
  for (const address of addressesOf('ticker')) {
    const query = { limit: LAST_ROWS, direction: 'backward' } as const;
    const rows = await system.store.call('log', address as Address, query);
    const ticks = rows.flatMap(({ text }) => (JSON.parse(text) as LoggedEntry).tick ?? []);
    const isResting = (policy: TickPolicy): boolean => !ticks.some((tick) => tick.policy === policy && tick.at > since);
    if (rows.length > 0) resting += POLICIES.filter(isResting).length;
  }
  return resting;
}

/** The logs of all actors under load. */
export async function readLogs(
  system: System,
  addresses: readonly string[] = ADDRESSES,
): Promise<Map<string, readonly LoggedEntry[]>> {
  const logs = new Map<string, readonly LoggedEntry[]>();
  for (const address of addresses) logs.set(address, await readLog(system, address as Address));
  return logs;
}

async function readLog(system: System, address: Address): Promise<readonly LoggedEntry[]> {
  const entries: LoggedEntry[] = [];
  for (;;) {
    const rows = await system.store.call('log', address, { after: entries.at(-1)?.row ?? 0, limit: PAGE });
    for (const { n, text } of rows) entries.push({ row: n, ...(JSON.parse(text) as Omit<LoggedEntry, 'row'>) });
    if (rows.length < PAGE) return entries;
  }
}
