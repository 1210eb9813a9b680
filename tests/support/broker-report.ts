/** Figures and findings of a run with a broker, for people and for the last line. Pure. */
import type { BrokerFinding, BrokerVerdict } from './broker-check.ts';
import type { FaultKind } from './broker-plan.ts';
import type { Drain, RunFinding } from './broker-run.ts';
import type { FaultMark, Spread } from './broker-times.ts';

export interface BrokerOutcome {
  readonly seed: number;
  /** Undefined when the run did not come to its end. */
  readonly verdict: BrokerVerdict | undefined;
  readonly drain: Drain | undefined;
  readonly faults: readonly FaultMark[];
  readonly findings: readonly RunFinding[];
  readonly foreign: { readonly requests: number; readonly repeats: number };
  readonly versions: Readonly<Record<string, string>>;
  readonly seconds: number;
}

const MOST_SHOWN = 30;

/** Everything held. */
export function isGoodOutcome({ verdict, findings, drain }: BrokerOutcome): boolean {
  return verdict?.findings.length === 0 && findings.length === 0 && drain !== undefined;
}

/** The findings, one per line, as many as a person reads. */
export function describeFindings({ verdict, findings }: BrokerOutcome): string {
  const all: readonly (BrokerFinding | RunFinding)[] = [...findings, ...(verdict?.findings ?? [])];
  const shown = all.slice(0, MOST_SHOWN).map(({ kind, text }) => `FINDING ${kind}: ${text}`);
  return [...shown, ...(all.length > MOST_SHOWN ? [`… and ${all.length - MOST_SHOWN} more`] : [])].join('\n');
}

/** The last line. */
export function toBrokerSummary(outcome: BrokerOutcome): Readonly<Record<string, unknown>> {
  const { seed, verdict, drain, faults, findings, foreign, versions, seconds } = outcome;
  const count = (...kinds: readonly FaultKind[]): number => faults.filter(({ kind }) => kinds.includes(kind)).length;
  const found = (kind: BrokerFinding['kind']): number =>
    verdict?.findings.filter((finding) => finding.kind === kind).length ?? 0;
  return {
    ok: isGoodOutcome(outcome),
    seed,
    kills: count('kill'),
    cuts: count('cut', 'refuse', 'tear'),
    stalls: count('stall'),
    delays: count('delay'),
    freezes: count('freeze'),
    systemsKilled: count('end'),
    acknowledged: verdict?.acknowledged ?? 0,
    unknown: verdict?.unknown ?? 0,
    unknownButHandled: verdict?.unknownButHandled ?? 0,
    handled: verdict?.handled ?? 0,
    lost: found('lost'),
    twice: found('twice'),
    disordered: found('disordered'),
    findings: findings.length + (verdict?.findings.length ?? 0),
    repeatedAfterKill: verdict?.repeatedAfterKill ?? 0,
    repeatedInGroups: verdict?.repeatedInGroups ?? 0,
    requests: foreign.requests,
    foreignRepeats: foreign.repeats,
    reconnectMs: toFigures(verdict?.reconnectMs),
    drainMs: drain?.drainMs ?? null,
    drained: drain?.held ?? null,
    localMs: toFigures(verdict?.localMs),
    acrossMs: toFigures(verdict?.acrossMs),
    seconds,
    versions,
  };
}

function toFigures(spread: Spread | undefined): Spread | null {
  return spread && spread.count > 0 ? spread : null;
}
