/** The words of the judgement on a chaos run: what was seen, what breaks a rule, and the figures. */
import type { HistoryLine } from './chaos-history.ts';

/** Delay names of the machines that arm themselves again, and what each does about downtime. */
export type TickPolicy = 'deadline' | 'remaining' | 'restart';

/** A row of an actor's log, with the number the store gave it. */
export interface LoggedEntry {
  readonly row: number;
  readonly id: string;
  readonly from: string;
  readonly n: number;
  readonly place: number;
  readonly told?: { readonly to: string; readonly id: string; readonly n: number };
  readonly run?: number;
  readonly done?: { readonly id: string; readonly to: string; readonly key: string; readonly attempt: number };
  /** It scheduled an event by an effect, due no earlier than that; null: it took one back. */
  readonly plan?: { readonly key: string; readonly dueAt: number | null };
  /** A scheduled event came, at that time. */
  readonly ring?: { readonly key: string; readonly at: number };
  /** A timer of the machine fired, at that time. */
  readonly tick?: {
    readonly policy: TickPolicy;
    readonly armedAt: number;
    readonly delayMs: number;
    readonly at: number;
  };
  /** It published. */
  readonly published?: { readonly id: string; readonly topic: string; readonly n: number };
  /** It subscribed, or ended that. */
  readonly interest?: { readonly pattern: string; readonly isOn: boolean };
  /** A publication came. */
  readonly heard?: { readonly id: string; readonly topic: string };
}

export interface ChaosHistory {
  readonly lines: readonly HistoryLine[];
  /** Logs by address. */
  readonly logs: ReadonlyMap<string, readonly LoggedEntry[]>;
  /** What is left in the store once nothing moves any more: counts by name. */
  readonly leftovers: Readonly<Record<string, number>>;
}

/** What was found, each with the rule it breaks. */
export type ViolationKind =
  | 'lost'
  | 'twice'
  | 'disordered'
  | 'refused'
  | 'rejected-but-processed'
  | 'invented'
  | 'torn'
  | 'contradictory-outcome'
  | 'reply-differs'
  | 'tell-lost'
  | 'tell-gap'
  | 'effect-lost'
  | 'effect-key'
  | 'effect-attempt'
  | 'effect-too-early'
  | 'timer-early'
  | 'timer-lost'
  | 'timer-undead'
  | 'tick-gap'
  | 'topic-lost'
  | 'topic-uninvited'
  | 'witness-gap'
  | 'left-over';

export interface Violation {
  readonly kind: ViolationKind;
  readonly id: string;
  readonly text: string;
}

/** Figures of durable time. */
export interface TimeFigures {
  /** Times something was scheduled, moved or taken back for certain. */
  readonly orders: number;
  readonly rings: number;
  /** Scheduled for certain, and taken back or moved before its time came. */
  readonly cancelled: number;
  readonly ticks: number;
  /** Ticks whose timer was set by a process before the one it fired in. */
  readonly ticksAfterKill: number;
}

/** Figures of topics. */
export interface TopicFigures {
  readonly published: number;
  /** Publications that actors received, each subscriber counted. */
  readonly received: number;
  /** Of those, by a subscription made at run time. */
  readonly byChoice: number;
  /** Publications that code received under its name, and those that came again. */
  readonly witnessed: number;
  readonly witnessedAgain: number;
}

export interface Verdict {
  readonly acknowledged: number;
  readonly rejected: number;
  readonly unknown: number;
  /** Unknown events that turned out to be processed. */
  readonly unknownButProcessed: number;
  readonly tells: number;
  readonly processed: number;
  readonly lost: number;
  readonly twice: number;
  readonly disordered: number;
  /** Times an actor came back to memory in a process it had been live in before. */
  readonly wakes: number;
  readonly effects: {
    readonly completed: number;
    readonly begun: number;
    readonly restarted: number;
    readonly sameKey: number;
  };
  readonly time: TimeFigures;
  readonly topics: TopicFigures;
  readonly violations: readonly Violation[];
}

/** Collects what breaks a rule. */
export class Findings {
  readonly all: Violation[] = [];

  add(kind: ViolationKind, id: string, text: string): void {
    this.all.push({ kind, id, text });
  }

  count(...kinds: readonly ViolationKind[]): number {
    return this.all.filter(({ kind }) => kinds.includes(kind)).length;
  }
}
