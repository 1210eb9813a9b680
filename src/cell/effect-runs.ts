/**
 * The effect functions of one cell: which are in flight, under which key, and their runs. A run begins after the commit that
 * holds its in-flight row is acknowledged; its outcome comes back as a delivery that the cell makes a turn. After a crash
 * the row is found by path: same key, one attempt more.
 */
import type { AnyActorRef } from 'xstate';
import type { Address } from '../actor/address.ts';
import type { ActorEvent } from '../actor/effects.ts';
import { toSettleEvent } from '../actor/from-effect.ts';
import type { EffectStart } from '../actor/from-effect.ts';
import type { Env } from '../env.ts';
import { TroupeError } from '../errors.ts';
import { checkJson } from '../state/json.ts';
import { effectStalled } from './failure.ts';
import { StallWatch } from './stall-watch.ts';
import { pathOf } from './xstate-seams.ts';

/** One effect in flight, as stored with its actor. */
export interface InFlightRow {
  readonly path: string;
  readonly key: string;
  readonly attempt: number;
  /** It was in flight where this actor was forked from, and does not run here. */
  readonly isForked?: boolean;
}

interface Run extends InFlightRow {
  readonly start: EffectStart;
  readonly controller: AbortController;
  isBegun: boolean;
  /** Its function is over; leaving it aborts nothing any more. */
  isSettled: boolean;
  sends: number;
  /** Present while its function runs. */
  watch: StallWatch | undefined;
}

/** Whose effect functions they are. */
export interface EffectHost {
  readonly address: Address;
  readonly env: Env;
  /** Time without progress, in milliseconds; Infinity for any. */
  readonly stallMs: number;
  /** A run makes no progress. */
  onStalled(key: string, error: Error): void;
  /** Takes the outcome of a run. */
  onSettled(actor: AnyActorRef, event: { readonly type: string }): void;
  /** Sends on behalf of a run; `id` is the same whenever the run is repeated. */
  sendFromEffect(to: string, event: ActorEvent, id: string): Promise<void>;
  /** Called around the synchronous part of a run, for the beat. */
  markEffect(key: string | undefined): void;
  /** Calls the user's function, in the name of this actor. */
  runEffect<T>(key: string, run: () => T): T;
}

export class EffectRuns {
  readonly #host: EffectHost;
  readonly #runs = new Map<AnyActorRef, Run>();
  #restored: Map<string, InFlightRow>;

  /** @param restored rows of the last life of this actor */
  constructor(host: EffectHost, restored: readonly InFlightRow[]) {
    this.#host = host;
    this.#restored = new Map(restored.map((row) => [row.path, row]));
  }

