/**
 * Judges one wave of faults: what the runtime said and did, from one rest to the next, against the faults that were injected and the model
 * of the tree. Pure.
 *
 * Exactly those the model names are made anew, never more often than was ordered; nobody but the injected is said to have failed or to
 * have ended a thread; each fault was noticed, and decided on as its kind asks for; of the temporary actors exactly those that failed or
 * were ordered to stop have ended. What a lost thread leaves unsaid is excused: its actors began anew with it.
 */
import type { SystemEvents, SystemTopic } from '../../src/index.ts';
import type { FaultKind } from './tree-faults.ts';
import type { Generations, TreeModel } from './tree-model.ts';

/** One that was injected. */
export interface Fault {
  readonly id: string;
  readonly kind: FaultKind;
  readonly address: string;
  /** When it happened, in milliseconds since the epoch; twice for one that was not named at first. */
  readonly marks: readonly number[];
}

/** Something the runtime said. */
export type Said = {
  [T in SystemTopic]: { readonly pos: number; readonly at: number; readonly topic: T; readonly data: SystemEvents[T] };
}[SystemTopic];

/** Threads an actor was at home on when the wave began, and when it was over. */
export interface Homes {
  readonly before: ReadonlyMap<string, number>;
  readonly after: ReadonlyMap<string, number>;
}

export interface Wave {
  readonly faults: readonly Fault[];
  readonly said: readonly Said[];
  readonly homes: Homes;
  readonly generations: Generations;
  /** Temporary actors that were alive when it began and are no more. */
  readonly ended: ReadonlySet<string>;
}

export type TreeViolationKind =
  | 'unpredicted'
  | 'missing'
  | 'too-often'
  | 'wrong-culprit'
  | 'wrong-decision'
  | 'undetected'
  | 'wrongly-ended'
  | 'wrongly-alive'
  | 'given-up';

export interface TreeViolation {
  readonly kind: TreeViolationKind;
  readonly text: string;
}

export interface WaveVerdict {
  readonly violations: readonly TreeViolation[];
  /** Actors to be made anew, each once. */
  readonly predicted: number;
  /** Restarts that nobody said because the thread was lost meanwhile. */
  readonly excused: number;
  /** Faults that nobody was charged with because the thread was lost again, to another one, before the charge was written. */
  readonly overtaken: number;
  readonly threadsReplaced: number;
  /** From a fault to the first word about it, in milliseconds. */
  readonly detections: readonly { readonly kind: FaultKind; readonly ms: number }[];
  /** From a fault to its actor being made anew, in milliseconds. */
  readonly recoveries: readonly number[];
}

type Failed = Extract<Said, { topic: 'system.actor.failed' }>;
type Ended = Extract<Said, { topic: 'system.thread.ended' }>;

const GOES_ON: ReadonlySet<string> = new Set(['retry', 'dead-letter', 'restart']);

const DECISIONS: Readonly<Record<FaultKind, readonly string[]>> = {
  throw: ['retry'],
  poison: ['retry', 'dead-letter'],
  hang: ['retry'],
  exit: ['retry'],
  oom: ['retry'],
  error: ['restart'],
  'hang-later': ['restart'],
  stall: ['restart'],
};

const ENDS_THREADS: ReadonlySet<FaultKind> = new Set<FaultKind>(['hang', 'exit', 'oom', 'error', 'hang-later']);

/** Judges a wave. */
export function judgeWave(wave: Wave, model: TreeModel): WaveVerdict {
  return new WaveJudge(wave, model).judge();
}

class WaveJudge {
  readonly #wave: Wave;
  readonly #model: TreeModel;
  readonly #failures: readonly Failed[];
  readonly #ends: readonly Ended[];
  readonly #faults: ReadonlyMap<string, Fault>;
  readonly #violations: TreeViolation[] = [];
  #excused = 0;
  #overtaken = 0;

