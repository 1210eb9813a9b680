/**
 * Hands over to an agent what it missed on its topics: in order of position, page by page, each event tried twice, none that was handed
 * over before. Whatever was published, one page is in memory.
 */
import { toBusEvent } from '../bus/received.ts';
import { matchesPattern } from '../bus/subjects.ts';
import type { BusEvent } from '../bus/topic-event.ts';
import type { Env } from '../env.ts';
import type { BusQuery } from '../store/queries.ts';
import type { BusEventRow } from '../store/store.ts';
import type { AgentRecord, ReplayResult } from './agent.ts';
import type { RecentIds } from '../bus/recent-ids.ts';

/** Events of one read. */
const PAGE_EVENTS = 256;

/** How often an event is tried. */
const MAX_TRIES = 2;

/** Time one try may take. */
const TRY_LIMIT_MS = 10_000;

/** Failures that are kept by name. */
const MAX_NAMED = 100;

export interface ReplayRequest {
  readonly env: Env;
  readonly read: (query: BusQuery) => Promise<readonly BusEventRow[]>;
  readonly record: Pick<AgentRecord, 'topics' | 'replay'>;
  readonly deliver: (event: BusEvent) => unknown;
  readonly delivered: RecentIds;
  /** Begins after this position. */
  readonly afterPos: number;
  /** Counts of the whole outage: a hand-over may come in parts. */
  readonly tally: ReplayTally;
  /** Everything up to this position is done with. */
  readonly reached: (pos: number) => void;
  /** An event was handed over, or could not be. */
  readonly tried: (isHandedOver: boolean) => void;
  /** Ends with this one. */
  readonly untilPos: number;
  /** True when the agent is out again. */
  readonly isOver: () => boolean;
}

/** Nothing was missed. */
export const NOTHING_MISSED: ReplayResult = { replayed: 0, failed: 0, skipped: 0, failures: [] };

/** Hands over what was missed. Resolves with false when the agent was out again before the end; rejects only when the store cannot be read. */
export async function replayMissed(request: ReplayRequest): Promise<boolean> {
  const { read, untilPos, isOver, afterPos, reached } = request;
  let pos = afterPos;
  while (pos < untilPos) {
    const page = await read({ afterPos: pos, limit: PAGE_EVENTS });
    for (const row of page) {
      if (row.pos > untilPos) break;
      if (isOver()) return false;
      if (isWanted(request.record, row)) await handOver(request, row);
      pos = row.pos;
      reached(pos);
    }
    if (page.length < PAGE_EVENTS || (page.at(-1)?.pos ?? 0) >= untilPos) break;
  }
  reached(Math.max(pos, untilPos));
  return true;
}

/** True when more than half of what was tried failed. */
export function isMostlyFailed({ replayed, failed }: ReplayResult): boolean {
  return failed > replayed;
}

function isWanted({ topics, replay }: Pick<AgentRecord, 'topics' | 'replay'>, row: BusEventRow): boolean {
  if (replay === 'none' || (replay === 'critical-only' && row.priority !== 'critical')) return false;
  return topics.some((pattern) => matchesPattern(pattern, row.topic));
}

async function handOver(request: ReplayRequest, row: BusEventRow): Promise<void> {
  const { env, deliver, delivered, tally, tried } = request;
  if (delivered.has(row.id)) return void tally.skipped++;
  for (let tries = 1; ; tries++) {
    try {
      await withLimit(env, deliver, toBusEvent(row));
      delivered.add(row.id);
      tally.replayed++;
      return tried(true);
    } catch (error) {
      if (tries < MAX_TRIES) continue;
      tally.fail(row, error);
      return tried(false);
    }
  }
}

/** A try that takes too long has failed: the others must not wait for it for ever. */
function withLimit(env: Env, deliver: (event: BusEvent) => unknown, event: BusEvent): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = env.setTimeout(() => reject(new Error(`deliver took more than ${TRY_LIMIT_MS} ms`)), TRY_LIMIT_MS);
    const run = async (): Promise<void> => void (await deliver(event));
    run()
      .then(resolve, reject)
      .finally(() => env.clearTimeout(timer));
  });
}

/** What came of the events of one outage so far. */
export class ReplayTally {
  replayed = 0;
  skipped = 0;
  #failed = 0;
  readonly #failures: { readonly id: string; readonly topic: string; readonly error: string }[] = [];

  fail({ id, topic }: BusEventRow, error: unknown): void {
    this.#failed++;
    if (this.#failures.length === MAX_NAMED) return;
    this.#failures.push({ id, topic, error: error instanceof Error ? error.message : String(error) });
  }

  result(): ReplayResult {
    const { replayed, skipped } = this;
    return { replayed, skipped, failed: this.#failed, failures: [...this.#failures] };
  }
}
