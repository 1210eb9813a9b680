/**
 * The timers of one live machine: `after` and delayed events, at any depth. XState believes it has a clock; what it sets is
 * kept here with the time it is due, so that the next commit stores it and a restored machine gets it back (G11).
 *
 * Invariants: T1 a timer fires in a turn, and its row goes with the commit of that turn; T2 one taken back before its turn
 * comes does not fire; T3 it never fires before its time on Env's clock.
 */
import type { AnyActorRef } from 'xstate';
import type { Address } from '../actor/address.ts';
import type { TimerPolicy } from '../actor/policy.ts';
import { MAX_TIME_MS } from '../alarms.ts';
import type { Env, TimerHandle } from '../env.ts';
import { TroupeError } from '../errors.ts';
import { encodeJson } from '../state/json.ts';
import { hasState, pathOf } from './xstate-seams.ts';
import type { Scheduling } from './xstate-seams.ts';

/** A timer as stored with its actor. */
export interface TimerRow {
  /** Path of the actor that set it, below the root. */
  readonly source: string;
  /** Path of the actor that gets the event, when it is another one. */
  readonly target?: string;
  readonly id: string;
  readonly dueAt: number;
  readonly delayMs: number;
  readonly event: { readonly type: string };
  /** Downtime on record when it was set; for the policy `remaining`. */
  readonly downtimeMs?: number;
  /** Boot that set it; for the policy `restart`. */
  readonly boot?: string;
}

/** A timer that runs. */
export interface MachineTimer {
  readonly dueAt: number;
  readonly delayMs: number;
  readonly scheduling: Scheduling;
  readonly downtimeMs: number | undefined;
  readonly boot: string | undefined;
  /** JSON of its row, once it has been stored. */
  text: string | undefined;
  /** Runs XState's own callback. */
  readonly fire: () => void;
  alarm: TimerHandle;
}

/** Whose timers they are. */
export interface TimerHost {
  readonly address: Address;
  readonly env: Env;
  readonly timerPolicies: Readonly<Record<string, TimerPolicy>>;
  readonly boot: string;
  /** Time during which no system ran, on record for this store, in milliseconds. */
  readonly downtimeMs: number;
  /** A timer is due: it wants a turn. */
  onTimer(timer: MachineTimer): void;
}

const AFTER = 'xstate.after.';

export class MachineTimers {
  readonly #host: TimerHost;
  readonly #timers = new Set<MachineTimer>();
  /** What XState is about to set on its clock. */
  #next: { readonly scheduling: Scheduling; readonly row: TimerRow | undefined } | undefined;
  #isChanged = false;

  constructor(host: TimerHost) {
    this.#host = host;
  }

  /** Notes what the clock is asked for next. `row`: it is set again after a restore. */
  expect(scheduling: Scheduling, row?: TimerRow): void {
    this.#next = { scheduling, row };
  }

  /**
   * XState's clock.
   * @throws {TroupeError} ERR_SCHEDULE_INVALID when the delay is no time.
   */
  set(fire: () => void, delayMs: number): MachineTimer | undefined {
    const next = this.#next;
    this.#next = undefined;
    if (!next) return undefined;
    const timer = next.row
      ? this.#restored(next.row, next.scheduling, fire)
      : this.#new(next.scheduling, fire, delayMs);
    timer.alarm = this.#host.env.setAlarm(timer.dueAt, () => this.#host.onTimer(timer));
    this.#timers.add(timer);
    this.#isChanged = true;
    return timer;
  }

