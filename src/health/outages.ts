/**
 * Outages of agents: sees to it that something is done, says what, and ends them. An outage begins with a verdict of the look or an event of
 * the runtime; its tries follow one another with pauses; it ends with a sign of life and what was missed handed over, or is given up.
 *
 * Invariants: O1 an agent has one outage at a time; O2 the answer of a try counts only while that try is under way; O3 every change of
 * state and every try is announced.
 */
import type { Address } from '../actor/address.ts';
import type { Env } from '../env.ts';
import type { Logger } from '../observe/logger.ts';
import type { BusQuery } from '../store/queries.ts';
import type { BusEventRow } from '../store/store.ts';
import type { Announce } from '../supervision/events.ts';
import { encodeError } from '../thread/error-codec.ts';
import type { AgentRecord, AgentState, RecoveryStrategy, ReplayResult } from './agent.ts';
import { pauseBefore } from '../supervision/backoff.ts';
import { AGENT_BACKOFF } from './backoff.ts';
import { judge } from './judge.ts';
import { NOTHING_MISSED, ReplayTally, isMostlyFailed, replayMissed } from './replay.ts';
import type { HealthTally } from './tally.ts';
import type { Outage, Watch } from './watch.ts';

/** Time a function of the host program gets to recover an agent. */
const TRY_LIMIT_MS = 30_000;

/** Least time an agent that was started anew gets for its first sign of life. */
const START_LIMIT_MS = 5000;

/** Time until what was missed is read again when the store could not be. */
const READ_AGAIN_MS = 1000;

export interface OutagesOptions {
  readonly env: Env;
  readonly log: Logger;
  readonly announce: Announce;
  readonly tally: HealthTally;
  /** Has an actor made anew from its last commit. Resolves when that is durable. */
  readonly restartActor: (address: Address) => Promise<unknown>;
  readonly read: (query: BusQuery) => Promise<readonly BusEventRow[]>;
  readonly lastPos: () => Promise<number>;
  /** Keeps what changed of an agent, without waiting. */
  readonly keep: (watch: Watch, record: AgentRecord) => void;
  /** An external agent is out; it may be one of many. */
  readonly failing: (agent: string) => void;
}

export class Outages {
  readonly #options: OutagesOptions;

  constructor(options: OutagesOptions) {
    this.#options = options;
  }

  /** An agent is out. The first try begins at once. */
  begin(watch: Watch, state: 'disconnected' | 'zombie', reason: string): void {
    if (watch.outage) return;
    const { tally, failing, keep } = this.#options;
    const nowMs = this.#nowMs;
    tally.outages++;
    if (nowMs - watch.recoveredMs > AGENT_BACKOFF.maxMs + watch.record.zombieAfterMs) watch.attempts = 0;
    const untilMs = nowMs + this.#pauseMs(watch);
    watch.mendedUntilMs = undefined;
    watch.outage = { ...fresh(nowMs), isZombie: state === 'zombie', untilMs };
    watch.place = watch.record.place ?? watch.place;
    if (watch.record.topics.length > 0) keep(watch, { ...watch.record, place: watch.place });
    this.setState(watch, state, reason);
    if (!watch.isActor) failing(watch.agent);
    this.look(watch, watch.outage, nowMs);
  }

