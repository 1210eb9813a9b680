/**
 * G7: decisions about failures, against a model written from what the decision record and the guarantees say: a table by policy, and a
 * plain memory of everything that ever happened instead of a history that is carried along.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decide } from '../../../src/supervision/decide.ts';
import type { Decision, DecisionSpec, Failure, History } from '../../../src/supervision/decide.ts';
import { FAILURE_KINDS } from '../../../src/supervision/events.ts';
import { GIVE_UPS, RESTARTS, replace } from '../../../src/supervision/spec.ts';
import { holdsAlways } from '../../support/property.ts';

const START = 1_700_000_000_000;

const policies: fc.Arbitrary<DecisionSpec> = fc.record({
  restart: fc.constantFrom(...RESTARTS),
  maxRestarts: fc.integer({ min: 4, max: 8 }),
  withinMs: fc.integer({ min: 1, max: 10_000 }),
  backoff: fc.record({
    minMs: fc.constantFrom(0, 1, 50),
    maxMs: fc.constantFrom(50, 400, 3000),
    factor: fc.constantFrom(1, 2, 10),
    jitter: fc.constantFrom(0, 0.5, 1),
  }),
  onFailure: fc.constantFrom<DecisionSpec['onFailure']>('restart', 'restart', 'restart', 'alert', replace('other')),
  onGiveUp: fc.constantFrom(...GIVE_UPS),
});

/** One failure of a story: what failed, and how long after the last decision had been carried out. */
interface Step {
  readonly kind: Failure['kind'];
  /** Which event; absent when none is to blame. */
  readonly event: number | undefined;
  /** The same fails again, whatever the fields above say. */
  readonly isAgain: boolean;
  readonly afterMs: number;
  readonly random: number;
}

const steps: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom(...FAILURE_KINDS),
  event: fc.option(fc.nat(2), { nil: undefined }),
  isAgain: fc.boolean(),
  afterMs: fc.oneof(fc.constantFrom(0, 1), fc.nat(100), fc.nat(4000)),
  random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
});

const stories = fc.record({ policy: policies, steps: fc.array(steps, { minLength: 1, maxLength: 14 }) });

/** Everything that has happened to the actor of a story. */
interface Told {
  readonly failure: Failure;
  readonly now: number;
  readonly decision: Decision;
  /** When it served again. */
  readonly backAt: number;
}

/** Tells a story as a cell would: repeated failures of one thing are counted, and the history is carried along. */
function tell(policy: DecisionSpec, story: readonly Step[]): readonly Told[] {
  const told: Told[] = [];
  let history: History = { restarts: [] };
  let now = START;
  let before: { readonly what: string; readonly attempts: number } | undefined;
  let last: Step | undefined;
  for (const step of story) {
    const { afterMs, random, isAgain } = step;
    last = isAgain && last ? last : step;
    const { kind, event } = last;
    // Only a permanent actor is made anew at its end, and no event is to blame for that.
    const isEnd = kind === 'ended' && policy.restart === 'permanent';
    const eventId = kind === 'event' || kind === 'thread' ? event : undefined;
    const failed = kind === 'ended' && !isEnd ? 'internal' : kind;
    const what = `${failed} ${eventId}`;
    const attempts = before?.what === what ? before.attempts + 1 : 1;
    const failure: Failure = { kind: failed, attempts, ...(eventId !== undefined && { eventId: `e${eventId}` }) };
    now += afterMs;
    const decision = decide(policy, failure, history, now, random);
    told.push({ failure, now, decision, backAt: now + decision.delayMs });
    if (!['retry', 'dead-letter', 'restart'].includes(decision.action)) break;
    before = decision.action === 'dead-letter' ? undefined : { what, attempts };
    history = decision.history;
    now += decision.delayMs;
  }
  return told;
}

/** A failure counts in the window unless it repeats an event that has been counted. */
const isCounted = ({ eventId, attempts }: Failure): boolean => eventId === undefined || attempts === 1;

