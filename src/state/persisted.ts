/** What is stored of an actor: its state as plain JSON, in Troupe's own shape, and the way from there to XState's. */
import type { Snapshot } from 'xstate';
import type { Json } from './json.ts';
import { decodeRefs } from './references.ts';
import type { StateValueJson } from './state-value.ts';

/** Every status an actor's state can have. */
export const PERSISTED_STATUSES = ['active', 'done', 'error', 'stopped'] as const;

/** Whether an actor runs, or how it ended. */
export type PersistedStatus = (typeof PERSISTED_STATUSES)[number];

/**
 * The stored state of an actor. Machines have a `value`; other logic has none. What comes and goes (`children`) stands
 * last, so that its coming leaves the order of the other keys alone and costs one step of a delta.
 */
export type PersistedState = {
  readonly status: PersistedStatus;
  readonly value?: StateValueJson;
  /** References to children stand as `{ xstate$$type: 1, id }`. */
  readonly context?: Json;
  /** Of effect functions and promises, which begin anew from it after a restart. */
  readonly input?: Json;
  readonly output?: Json;
  readonly error?: Json;
  /** Ids of the state nodes that history states remember. */
  readonly historyValue?: { readonly [historyId: string]: readonly string[] };
  readonly children?: { readonly [id: string]: PersistedChild };
};

/** The stored state of a child, and what it takes to make the child again. */
export type PersistedChild = {
  /** The name of its logic in setup({ actors }). */
  readonly src: string;
  readonly systemId?: string;
  readonly syncSnapshot?: true;
  readonly state: PersistedState;
};

/**
 * XState's form of a stored state, for `createActor(machine, { snapshot })`. The result is XState's to change; `state`
 * is left alone, and parts of it that hold no actor references are shared.
 */
export function toXStateSnapshot(state: PersistedState): Snapshot<unknown> {
  const { value, context, historyValue, children, ...rest } = state;
  if (value === undefined) return asSnapshot({ ...rest, ...(context !== undefined && { context }) });
  const xstateChildren: Record<string, unknown> = {};
  for (const [id, child] of Object.entries(children ?? {})) xstateChildren[id] = toXStateChild(child);
  return asSnapshot({
    ...rest,
    value,
    context: decodeRefs(context ?? {}, (id) => Object.hasOwn(xstateChildren, id)),
    historyValue: toXStateHistory(historyValue),
    children: xstateChildren,
  });
}

/** XState's type wants `undefined` where a JSON form has nothing; its code takes both. */
function asSnapshot(form: object): Snapshot<unknown> {
  return form as Snapshot<unknown>;
}

function toXStateChild(child: PersistedChild): unknown {
  const { state, ...rest } = child;
  return { ...rest, snapshot: toXStateSnapshot(state) };
}

function toXStateHistory(historyValue: PersistedState['historyValue']): Record<string, { id: string }[]> {
  const entries = Object.entries(historyValue ?? {});
  return Object.fromEntries(entries.map(([id, nodes]) => [id, nodes.map((node) => ({ id: node }))]));
}