  /** Takes what a turn entered and left. Returns the runs to begin after the commit, or nothing when none changed. */
  apply(
    started: readonly EffectStart[],
    ended: readonly AnyActorRef[],
    nextKey: () => string,
  ): readonly AnyActorRef[] | undefined {
    const isLeft = ended.some((actor) => this.#runs.has(actor));
    for (const actor of ended) this.#end(actor);
    for (const start of started) this.#enter(start, nextKey);
    return isLeft || started.length > 0 ? started.map(({ actor }) => actor) : undefined;
  }

  /** What the next commit stores; null when nothing is in flight. */
  toText(): string | null {
    const rows = [...this.#runs.values()].map(({ path, key, attempt, isForked }) =>
      isForked ? { path, key, attempt, isForked } : { path, key, attempt },
    );
    return rows.length === 0 ? null : JSON.stringify(rows);
  }

  /** Begins a run whose in-flight row is durable; does nothing when it was left meanwhile. */
  begin(actor: AnyActorRef): void {
    const run = this.#runs.get(actor);
    if (!run || run.isBegun) return;
    run.isBegun = true;
    if (run.isForked) return this.#fail(run, forked(this.#host.address, run));
    if (run.attempt > 1 && run.start.onInterrupted === 'fail')
      return this.#fail(run, interrupted(this.#host.address, run));
    const { env, stallMs } = this.#host;
    run.watch = new StallWatch(env, stallMs, () => this.#stall(run));
    this.#host.markEffect(run.key);
    const outcome = this.#call(run);
    this.#host.markEffect(undefined);
    outcome.then(
      (value) => this.#succeed(run, value),
      (error: unknown) => this.#fail(run, error),
    );
  }

  /** Drops the rows of the last life that no effect took up. Called once the restored actor has started. */
  forgetRestored(): void {
    this.#restored = new Map();
  }

  /** Runs that have not begun: a restart within the process does not interrupt them. */
  unbegun(): readonly InFlightRow[] {
    return [...this.#runs.values()].filter(({ isBegun }) => !isBegun);
  }

  /** Aborts everything: the cell ends or starts anew, and outcomes are no longer wanted. */
  abortAll(): void {
    const runs = [...this.#runs.values()];
    this.#runs.clear();
    for (const run of runs) this.#leave(run);
  }

  async #call(run: Run): Promise<unknown> {
    const args: Parameters<EffectStart['run']>[0] = {
      signal: run.controller.signal,
      key: run.key,
      attempt: run.attempt,
      progress: () => run.watch?.progress(),
      send: (to, event) => this.#host.sendFromEffect(to, event, `${run.key}.${run.sends++}`),
    };
    return this.#host.runEffect(run.key, () => run.start.run(args));
  }

  #enter(start: EffectStart, nextKey: () => string): void {
    const path = pathOf(start.actor);
    const former = this.#restored.get(path);
    this.#restored.delete(path);
    this.#runs.set(start.actor, {
      path,
      key: former?.key ?? nextKey(),
      attempt: (former?.attempt ?? 0) + 1,
      isForked: former?.isForked === true,
      start,
      controller: new AbortController(),
      isBegun: false,
      isSettled: false,
      sends: 0,
      watch: undefined,
    });
  }

  #end(actor: AnyActorRef): void {
    const run = this.#runs.get(actor);
    if (!run) return;
    this.#runs.delete(actor);
    this.#leave(run);
  }

  #leave(run: Run): void {
    run.watch?.stop();
    if (!run.isSettled) run.controller.abort();
  }

  #stall(run: Run): void {
    if (run.isSettled || !this.#runs.has(run.start.actor)) return;
    this.#host.onStalled(run.key, effectStalled(this.#host.address, run.path, this.#host.stallMs));
  }

  #succeed(run: Run, value: unknown): void {
    if (!this.#runs.has(run.start.actor)) return;
    try {
      if (value !== undefined) checkJson(value, `Output of effect '${run.path}' of '${this.#host.address}'`, 'output');
      this.#settle(run);
      this.#host.onSettled(run.start.actor, toSettleEvent({ ok: true, value }));
    } catch (error) {
      this.#fail(run, error);
    }
  }

  #fail(run: Run, error: unknown): void {
    if (!this.#runs.has(run.start.actor)) return;
    this.#settle(run);
    this.#host.onSettled(run.start.actor, toSettleEvent({ ok: false, error }));
  }

  #settle(run: Run): void {
    run.isSettled = true;
    run.watch?.stop();
  }
}

function forked(address: string, run: InFlightRow): TroupeError {
  return new TroupeError(
    'ERR_EFFECT_INTERRUPTED',
    `Effect '${run.path}' was in flight where '${address}' was forked from; it goes on there and does not run again here. Fork with effects: 'run' to begin it anew.`,
    { details: { address, path: run.path, key: run.key } },
  );
}

function interrupted(address: string, run: InFlightRow): TroupeError {
  return new TroupeError(
    'ERR_EFFECT_INTERRUPTED',
    `Effect '${run.path}' of '${address}' was cut off by a crash and does not run again (onInterrupted: 'fail'). Check its outcome outside by its key '${run.key}'.`,
    { details: { address, path: run.path, key: run.key } },
  );
}
