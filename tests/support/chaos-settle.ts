/** The end of a chaos run: waits until nothing moves any more, then reads what every actor processed. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Address, System } from '../../src/index.ts';
import type { LoggedEntry } from './checker.ts';
import { ADDRESSES } from './chaos-load.ts';

/** What is left in the store, counts by name; nothing moves any more when all are 0, or never will again. */
export type Leftovers = Readonly<Record<'inboxRows' | 'outboxRows' | 'recoverable', number>>;

const LOOK_EVERY_MS = 25;
const PAGE = 10_000;

/** Waits until nothing is left, `timeoutMs` at most, and returns what was last seen. */
export async function waitUntilQuiet(system: System, timeoutMs: number): Promise<Leftovers> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const { inboxRows, outboxRows } = await system.stats();
    const recoverable = (await system.store.call('recoverable')).length;
    const isQuiet = inboxRows + outboxRows + recoverable === 0;
    if (isQuiet || performance.now() > deadline) return { inboxRows, outboxRows, recoverable };
    await sleep(LOOK_EVERY_MS);
  }
}

/** The logs of all actors under load. */
export async function readLogs(system: System): Promise<Map<string, readonly LoggedEntry[]>> {
  const logs = new Map<string, readonly LoggedEntry[]>();
  for (const address of ADDRESSES) logs.set(address, await readLog(system, address as Address));
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
