/**
 * Durable time (G11). A scheduled event comes once, never before its time, and not after its cancellation was acknowledged;
 * one that was scheduled for certain and not taken back comes. Timers of machines fire in turn, never early by their policy.
 */
import { isBefore } from './chaos-calls.ts';
import type { Call, Lives, Span } from './chaos-calls.ts';
import type { Invocation } from './chaos-history.ts';
import type { ChaosHistory, Findings, LoggedEntry, TimeFigures } from './chaos-verdict.ts';

/** Id of the event that a call schedules. */
export function ringOf(callId: string): string {
  return `${callId}^`;
}

/** What was asked of one key of one actor. */
interface Order {
  readonly call: Invocation;
  readonly span: Span;
  /** It took effect for certain. Otherwise it may have. */
  readonly isSure: boolean;
  /** Earliest time; null: nothing is scheduled any more. */
  readonly dueAt: number | null;
  /** The event that came of it. */
  readonly ring: LoggedEntry | undefined;
}

interface TimeCase {
  readonly calls: ReadonlyMap<string, Call>;
  readonly logs: ChaosHistory['logs'];
  readonly lives: Lives;
  readonly found: Findings;
}

/** Where scheduled events may stand: their ids, and their actors. */
export function ringPlaces(calls: TimeCase['calls']): ReadonlyMap<string, string> {
  const sets = [...calls.values()].filter(({ first }) => first.timer && !isTakenBack(first));
  return new Map(sets.map(({ first }) => [ringOf(first.id), first.to]));
}

/** Checks everything about time. */
export function checkTime({ calls, logs, lives, found }: TimeCase): TimeFigures {
  const lines = [...toTimelines(calls, logs).values()];
  for (const line of lines) for (const [i, order] of line.entries()) checkOrder(order, line.slice(i + 1), found);
  const ticks = [...logs].flatMap(([address, entries]) => checkTicks(address, entries, lives, found));
  const orders = lines.flat();
  return {
    orders: orders.filter(({ isSure }) => isSure).length,
    rings: orders.filter(({ ring }) => ring).length,
    cancelled: lines.reduce((sum, line) => sum + line.filter((order, i) => isCancelled(order, line[i + 1])).length, 0),
    ticks: ticks.length,
    ticksAfterKill: ticks.filter(({ at, armedAt }) => lives.begunBefore(at) > armedAt).length,
  };
}

function isTakenBack({ timer }: Invocation): boolean {
  return timer?.dueAt === undefined && timer?.afterMs === undefined;
}

function isCancelled({ isSure, dueAt, ring }: Order, next: Order | undefined): boolean {
  return isSure && dueAt !== null && !ring && next?.isSure === true;
}

/** Orders by actor and key, in the order they were given. One at a time is under way for each. */
function toTimelines(calls: TimeCase['calls'], logs: ChaosHistory['logs']): ReadonlyMap<string, Order[]> {
  const entries = new Map([...logs.values()].flatMap((log) => log.map((entry) => [entry.id, entry] as const)));
  const timelines = new Map<string, Order[]>();
  for (const call of calls.values()) {
    const order = toOrder(call, entries);
    if (!order) continue;
    const key = `${call.first.to} ${call.first.timer?.key}`;
    timelines.set(key, [...(timelines.get(key) ?? []), order]);
  }
  return timelines;
}

/** Nothing when the call certainly had no effect. */
function toOrder({ first, span, isOk }: Call, entries: ReadonlyMap<string, LoggedEntry>): Order | undefined {
  if (!first.timer) return undefined;
  const ring = entries.get(ringOf(first.id));
  if (first.op !== 'plan') return { call: first, span, isSure: isOk, dueAt: dueOf(first), ring };
  const plan = entries.get(first.id)?.plan;
  return plan && { call: first, span, isSure: true, dueAt: plan.dueAt, ring };
}

function dueOf(call: Invocation): number | null {
  if (isTakenBack(call)) return null;
  return call.timer?.dueAt ?? call.at + (call.timer?.afterMs ?? 0);
}

function checkOrder(order: Order, later: readonly Order[], found: Findings): void {
  const { call, dueAt, ring } = order;
  if (dueAt === null) return;
  const id = ringOf(call.id);
  const what = `'${id}', scheduled for '${call.to}' under '${call.timer?.key}',`;
  if (ring?.ring && ring.ring.at < dueAt)
    found.add('timer-early', id, `${what} came ${dueAt - ring.ring.at} ms before its time`);
  if (mustRing(order, later)) found.add('timer-lost', id, `${what} never came`);
  const end = later.find(({ isSure, span }) => isSure && isBefore(order.span, span));
  if (ring?.ring && end && ring.ring.at > end.span.beforeAt)
    found.add(
      'timer-undead',
      id,
      `${what} came ${ring.ring.at - end.span.beforeAt} ms after '${end.call.id}' took it back`,
    );
}

/** Of something scheduled for certain, and moves that may have happened, one comes. */
function mustRing({ isSure, ring }: Order, later: readonly Order[]): boolean {
  if (!isSure || ring) return false;
  return later.every((other) => !other.isSure && other.dueAt !== null && !other.ring);
}

type Tick = NonNullable<LoggedEntry['tick']>;

function checkTicks(address: string, entries: readonly LoggedEntry[], lives: Lives, found: Findings): readonly Tick[] {
  const last = new Map<string, LoggedEntry>();
  return entries.flatMap((entry) => {
    const { tick, id, n } = entry;
    if (!tick) return [];
    const before = last.get(tick.policy);
    if (n !== (before?.n ?? 0) + 1)
      found.add('tick-gap', id, `'${address}' counted tick ${n} of '${tick.policy}' after tick ${before?.n ?? 0}`);
    if (before?.tick && tick.armedAt < before.tick.at)
      found.add(
        'tick-gap',
        id,
        `timer ${n} of '${tick.policy}' of '${address}' was set before timer ${before.n} fired`,
      );
    const earlyMs = dueAtLeast(tick, lives) - tick.at;
    if (earlyMs > 0)
      found.add('timer-early', id, `timer ${n} of '${tick.policy}' of '${address}' fired ${earlyMs} ms early`);
    last.set(tick.policy, entry);
    return [tick];
  });
}

/** The earliest time the policy allows, from what is known for certain about the downtime. */
function dueAtLeast({ policy, armedAt, delayMs, at }: Tick, lives: Lives): number {
  switch (policy) {
    case 'deadline':
      return armedAt + delayMs;
    case 'remaining':
      return armedAt + delayMs + lives.downMs(armedAt, at);
    case 'restart':
      return Math.max(armedAt, lives.begunBefore(at)) + delayMs;
  }
}
