/** Counts and durations for the statistics of health. */
import type { Env } from '../env.ts';
import { AGENT_STATES } from './agent.ts';
import type { AgentState, HealthStats } from './agent.ts';

/** Recoveries whose duration is kept. */
const MAX_DURATIONS = 1000;

export class HealthTally {
  outages = 0;
  givenUp = 0;
  #recovered = 0;
  #replayed = 0;
  #replayFailed = 0;
  #looks = 0;
  #cpuMs = 0;
  #startedMs: number | undefined;
  /** A ring: the newest takes the place of the oldest. */
  readonly #durations: number[] = [];
  readonly #env: Env;

  constructor(env: Env) {
    this.#env = env;
  }

  started(): void {
    this.#startedMs ??= this.#env.monotonicMs();
  }

  /** Runs a piece of the watch and counts the time it took. */
  measure(run: () => void): void {
    const startedMs = this.#env.monotonicMs();
    run();
    this.#cpuMs += this.#env.monotonicMs() - startedMs;
  }

  looked(): void {
    this.#looks++;
  }

  recovered(durationMs: number): void {
    this.#durations[this.#recovered++ % MAX_DURATIONS] = durationMs;
  }

  /** An event that was missed was handed over, or could not be. */
  tried(isHandedOver: boolean): void {
    if (isHandedOver) this.#replayed++;
    else this.#replayFailed++;
  }

  stats(states: Iterable<AgentState>): HealthStats {
    const counts = Object.fromEntries(AGENT_STATES.map((state) => [state, 0])) as Record<AgentState, number>;
    let agents = 0;
    for (const state of states) {
      counts[state]++;
      agents++;
    }
    const over = this.#recovered + this.givenUp;
    return {
      agents,
      states: counts,
      outages: this.outages,
      recovered: this.#recovered,
      givenUp: this.givenUp,
      recoveryRate: over === 0 ? 1 : this.#recovered / over,
      ...this.#recoveryTimes(),
      replayed: this.#replayed,
      replayFailed: this.#replayFailed,
      monitor: { looks: this.#looks, cpuMs: this.#cpuMs, cpuPercent: this.#cpuPercent() },
    };
  }

  #recoveryTimes(): Pick<HealthStats, 'meanRecoveryMs' | 'p99RecoveryMs'> {
    const sorted = this.#durations.toSorted((a, b) => a - b);
    if (sorted.length === 0) return { meanRecoveryMs: 0, p99RecoveryMs: 0 };
    const sumMs = sorted.reduce((sum, ms) => sum + ms, 0);
    const p99RecoveryMs = sorted[Math.ceil(sorted.length * 0.99) - 1] ?? 0;
    return { meanRecoveryMs: sumMs / sorted.length, p99RecoveryMs };
  }

  #cpuPercent(): number {
    const sinceMs = this.#env.monotonicMs() - (this.#startedMs ?? this.#env.monotonicMs());
    return sinceMs > 0 ? (this.#cpuMs / sinceMs) * 100 : 0;
  }
}
