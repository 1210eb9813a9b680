/** What is shown of a run with --chaos: each fault as it strikes, what the runtime says it does about it, and when the agent works again. */
import type { BusEvent, System, SystemEvents, SystemTopic } from '../../../src/index.ts';
import { typeOf } from '../../../src/actor/address.ts';
import type { Address } from '../../../src/actor/address.ts';
import type { Screen } from '../screen.ts';
import { readStruck } from './marks.ts';
import type { Struck } from './marks.ts';
import type { Chaos, FaultKind } from './plan.ts';

const FAULTS: Readonly<Record<FaultKind, string>> = {
  throw: 'the turn throws',
  exit: 'the worker thread ends',
  hang: 'an endless loop blocks the worker thread',
  stall: 'the effect function never comes back',
};

/** Words for what the runtime says; topics that are not here are shown as they are. */
const WORDS: { readonly [T in SystemTopic]?: (data: SystemEvents[T]) => string } = {
  'system.actor.failed': ({ address, kind, error, decision, attempt }) =>
    `${nameOf(address)} failed (${kind}: ${inShort(error.message)}); decision: ${decision}, attempt ${attempt}`,
  'system.thread.ended': ({ thread, end, culprit, blockedMs }) =>
    `thread ${thread} is gone (${end}${blockedMs === undefined ? '' : `, blocked for ${blockedMs} ms`})${culprit ? `, because of ${nameOf(culprit.address)}` : ''}; decision: replace`,
  'system.thread.replaced': ({ recoveryMs }) => `another thread serves in its place after ${recoveryMs} ms`,
};

/** Listens to the runtime for one process of the demo. */
export class ChaosReport {
  readonly #screen: Screen;
  readonly #chaos: Chaos;
  /** Faults whose agent is not back yet. */
  #open: Struck[] = [];
  /** Of faults that struck while this process ran, by their place in the plan. */
  readonly #shown = new Map<number, Struck>();
  readonly #recoveryMs: number[] = [];
  readonly #former: ReadonlySet<number>;

  /** @param chaos as the run has it; what struck before this process is not shown again */
  constructor(screen: Screen, chaos: Chaos) {
    this.#screen = screen;
    this.#chaos = chaos;
    this.#former = new Set(readStruck(chaos).map(({ n }) => n));
  }

  async listen({ bus }: System): Promise<void> {
    await bus.subscribe('system.>', (event) => this.#hear(event));
  }

  /** For the figures, once the conversation is over. */
  describe(): string {
    const faults = [...this.#shown.values()];
    const kinds = new Set(faults.map(({ kind }) => kind));
    const slowest = Math.max(0, ...this.#recoveryMs);
    return `${faults.length} of ${kinds.size} kinds in this process (--seed ${this.#chaos.seed}); ${this.#recoveryMs.length} recovered, the slowest after ${slowest} ms`;
  }

  #hear({ topic, data, time }: BusEvent): void {
    this.#showStruck(time);
    if (topic === 'system.actor.restarted')
      return this.#recovered(data as SystemEvents['system.actor.restarted'], time);
    const words = WORDS[topic as SystemTopic] as ((data: unknown) => string) | undefined;
    this.#screen.note(`the runtime: ${words ? words(data) : `${topic} ${JSON.stringify(data)}`}`);
  }

  /** Whatever struck before an event stands above it. */
  #showStruck(untilAt: number): void {
    for (const fault of readStruck(this.#chaos)) {
      const { n, at, turn, kind } = fault;
      if (at > untilAt || this.#former.has(n) || this.#shown.has(n)) continue;
      this.#shown.set(n, fault);
      this.#open.push(fault);
      this.#screen.note(`fault ${this.#shown.size}, in turn ${turn}: ${FAULTS[kind]}`);
    }
  }

  /** Agents speak one after the other, so the oldest fault is the one. */
  #recovered({ address }: SystemEvents['system.actor.restarted'], at: number): void {
    const fault = this.#open.shift();
    if (!fault) return this.#screen.note(`the runtime: ${nameOf(address)} serves again`);
    this.#recoveryMs.push(at - fault.at);
    this.#screen.note(`the runtime: ${nameOf(address)} serves again, ${at - fault.at} ms after the fault`);
  }
}

/** Without the advice, which is in the log, and without ids in brackets. */
function inShort(message: string): string {
  return message.split('. ')[0]?.replace(/ \([^)]*\)$/u, '') ?? '';
}

function nameOf(address: string): string {
  return typeOf(address as Address);
}