/** What the last failure of a story leads to. */
function expectedAction(policy: DecisionSpec, told: readonly Told[]): string {
  const { failure, now } = told.at(-1)!;
  if (failure.kind !== 'ended') {
    if (policy.restart === 'temporary') return 'end';
    if (policy.onFailure === 'alert') return 'alert';
    if (policy.onFailure !== 'restart') return 'replace';
  }
  const isPoison = failure.attempts >= 3;
  const inWindow = told.filter((each) => isCounted(each.failure) && now - each.now < policy.withinMs);
  if (isCounted(failure) && inWindow.length > policy.maxRestarts) return policy.onGiveUp;
  if (failure.eventId !== undefined) return isPoison ? 'dead-letter' : 'retry';
  return failure.kind === 'thread' && isPoison ? policy.onGiveUp : 'restart';
}

/** How many failures without an event there were in a row, the last one included: quiet for longer than `maxMs` ends a row. */
function expectedRow({ backoff }: DecisionSpec, told: readonly Told[]): number {
  const restarts = told.filter(({ decision }) => decision.action === 'restart');
  const broken = restarts.findLastIndex((each, n) => n > 0 && each.now - restarts[n - 1]!.backAt > backoff.maxMs);
  return restarts.length - Math.max(0, broken);
}

function everyPrefix(check: (policy: DecisionSpec, told: readonly Told[]) => void): void {
  holdsAlways(
    fc.property(stories, ({ policy, steps: story }) => {
      const told = tell(policy, story);
      for (let length = 1; length <= told.length; length++) check(policy, told.slice(0, length));
    }),
  );
}

test('G7: each decision is the one the policy and everything that happened before lead to', () => {
  everyPrefix((policy, told) => expect(told.at(-1)!.decision.action).toBe(expectedAction(policy, told)));
});

test('G7: only a restart without an event to blame may pause, the first in a row never, none longer than maxMs', () => {
  everyPrefix((policy, told) => {
    const { decision, failure } = told.at(-1)!;
    if (decision.action !== 'restart') {
      expect([decision.delayMs, decision.attempt]).toEqual([0, failure.attempts]);
      return;
    }
    const { minMs, maxMs, factor, jitter } = policy.backoff;
    const row = expectedRow(policy, told);
    const fullMs = row === 1 ? 0 : Math.min(maxMs, minMs * factor ** (row - 2));
    expect(decision.attempt).toBe(row);
    expect(decision.delayMs).toBeLessThanOrEqual(Math.ceil(fullMs));
    expect(decision.delayMs).toBeGreaterThanOrEqual(Math.floor(fullMs * (1 - jitter)));
  });
});

test('G7: what is remembered is what counted within the window, and nothing is asked of it again', () => {
  everyPrefix((policy, told) => {
    const { decision, now, failure } = told.at(-1)!;
    const { action, history } = decision;
    if (['end', 'alert', 'replace'].includes(action)) {
      expect(history).toEqual(told.at(-2)?.decision.history ?? { restarts: [] });
      return;
    }
    const counted = told.filter((each) => isCounted(each.failure) && now - each.now < policy.withinMs);
    expect(history.restarts).toEqual(counted.map((each) => each.now));
    // Whoever is given up on and let go of later begins a row of its own.
    if (action === policy.onGiveUp) expect(history.streak).toBeUndefined();
    if (failure.eventId !== undefined && action !== policy.onGiveUp)
      expect(history.streak).toEqual(told.at(-2)?.decision.history.streak);
  });
});

test('G7: an event that fails its actor every time is tried three times at most, whatever its budget', () => {
  const alone = policies.map((policy) => ({ ...policy, restart: 'transient', onFailure: 'restart' }) as const);
  const before = fc.array(fc.integer({ min: START - 10_000, max: START }), { maxLength: 12 });
  holdsAlways(
    fc.property(alone, before, fc.nat(1000), (policy, restarts, stepMs) => {
      let history: History = { restarts };
      const actions: string[] = [];
      for (let attempts = 1; attempts <= 3 && (actions.at(-1) ?? 'retry') === 'retry'; attempts++) {
        const failure: Failure = { kind: 'event', eventId: 'e', attempts };
        const decision = decide(policy, failure, history, START + attempts * stepMs, 0.5);
        actions.push(decision.action);
        history = decision.history;
      }
      const isSpent = restarts.filter((at) => START + stepMs - at < policy.withinMs).length >= policy.maxRestarts;
      expect(actions).toEqual(isSpent ? [policy.onGiveUp] : ['retry', 'retry', 'dead-letter']);
    }),
  );
});
