/** Which pool a system has. */
import { InlinePool } from '../pool/inline-pool.ts';
import { PiscinaPool } from '../pool/piscina-pool.ts';
import type { Pool } from '../pool/pool.ts';

/** The pool of a system with so many worker threads: threads of its own, or the calling one. Starts nothing. */
export function createPool(threads: number): Pool {
  return threads === 0 ? new InlinePool() : new PiscinaPool();
}