  constructor(wave: Wave, model: TreeModel) {
    this.#wave = wave;
    this.#model = model;
    this.#failures = wave.said.filter((said) => said.topic === 'system.actor.failed');
    this.#ends = wave.said.filter((said) => said.topic === 'system.thread.ended');
    this.#faults = new Map(wave.faults.map((fault) => [fault.address, fault]));
  }

  judge(): WaveVerdict {
    const ordered = this.#ordered();
    this.#checkRestarts(ordered.restarts);
    this.#checkTemporary(ordered.stops);
    for (const failure of this.#failures) this.#checkFailure(failure);
    for (const end of this.#ends) this.#checkEnd(end);
    for (const fault of this.#wave.faults) this.#checkNoticed(fault);
    this.#checkNobodyHeld();
    return {
      violations: this.#violations,
      predicted: ordered.restarts.size,
      excused: this.#excused,
      overtaken: this.#overtaken,
      threadsReplaced: this.#wave.said.filter(({ topic }) => topic === 'system.thread.replaced').length,
      detections: this.#wave.faults.flatMap((fault) => this.#detectionOf(fault)),
      recoveries: this.#wave.faults.flatMap((fault) => this.#recoveryOf(fault)),
    };
  }

  /** Positions of the failures for which each address was to be made anew, and who was to be stopped. */
  #ordered(): { readonly restarts: ReadonlyMap<string, readonly number[]>; readonly stops: ReadonlySet<string> } {
    const restarts = new Map<string, number[]>();
    const stops = new Set<string>();
    for (const { pos, data } of this.#failures) {
      if (!GOES_ON.has(data.decision)) continue;
      const orders = this.#model.ordersAfter(data.address, this.#wave.generations);
      for (const address of [data.address, ...orders.restarts])
        restarts.set(address, [...(restarts.get(address) ?? []), pos]);
      for (const address of orders.stops) stops.add(address);
    }
    return { restarts, stops };
  }

  #checkRestarts(ordered: ReadonlyMap<string, readonly number[]>): void {
    const seen = new Map<string, number>();
    for (const { topic, data } of this.#wave.said) {
      if (topic !== 'system.actor.restarted') continue;
      seen.set(data.address, (seen.get(data.address) ?? 0) + 1);
      this.#checkCause(data.address, data.cause);
    }
    for (const [address, count] of seen) {
      const most = ordered.get(address)?.length ?? 0;
      if (most === 0) this.#add('unpredicted', `'${address}' was made anew, which no failure asks for`);
      else if (count > most)
        this.#add('too-often', `'${address}' was made anew ${count} times, ordered were at most ${most}`);
    }
    for (const [address, failedAt] of ordered) {
      if (seen.has(address)) continue;
      if (this.#lostItsThread(address, Math.min(...failedAt))) this.#excused++;
      else this.#add('missing', `'${address}' was not made anew`);
    }
  }

  #checkCause(address: string, cause: string): void {
    const isCulprit = this.#failures.some(({ data }) => data.address === address);
    if (cause === 'strategy' || (cause === 'failure' && isCulprit)) return;
    this.#add('unpredicted', `'${address}' was made anew because of '${cause}'`);
  }

  /** The thread of an actor went, or the actor moved, after that position: it began anew, and nobody is left to say so. */
  #lostItsThread(address: string, pos: number): boolean {
    const { before, after } = this.#wave.homes;
    const homes = [before.get(address), after.get(address)];
    if (homes[0] !== homes[1]) return true;
    return this.#ends.some((end) => end.pos > pos && homes.includes(end.data.thread));
  }

