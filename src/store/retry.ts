/** When a store that cannot save is tried again. Pure; whoever writes and whoever opens it again go by the same pauses. */

/** Pause before the first try again: what was over by then (a lock, one failed sync) need not concern anybody. */
const BLIP_MS = 100;

/** Pauses once it is trouble, in milliseconds. */
const PAUSES_MS = [1_000, 5_000, 30_000] as const;

/** Every pause after those. */
const LAST_PAUSE_MS = 60_000;

/** True when so many failures in a row are worth telling. */
export function isTrouble(failures: number): boolean {
  return failures > 1;
}

/** Time until the next try, in milliseconds, after so many failures in a row. */
export function pauseAfter(failures: number): number {
  return isTrouble(failures) ? (PAUSES_MS[failures - 2] ?? LAST_PAUSE_MS) : BLIP_MS;
}
