/** What flows in a run with a broker, as it is seen while it runs: enough to tell that nothing is stuck. */
import { setTimeout as sleep } from 'node:timers/promises';
import { CREW } from './broker-protocol.ts';
import type { Flow } from './broker-protocol.ts';

/** Everything that has to go on. */
export const FLOWS: readonly Flow[] = ['A>A', 'A>B', 'B>A', 'B>B', 'F>A', 'F>B', CREW, 'requests'];

const LOOK_EVERY_MS = 10;

/** Knows of each flow when the last event that came was sent. */
export class Flows {
  readonly #sentAt = new Map<Flow, number>();

  note(flow: Flow, sentAt: number): void {
    this.#sentAt.set(flow, Math.max(sentAt, this.#sentAt.get(flow) ?? 0));
  }

  /** Resolves when something that was sent after `sinceAt` has come in every flow, or the time is over, with the flows in which nothing has. */
  async resumed(sinceAt: number, timeoutMs: number): Promise<readonly Flow[]> {
    const giveUpAt = performance.now() + timeoutMs;
    for (;;) {
      const stuck = FLOWS.filter((flow) => (this.#sentAt.get(flow) ?? 0) <= sinceAt);
      if (stuck.length === 0 || performance.now() > giveUpAt) return stuck;
      await sleep(LOOK_EVERY_MS);
    }
  }
}