  /** XState's clock. */
  clear(timer: MachineTimer | undefined): void {
    if (!timer || !this.#timers.delete(timer)) return;
    this.#host.env.clearTimeout(timer.alarm);
    this.#isChanged = true;
  }

  /** Takes a timer whose turn has come; false when it was taken back meanwhile, or the clock was set back. */
  take(timer: MachineTimer): boolean {
    if (!this.#timers.has(timer)) return false;
    const { env } = this.#host;
    if (env.now() < timer.dueAt) {
      timer.alarm = env.setAlarm(timer.dueAt, () => this.#host.onTimer(timer));
      return false;
    }
    this.#isChanged = true;
    return this.#timers.delete(timer);
  }

  /** Lets `change` tell what there is, whether it has changed or not. */
  touch(): void {
    this.#isChanged = true;
  }

  /** What the next commit stores, when it differs from what the last call saw. @throws {TroupeError} ERR_NOT_JSON */
  change(): StoredTimers | undefined {
    if (!this.#isChanged) return undefined;
    this.#isChanged = false;
    if (this.#timers.size === 0) return NO_TIMERS;
    const timers = [...this.#timers].toSorted((a, b) => a.dueAt - b.dueAt);
    const owner = `A timer of '${this.#host.address}'`;
    const rows = timers.map((timer) => (timer.text ??= encodeJson(toRow(timer), owner, 'timer')));
    return { text: `[${rows.join(',')}]`, nextDue: timers[0]?.dueAt ?? null };
  }

  /** Nothing fires any more. */
  dispose(): void {
    for (const { alarm } of this.#timers) this.#host.env.clearTimeout(alarm);
    this.#timers.clear();
  }

  #new(scheduling: Scheduling, fire: () => void, delayMs: number): MachineTimer {
    const { address, env, boot, downtimeMs } = this.#host;
    const dueAt = toDueAt(env.now(), delayMs, () => `Timer '${scheduling.id}' of '${address}'`);
    const policy = this.#policyOf(scheduling);
    return {
      scheduling,
      fire,
      dueAt,
      delayMs,
      alarm: undefined,
      text: undefined,
      downtimeMs: policy === 'remaining' ? downtimeMs : undefined,
      boot: policy === 'restart' ? boot : undefined,
    };
  }

  #restored(row: TimerRow, scheduling: Scheduling, fire: () => void): MachineTimer {
    const { env, boot, downtimeMs } = this.#host;
    const policy = this.#policyOf(scheduling);
    const own = { alarm: undefined, text: undefined, downtimeMs: undefined, boot: undefined };
    const kept = { scheduling, fire, delayMs: row.delayMs, ...own };
    if (policy === 'remaining') {
      return { ...kept, dueAt: row.dueAt + downtimeMs - (row.downtimeMs ?? downtimeMs), downtimeMs };
    }
    if (policy === 'restart') {
      return { ...kept, dueAt: row.boot === boot ? row.dueAt : env.now() + Math.max(0, row.delayMs), boot };
    }
    return { ...kept, dueAt: row.dueAt };
  }

  /** By the name of the delay in `after`, or by the id of a delayed event. */
  #policyOf({ id, source }: Scheduling): TimerPolicy {
    const { timerPolicies: policies } = this.#host;
    if (Object.hasOwn(policies, id)) return policies[id] as TimerPolicy;
    for (const name in policies) if (isAfter(id, name, source)) return policies[name] as TimerPolicy;
    return 'deadline';
  }
}

/** True for the timer of delay `name` in a state of `source`: XState calls it after both, and either may hold dots. */
function isAfter(id: string, name: string, source: AnyActorRef): boolean {
  const start = `${AFTER}${name}.`;
  return id.startsWith(start) && hasState(source, id.slice(start.length));
}

export interface StoredTimers {
  /** JSON of the rows, null when there are none. */
  readonly text: string | null;
  readonly nextDue: number | null;
}

const NO_TIMERS: StoredTimers = { text: null, nextDue: null };

/**
 * The time `delayMs` from `now`; a negative delay of a machine is due at once, as in XState.
 * @throws {TroupeError} ERR_SCHEDULE_INVALID
 */
function toDueAt(now: number, delayMs: unknown, owner: () => string): number {
  const dueAt = typeof delayMs === 'number' ? Math.ceil(now + Math.max(0, delayMs)) : Number.NaN;
  if (dueAt <= MAX_TIME_MS) return dueAt;
  throw new TroupeError(
    'ERR_SCHEDULE_INVALID',
    `${owner()} has a delay of ${String(delayMs)}. Use a number of milliseconds that leads to a date.`,
    { details: { delayMs: String(delayMs) } },
  );
}

function toRow({ scheduling, dueAt, delayMs, downtimeMs, boot }: MachineTimer): TimerRow {
  const { source, target, id, event } = scheduling;
  return {
    source: pathOf(source),
    ...(target !== source && { target: pathOf(target as AnyActorRef) }),
    id,
    dueAt,
    delayMs,
    event,
    ...(downtimeMs !== undefined && { downtimeMs }),
    ...(boot !== undefined && { boot }),
  };
}