  #checkTemporary(stops: ReadonlySet<string>): void {
    const { ended } = this.#wave;
    const failed = new Set(
      this.#failures.filter(({ data }) => data.decision === 'end').map(({ data }) => data.address),
    );
    for (const address of ended)
      if (!stops.has(address) && !failed.has(address))
        this.#add('wrongly-ended', `'${address}' has ended, which no failure asks for`);
    for (const address of new Set([...stops, ...failed]))
      if (!ended.has(address)) this.#add('wrongly-alive', `'${address}' should have ended`);
  }

  #checkFailure({ data: { address, kind, decision, error } }: Failed): void {
    const fault = this.#faults.get(address);
    if (!fault) return this.#add('wrong-culprit', `'${address}' is said to have failed (${kind}: ${error.message})`);
    const isBrief = this.#model.placeOf(address)?.type === 'brief';
    const allowed = isBrief ? ['end'] : DECISIONS[fault.kind];
    if (!allowed.includes(decision))
      this.#add('wrong-decision', `'${address}' (${fault.kind}) failed as '${kind}', and '${decision}' was decided`);
  }

  #checkEnd({ data: { thread, end, culprit, suspects = [] } }: Ended): void {
    const named = culprit ? [culprit.address] : suspects;
    const isInjected = named.some((address) => this.#endsThreads(address, culprit === undefined));
    if (!isInjected)
      this.#add('wrong-culprit', `thread ${thread} ended (${end}); named: ${named.join(', ') || 'nobody'}`);
  }

  /** Only what happens between two turns may go without a name. */
  #endsThreads(address: string, isUnnamed: boolean): boolean {
    const kind = this.#faults.get(address)?.kind;
    return kind !== undefined && (isUnnamed ? kind === 'hang-later' : ENDS_THREADS.has(kind));
  }

  #checkNoticed(fault: Fault): void {
    if (fault.marks.length === 0 && fault.kind !== 'poison')
      return this.#add('undetected', `fault '${fault.id}' of '${fault.address}' never happened`);
    if (this.#isNoticed(fault)) return;
    const named = this.#ends.find(({ data }) => data.culprit?.address === fault.address);
    const isNamed = named !== undefined || !ENDS_THREADS.has(fault.kind);
    if (isNamed && this.#lostItsThread(fault.address, named?.pos ?? 0)) this.#overtaken++;
    else this.#add('undetected', `nobody noticed '${fault.kind}' of '${fault.address}'`);
  }

  #isNoticed({ kind, address }: Fault): boolean {
    const failures = this.#failures.filter(({ data }) => data.address === address).map(({ data }) => data);
    if (kind === 'poison')
      return this.#wave.said.some(({ topic, data }) => topic === 'system.event.buried' && data.address === address);
    if (kind === 'throw') return failures.some((failure) => failure.kind === 'event');
    if (kind === 'stall') return failures.some((failure) => failure.kind === 'stall');
    if (kind === 'hang-later' && this.#ends.some(({ data }) => data.suspects?.includes(address))) return true;
    const isNamed = this.#ends.some(({ data }) => data.culprit?.address === address);
    return isNamed && failures.some((failure) => failure.kind === 'thread');
  }

  #checkNobodyHeld(): void {
    for (const { topic, data } of this.#wave.said) {
      if (topic === 'system.actor.quarantined')
        this.#add('given-up', `'${data.address}' is held: ${data.error.message}`);
      if (topic === 'system.event.buried' && this.#faults.get(data.address)?.kind !== 'poison')
        this.#add('given-up', `event '${data.id}' of '${data.address}' was given up on: ${data.error.message}`);
    }
  }

  #detectionOf({ kind, address, marks: [mark] }: Fault): readonly { readonly kind: FaultKind; readonly ms: number }[] {
    const word = this.#wave.said.find((said) => isAbout(said, address));
    return word && mark !== undefined ? [{ kind, ms: word.at - mark }] : [];
  }

  #recoveryOf({ address, marks: [mark] }: Fault): readonly number[] {
    const back = this.#wave.said.find(
      ({ topic, data }) => topic === 'system.actor.restarted' && data.address === address,
    );
    return back && mark !== undefined ? [back.at - mark] : [];
  }

  #add(kind: TreeViolationKind, text: string): void {
    this.#violations.push({ kind, text });
  }
}

function isAbout({ topic, data }: Said, address: string): boolean {
  if (topic === 'system.actor.failed') return data.address === address;
  if (topic !== 'system.thread.ended') return false;
  return data.culprit?.address === address || data.suspects?.includes(address) === true;
}
