/** Pauses between tries to recover an agent. Pure. */
import type { Backoff } from '../supervision/spec.ts';

/** Pauses for agents: they take longer to come than actors do. */
export const AGENT_BACKOFF: Backoff = { minMs: 500, maxMs: 30_000, factor: 2, jitter: 0.2 };

/**
 * Pause before a try, in milliseconds. The first comes at once.
 * @param attempt 1 for the first
 * @param random from 0 to 1
 */
export function pauseBefore(attempt: number, { minMs, maxMs, factor, jitter }: Backoff, random: number): number {
  if (attempt <= 1) return 0;
  const fullMs = Math.min(maxMs, minMs * factor ** (attempt - 2));
  return fullMs * (1 - jitter * random);
}
