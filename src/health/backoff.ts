/** Pauses between tries to recover an agent. */
import type { Backoff } from '../supervision/spec.ts';

/** Pauses for agents: they take longer to come than actors do. */
export const AGENT_BACKOFF: Backoff = { minMs: 500, maxMs: 30_000, factor: 2, jitter: 0.2 };
