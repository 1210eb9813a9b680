/** States of older definitions, brought to the loaded one step by step. Pure: the same rows give the same state every time. */
import { TroupeError, isTroupeError } from '../errors.ts';
import { checkJson } from './json.ts';
import type { Json } from './json.ts';
import type { PersistedState } from './persisted.ts';
import { findStateFault } from './recover.ts';

/** A state as a migration sees it: the machine's value and context, and what else is stored. It is the migration's to change. */
export type MigratedState = {
  value: Json;
  // oxlint-disable-next-line typescript/no-explicit-any -- a context of an older machine, whose type is gone
  context: any;
  [part: string]: unknown;
};

/** From the version it is filed under to the next. Returns the state, changed or another. */
export type Migration = (state: MigratedState) => MigratedState;

/** By the version they begin from. */
export type Migrations = Readonly<Record<number, Migration>>;

/** From where to where. */
export interface MigrationPlan {
  readonly owner: string;
  readonly type: string;
  readonly from: number;
  readonly to: number;
  readonly steps: Migrations;
}

/**
 * The state as the version `to` would have saved it. `state` is left alone.
 * @throws {TroupeError} ERR_STATE_VERSION when there is no way from one to the other; ERR_STATE_MIGRATION when a step fails.
 */
export function migrateState(state: PersistedState, plan: MigrationPlan): PersistedState {
  assertWay(plan);
  let migrated = structuredClone(state) as Json;
  for (let version = plan.from; version < plan.to; version++) migrated = migrate(migrated, version, plan);
  return migrated as PersistedState;
}

function assertWay({ owner, type, from, to, steps }: MigrationPlan): void {
  const fault = (problem: string, next: string): TroupeError =>
    new TroupeError(
      'ERR_STATE_VERSION',
      `The stored state of '${owner}' has version ${from} of '${type}', the loaded definition has ${to}${problem}. ${next}; its rows are untouched.`,
      { details: { address: owner, stored: from, loaded: to } },
    );
  if (from > to) throw fault('', 'Run the version that wrote it, or delete the actor');
  for (let version = from; version < to; version++) {
    if (Object.hasOwn(steps, version)) continue;
    throw fault(
      `, and no step leads from ${version} to ${version + 1}`,
      `Add migrate: { ${version}: (state) => … } to defineActor('${type}', …)`,
    );
  }
}

function migrate(state: Json, version: number, { owner, type, steps }: MigrationPlan): Json {
  try {
    const next: unknown = steps[version]?.(state as never);
    checkJson(withoutRefs(next), `The state of '${owner}'`, '');
    const checked = JSON.parse(JSON.stringify(next)) as Json;
    const fault = findStateFault(checked);
    if (fault === undefined) return checked;
    throw new TroupeError('ERR_STATE_CORRUPT', `It returned no state: '${fault}' is wrong.`, {
      details: { path: fault },
    });
  } catch (cause) {
    const reason = isTroupeError(cause) || cause instanceof Error ? cause.message : String(cause);
    throw new TroupeError(
      'ERR_STATE_MIGRATION',
      `Step ${version} of migrate failed for '${owner}': ${reason} Mend it in defineActor('${type}', { migrate }); its rows are untouched.`,
      { cause, details: { address: owner, type, version } },
    );
  }
}

/** References to children are what no other JSON may look like: for the check they are plain objects. */
function withoutRefs(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutRefs);
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  const entries = Object.entries(value).map(([key, part]): [string, unknown] =>
    key === 'xstate$$type' && part === 1 ? ['ref', 1] : [key, withoutRefs(part)],
  );
  return Object.fromEntries(entries);
}