  /** An agent is out, and nothing can be done about it. */
  lose(watch: Watch, reason: string): void {
    watch.outage = { ...fresh(this.#nowMs), phase: 'given-up', isCounted: true, isLost: true };
    this.setState(watch, 'failed', reason);
  }

  /** An agent was out when the system before this one ended, and still is until it gives a sign of life. */
  goOn(watch: Watch): void {
    watch.outage = fresh(this.#nowMs);
    this.setState(watch, 'disconnected', 'it was out when the system ended', { isSilent: true });
  }

  /** Does what is due in an outage. */
  look(watch: Watch, outage: Outage, nowMs: number): void {
    if (nowMs < outage.untilMs) return;
    switch (outage.phase) {
      case 'waiting':
        return this.#try(watch, outage, nowMs);
      case 'acting':
        return this.#fail(watch, outage, new Error(`It was not done within ${TRY_LIMIT_MS} ms.`));
      case 'watching':
        return this.#fail(watch, outage, new Error('No sign of life came afterwards.'));
      case 'back':
        outage.untilMs = Infinity;
        return void this.#handOver(watch, outage);
      case 'given-up':
        return;
    }
  }

  /** A sign of life came. Of a zombie only work counts, or a heartbeat of the one that was started in its place. */
  sign(watch: Watch, isActivity: boolean): void {
    const { outage } = watch;
    if (!outage || outage.phase === 'back') return;
    if (!outage.isZombie || isActivity || outage.phase === 'watching') this.back(watch, outage);
  }

  /** The agent is here again: what it missed is handed over. */
  back(watch: Watch, outage: Outage): void {
    const nowMs = this.#nowMs;
    outage.phase = 'back';
    outage.untilMs = Infinity;
    outage.token++;
    watch.beatMs = nowMs;
    watch.activityMs = nowMs;
    watch.waiting = undefined;
    const { topics, replay } = watch.record;
    // Without its function what was missed stays owed: the place is kept until somebody registers the agent with one.
    if (topics.length === 0 || replay === 'none') return this.#finish(watch, outage, undefined);
    if (!watch.functions.deliver) return this.#finish(watch, outage, undefined, { isOwed: true });
    this.setState(watch, 'recovering', 'it is back; what it missed is being handed over');
    void this.#handOver(watch, outage);
  }

  /** What an agent missed before it had a function to take it, is handed over now that it has one. */
  handOverOwed(watch: Watch): void {
    const { place, topics, replay } = watch.record;
    if (place === undefined || watch.outage || topics.length === 0 || replay === 'none') return;
    watch.place = place;
    watch.outage = { ...fresh(this.#nowMs), phase: 'back', isCounted: true };
    this.back(watch, watch.outage);
  }

  /** Tries go on at once, after something about the agent has changed. */
  retry(watch: Watch): void {
    const { outage } = watch;
    if (!outage || outage.isLost || outage.phase === 'back' || outage.phase === 'acting') return;
    if (watch.record.strategy === 'alert' && outage.phase === 'given-up') return;
    Object.assign(outage, { phase: 'waiting', untilMs: this.#nowMs } satisfies Partial<Outage>);
    watch.attempts = 0;
  }

  setState(watch: Watch, to: AgentState, reason: string, { isSilent = false } = {}): void {
    const from = watch.state;
    watch.reason = reason;
    if (from === to) return;
    watch.state = to;
    watch.stateAt = this.#options.env.now();
    if (!isSilent) this.#options.announce('system.agent.health', { agent: watch.agent, from, to, reason });
  }

  #try(watch: Watch, outage: Outage, nowMs: number): void {
    if (watch.record.strategy === 'alert') return this.#alert(watch, outage, watch.reason);
    const act = this.#actionOf(watch);
    if (!act) {
      outage.untilMs = Infinity;
      watch.reason = 'its functions are not attached; register it again';
      return;
    }
    // Recoveries that do not last are tries in a row as well.
    if (watch.attempts >= watch.record.maxAttempts) return this.#giveUp(watch, outage, 'it does not stay up');
    const token = ++outage.token;
    watch.attempts++;
    outage.phase = 'acting';
    outage.untilMs = nowMs + TRY_LIMIT_MS;
    this.setState(watch, 'recovering', `try ${watch.attempts} of ${watch.record.maxAttempts}`);
    const isCurrent = (): boolean => watch.outage === outage && outage.token === token && outage.phase === 'acting';
    const run = async (): Promise<unknown> => act(watch.attempts);
    run().then(
      () => void (isCurrent() && this.#acted(watch, outage)),
      (error: unknown) => void (isCurrent() && this.#fail(watch, outage, error)),
    );
  }

  /** What strategy and functions come to; nothing while the functions are not attached. */
  #actionOf({ agent, isActor, functions, record }: Watch): ((attempt: number) => unknown) | undefined {
    const { strategy } = record;
    const { recover, replaceWith } = functions;
    if (typeof strategy === 'object') return replaceWith && (() => replaceWith(strategy.replace));
    return isActor ? () => this.#options.restartActor(agent as Address) : recover;
  }

  #acted(watch: Watch, outage: Outage): void {
    if (watch.isActor) return this.back(watch, outage);
    const { heartbeatMs, missedBeats } = watch.record;
    outage.phase = 'watching';
    outage.untilMs = this.#nowMs + Math.max(START_LIMIT_MS, heartbeatMs * missedBeats);
  }

  #fail(watch: Watch, outage: Outage, cause: unknown): void {
    const { announce, log } = this.#options;
    const { agent, attempts, record } = watch;
    const error = encodeError(cause);
    announce('system.agent.recovery', {
      agent,
      strategy: strategyName(record.strategy),
      attempt: attempts,
      isRecovered: false,
    });
    log.warn('an agent was not recovered', { agent, attempt: attempts, error });
    if (attempts >= record.maxAttempts) return this.#giveUp(watch, outage, error.message);
    outage.phase = 'waiting';
    outage.untilMs = this.#nowMs + this.#pauseMs(watch);
  }

  #giveUp(watch: Watch, outage: Outage, why: string): void {
    const { tally, log } = this.#options;
    if (!outage.isCounted) tally.givenUp++;
    outage.phase = 'given-up';
    outage.isCounted = true;
    this.setState(watch, 'failed', `given up after ${watch.attempts} tries: ${why}`);
    log.error('an agent was given up on', { agent: watch.agent, attempts: watch.attempts });
  }

  #alert(watch: Watch, outage: Outage, reason: string): void {
    const { announce, log } = this.#options;
    const { agent } = watch;
    outage.phase = 'given-up';
    outage.isCounted = true;
    announce('system.agent.recovery', { agent, strategy: 'alert', attempt: 0, isRecovered: false });
    log.error('an agent is out; its strategy is to say so', { agent, reason });
    this.setState(watch, 'failed', reason);
  }

  async #handOver(watch: Watch, outage: Outage): Promise<void> {
    const { env, read, lastPos, log } = this.#options;
    const { record, functions, delivered } = watch;
    const { deliver } = functions;
    if (!deliver) return;
    const { missed: tally } = outage;
    const isCurrent = (): boolean => watch.outage === outage;
    // Only silence ends it: what was handed over is work, and an actor is heard of otherwise.
    const isOver = (): boolean => !isCurrent() || judge(watch, this.#nowMs) === 'disconnected';
    const reached = (pos: number): void => void (isCurrent() && (watch.place = pos));
    const tried = (isHandedOver: boolean): void => this.#tried(watch, isHandedOver);
    try {
      const untilPos = await lastPos();
      const range = { afterPos: watch.place, untilPos };
      const request = { env, read, record, deliver, delivered, ...range, isOver, tally, reached, tried };
      const isDone = await replayMissed(request);
      if (!isCurrent()) return;
      if (!isDone) return this.#outAgain(watch, outage);
      this.#finish(watch, outage, tally.result());
    } catch (error) {
      if (!isCurrent()) return;
      log.warn('what an agent missed is read again later', { agent: watch.agent, error: encodeError(error) });
      outage.untilMs = this.#nowMs + READ_AGAIN_MS;
    }
  }

  #tried(watch: Watch, isHandedOver: boolean): void {
    this.#options.tally.tried(isHandedOver);
    if (isHandedOver) watch.activityMs = this.#nowMs;
  }

  /** Gone while it was given what it had missed: the rest waits for its return. */
  #outAgain(watch: Watch, outage: Outage): void {
    this.setState(watch, 'disconnected', 'it went again while it was given what it had missed');
    if (watch.record.strategy === 'alert') return void (outage.phase = 'given-up');
    outage.phase = 'waiting';
    outage.untilMs = this.#nowMs + this.#pauseMs(watch);
  }

  #finish(watch: Watch, outage: Outage, replay: ReplayResult | undefined, { isOwed = false } = {}): void {
    const { tally, announce, keep } = this.#options;
    const { agent, record, attempts } = watch;
    const nowMs = this.#nowMs;
    const recoveryMs = nowMs - outage.sinceMs;
    watch.outage = undefined;
    watch.recoveredMs = nowMs;
    const result = replay ?? NOTHING_MISSED;
    if (replay) watch.lastReplay = replay;
    if (!outage.isCounted) tally.recovered(recoveryMs);
    const { place, ...rest } = record;
    if (place !== undefined && !isOwed) keep(watch, rest);
    const { replayed, failed } = result;
    const strategy = strategyName(record.strategy);
    announce('system.agent.recovery', {
      agent,
      strategy,
      attempt: attempts,
      isRecovered: true,
      recoveryMs,
      replayed,
      failed,
    });
    if (isMostlyFailed(result))
      this.setState(
        watch,
        'degraded',
        `${failed} of ${failed + replayed} events it had missed could not be handed over`,
      );
    else this.setState(watch, 'healthy', attempts === 0 ? 'it came back by itself' : 'recovered');
  }

  #pauseMs({ attempts }: Watch): number {
    return pauseBefore(attempts + 1, AGENT_BACKOFF, this.#options.env.random());
  }

  get #nowMs(): number {
    return this.#options.env.monotonicMs();
  }
}

/** An outage that waits for something other than time. */
function fresh(sinceMs: number): Outage {
  const flags = { isZombie: false, isCounted: false, isLost: false };
  return { sinceMs, ...flags, phase: 'waiting', untilMs: Infinity, token: 0, missed: new ReplayTally() };
}

function strategyName(strategy: RecoveryStrategy): string {
  return typeof strategy === 'string' ? strategy : 'replace';
}
