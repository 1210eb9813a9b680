/** Figures and violations of a tree run, summed over its waves. */
import type { Verdict } from './chaos-verdict.ts';
import type { Fault, TreeViolation, WaveVerdict } from './tree-check.ts';
import type { FaultKind } from './tree-faults.ts';

export interface ThreadCounts {
  readonly serving: number;
  readonly ofProcess: number;
}

/** Violations that are not of a wave. */
type RunViolationKind = 'stuck' | 'wrong-end' | 'wrong-letter' | 'leaked-threads';

export class TreeReport {
  readonly #seed: number;
  readonly #startedAt = performance.now();
  readonly #byKind: Partial<Record<FaultKind, number>> = {};
  readonly #detections: Partial<Record<FaultKind, number[]>> = {};
  readonly #recoveries: number[] = [];
  readonly #poison = new Set<string>();
  readonly #violations: { readonly kind: TreeViolation['kind'] | RunViolationKind; readonly text: string }[] = [];
  readonly #sums = { predictedRestarts: 0, threadsReplaced: 0, excused: 0, overtaken: 0 };
  #isEngineGood = true;
  faults = 0;

  constructor({ seed }: { readonly seed: number }) {
    this.#seed = seed;
  }

  get isGood(): boolean {
    return this.#isEngineGood && this.#violations.length === 0;
  }

  get progress(): string {
    const seconds = Math.round((performance.now() - this.#startedAt) / 1000);
    return `${this.faults} faults, ${this.#sums.predictedRestarts} restarts predicted, ${this.#violations.length} violations, ${seconds} s`;
  }

  /** Takes what a wave came to. */
  add({ faults, violations, ...wave }: WaveVerdict & { readonly faults: readonly Fault[] }): void {
    this.faults += faults.length;
    for (const { id, kind } of faults) {
      this.#byKind[kind] = (this.#byKind[kind] ?? 0) + 1;
      if (kind === 'poison') this.#poison.add(id);
    }
    this.#sums.predictedRestarts += wave.predicted;
    this.#sums.threadsReplaced += wave.threadsReplaced;
    this.#sums.excused += wave.excused;
    this.#sums.overtaken += wave.overtaken;
    for (const { kind, ms } of wave.detections) (this.#detections[kind] ??= []).push(ms);
    this.#recoveries.push(...wave.recoveries);
    const wanted = faults.map(({ id, kind, address }) => `${id} ${kind} ${address}`).join(', ');
    for (const { kind, text } of violations) this.fail(kind, `${text} (wave of ${wanted})`);
  }

  fail(kind: TreeViolation['kind'] | RunViolationKind, text: string): void {
    this.#violations.push({ kind, text });
    console.log(`VIOLATION ${kind}: ${text}`);
  }

  /** Nothing but what was poison may have become a dead letter. */
  checkLetters(letters: readonly { readonly address: string; readonly text: string }[]): void {
    const found = new Set(letters.map(({ text }) => (JSON.parse(text) as { readonly id?: string } | null)?.id));
    for (const id of this.#poison) if (!found.has(id)) this.fail('wrong-letter', `poison '${id}' is no dead letter`);
    for (const { address, text } of letters) {
      const { id = '' } = (JSON.parse(text) as { readonly id?: string } | null) ?? {};
      if (!this.#poison.has(id)) this.fail('wrong-letter', `${text.slice(0, 200)} of '${address}' is a dead letter`);
    }
  }

  /** One more than there were may be the one in reserve. */
  noteThreads(first: ThreadCounts, last: ThreadCounts): void {
    const grown = last.ofProcess - last.serving - (first.ofProcess - first.serving);
    if (grown > 1) this.fail('leaked-threads', `${grown} threads more than at first, besides those that serve`);
  }

  toJson(verdict: Verdict, sends: number): Readonly<Record<string, unknown>> {
    const { acknowledged, tells, lost, twice, disordered } = verdict;
    const count = (kind: string): number => this.#violations.filter((violation) => violation.kind === kind).length;
    return {
      faults: this.faults,
      byKind: this.#byKind,
      seed: this.#seed,
      sends,
      acknowledged,
      tells,
      lost,
      twice,
      disordered,
      ...this.#sums,
      unpredicted: count('unpredicted') + count('too-often'),
      missing: count('missing'),
      wrongCulprit: count('wrong-culprit'),
      recoveryMs: percentiles(this.#recoveries),
      detectMs: Object.fromEntries(Object.entries(this.#detections).map(([kind, times]) => [kind, percentiles(times)])),
      elapsedMs: Math.round(performance.now() - this.#startedAt),
      violations: this.#violations.length + verdict.violations.length,
    };
  }

  /** The history of the sends is not good. */
  noteEngine({ violations }: Verdict): void {
    this.#isEngineGood = violations.length === 0;
  }
}

function percentiles(values: readonly number[]): { readonly p50: number; readonly p99: number } {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50: at(0.5), p99: at(0.99) };
}
