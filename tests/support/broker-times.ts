/** How long a run with a broker took for what: until events flow again after a kill of the server, and from one system to the other. Pure. */
import type { BrokerHistory, Hearing } from './broker-check.ts';
import { SIDES } from './broker-plan.ts';
import type { FaultKind, Side } from './broker-plan.ts';

/** A fault as it was carried out. */
export interface FaultMark {
  readonly kind: FaultKind;
  /** For people. */
  readonly name: string;
  readonly beganAt: number;
  /** From here on nothing hinders events: the server accepts, the network flows, the system is up. */
  readonly overAt: number;
  /** Events flowed again before the next fault. */
  readonly isAwaited: boolean;
}

/** Percentiles of times, in milliseconds. */
export interface Spread {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface Times {
  /** From the server's acceptance to the first event that flows again, in the direction that took longer. */
  readonly reconnectMs: Spread;
  /** Kills whose reconnect took too long. */
  readonly slow: readonly { readonly name: string; readonly ms: number }[];
  /** Publish to handled by a named subscriber, within one system and from one to the other, faults included. */
  readonly localMs: Spread;
  readonly acrossMs: Spread;
}

/** The requirement. */
export const MOST_RECONNECT_MS = 3000;

/** The name of the named subscriber of a system, which all times are taken from. */
export function witnessOf(side: Side): string {
  return `${side}-witness`;
}

/** Measures a run. */
export function measureReconnects({ faults, receivers }: Pick<BrokerHistory, 'faults' | 'receivers'>): Times {
  const flows = SIDES.map((side) => ({
    side,
    hearings: receivers.filter(({ name }) => name === witnessOf(side)).flatMap(({ lives }) => lives.flat()),
  }));
  const across = flows.map(({ side, hearings }) => hearings.filter(({ from }) => isOfOther(side, from)));
  const local = flows.map(({ side, hearings }) => hearings.filter(({ from }) => from.startsWith(`${side}.`)));
  const reconnects = faults.flatMap((fault, index) => {
    const isClear = fault.kind === 'kill' && (faults[index - 1]?.isAwaited ?? true);
    const ms = isClear ? reconnectOf(fault, faults[index + 1]?.beganAt ?? Infinity, across) : undefined;
    return ms === undefined ? [] : [{ name: fault.name, ms }];
  });
  return {
    reconnectMs: toSpread(reconnects.map(({ ms }) => ms)),
    slow: reconnects.filter(({ ms }) => ms > MOST_RECONNECT_MS),
    localMs: toSpread(local.flat().map(latencyOf)),
    acrossMs: toSpread(across.flat().map(latencyOf)),
  };
}

/** Undefined when the next fault came before that. What was published after the kill came through the new server for certain. */
function reconnectOf(
  { beganAt, overAt }: FaultMark,
  untilAt: number,
  across: readonly (readonly Hearing[])[],
): number | undefined {
  const firsts = across.map((hearings) =>
    hearings.reduce((first, { sentAt, at = Infinity }) => (sentAt > beganAt ? Math.min(first, at) : first), Infinity),
  );
  const at = Math.max(...firsts);
  return at < untilAt ? Math.max(0, at - overAt) : undefined;
}

function isOfOther(side: Side, from: string): boolean {
  return SIDES.some((other) => other !== side && from.startsWith(`${other}.`));
}

function latencyOf({ sentAt, at = sentAt }: Hearing): number {
  return at - sentAt;
}

export function toSpread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.ceil(sorted.length * share) - 1] ?? 0;
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: sorted.at(-1) ?? 0 };
}
