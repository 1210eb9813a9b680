/** Runs the degradation machine on the main thread, says what it says, and refuses what may not be begun meanwhile. */
import { createActor } from 'xstate';
import type { Actor } from 'xstate';
import { degradationMachine, retryAfterMs } from '../../machines/degradation.ts';
import type { DegradationNews, DegradationSettings } from '../../machines/degradation.ts';
import type { Env } from '../env.ts';
import { TroupeError } from '../errors.ts';
import type { Logger } from '../observe/logger.ts';
import type { Announce } from '../supervision/events.ts';
import type { SystemMode } from './health.ts';

/** Agents that a message names. */
const MAX_NAMED = 5;

export interface ModeOptions {
  readonly env: Env;
  readonly log: Logger;
  readonly announce: Announce;
  readonly settings: DegradationSettings;
  /** Lets the hosts know how many sessions may be live in memory. */
  readonly limitSessions: (most: number) => void;
}

export class Mode {
  readonly #options: ModeOptions;
  readonly #actor: Actor<typeof degradationMachine>;

  constructor(options: ModeOptions) {
    this.#options = options;
    const { env, settings } = options;
    const clock = {
      setTimeout: (run: () => void, ms: number) => env.setTimeout(run, ms),
      clearTimeout: (handle: unknown) => env.clearTimeout(handle),
    };
    const input = { ...settings, now: () => env.monotonicMs() };
    this.#actor = createActor(degradationMachine, { input, clock });
    this.#actor.on('*', (news) => this.#tell(news));
    this.#actor.start();
  }

  get mode(): SystemMode {
    return this.#actor.getSnapshot().value;
  }

  /** Sessions that may be live in memory at the moment. */
  get hotSessions(): number {
    const { hotSessions, degradedHotSessions } = this.#options.settings;
    return this.mode === 'normal' ? hotSessions : degradedHotSessions;
  }

  failed(agent: string): void {
    this.#actor.send({ type: 'AGENT.FAILED', agent });
  }

  /** Why a new session is refused, and when to try again. */
  refusal(): TroupeError {
    const { context } = this.#actor.getSnapshot();
    const agents = context.entryAgents;
    const retryMs = Math.ceil(retryAfterMs(context));
    const named = agents
      .slice(0, MAX_NAMED)
      .map((agent) => `'${agent}'`)
      .join(', ');
    const more = agents.length > MAX_NAMED ? ` and ${agents.length - MAX_NAMED} more` : '';
    return new TroupeError(
      'ERR_DEGRADED',
      `No new session: the system is degraded because ${agents.length} agents failed within ${context.withinMs} ms: ${named}${more}. Try again in ${retryMs} ms; sessions that exist go on.`,
      { details: { agents, withinMs: context.withinMs, retryAfterMs: retryMs } },
    );
  }

  stop(): void {
    this.#actor.stop();
  }

  #tell(news: DegradationNews): void {
    const { announce, log, limitSessions, settings } = this.#options;
    if (news.type === 'entered') {
      const { failures, agents, retryAfterMs: retryMs } = news;
      announce('system.degradation.entered', { failures, agents, retryAfterMs: retryMs });
      log.error('degraded: too many agents fail; no new sessions', { failures, agents });
      return limitSessions(settings.degradedHotSessions);
    }
    announce('system.degradation.left', { durationMs: news.durationMs });
    log.warn('no longer degraded', { durationMs: news.durationMs });
    limitSessions(settings.hotSessions);
  }
}
