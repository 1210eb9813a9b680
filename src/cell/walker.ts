/**
 * Turns a live XState actor into the state that is stored, turn by turn, sharing with the state before whatever did not
 * change: an untouched context or child is the identical object, and a context without actor references is the live
 * context itself. What it shares it freezes, since a change in place would be missed. `getPersistedSnapshot` would
 * visit the whole context on every turn.
 *
 * Owns nothing but its memory of the last walk. After a restore, walk once before the first turn, so that the restored
 * parts are frozen.
 */
import { TroupeError } from '../errors.ts';
import { freezeJson, type Json } from '../state/json.ts';
import type { RefScope } from '../state/json-shape.ts';
import type { PersistedChild, PersistedState, PersistedStatus } from '../state/persisted.ts';
import { encodeRefs } from '../state/references.ts';
import { keepStateValue, type StateValueJson } from '../state/state-value.ts';
import { encodeThrown } from '../state/thrown.ts';

/** The part of an XState actor that is read. */
export interface LiveActor {
  readonly id: string;
  readonly sessionId: string;
  readonly src: unknown;
  getSnapshot(): unknown;
  getPersistedSnapshot(): unknown;
}

/** Remembers the last walk of one root actor. */
export interface Walker {
  /**
   * The state to store; the identical object when nothing changed.
   * @throws {TroupeError} ERR_NOT_JSON when a part would be lost, ERR_CHILD_UNNAMED when a child cannot be restored.
   */
  walk(rootActor: LiveActor): PersistedState;
}

/** Makes the walker of one actor; `owner` is its address, for messages. */
export function createWalker(owner: string): Walker {
  return new TraceWalker(owner);
}

class TraceWalker implements Walker {
  readonly #owner: string;
  #root: Trace | undefined;

  constructor(owner: string) {
    this.#owner = owner;
  }

  walk(rootActor: LiveActor): PersistedState {
    if (this.#root?.actor !== rootActor) this.#root = createTrace(rootActor, `The state of '${this.#owner}'`, '');
    return visit(this.#root);
  }
}

/** What the last walk saw of one actor. Thousands are kept, so it is small. */
interface Trace extends RefScope {
  readonly actor: LiveActor;
  /** Begins messages. */
  readonly owner: string;
  /** Path of the actor from the root: '' or `children.research.`. */
  readonly path: string;
  snapshot: unknown;
  context: unknown;
  history: unknown;
  children: Map<string, ChildTrace> | undefined;
  state: PersistedState | undefined;
}

interface ChildTrace {
  readonly trace: Trace;
  persisted: PersistedChild;
}

/** What a machine's snapshot holds. */
interface LiveMachineSnapshot {
  readonly status: PersistedStatus;
  readonly value: StateValueJson;
  readonly context: unknown;
  readonly output: unknown;
  readonly error: unknown;
  readonly historyValue: LiveHistory;
  readonly children: LiveChildren;
}

type LiveHistory = Readonly<Record<string, readonly { readonly id: string }[]>>;
type LiveChildren = Readonly<Record<string, (LiveActor & ChildInternals) | undefined>>;

/** Not in XState's types: a canary test guards them. */
interface ChildInternals {
  readonly systemId?: string;
  readonly _syncSnapshot?: boolean;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

function createTrace(actor: LiveActor, owner: string, path: string): Trace {
  return {
    actor,
    owner,
    path,
    hasRefs: false,
    snapshot: undefined,
    context: undefined,
    history: undefined,
    children: undefined,
    state: undefined,
  };
}

function visit(trace: Trace): PersistedState {
  const snapshot = trace.actor.getSnapshot();
  if (isMachineSnapshot(snapshot)) return visitMachine(trace, snapshot);
  if (trace.state !== undefined && snapshot === trace.snapshot) return trace.state;
  const state = readLogic(trace, snapshot);
  trace.snapshot = snapshot;
  trace.state = state;
  return state;
}

function isMachineSnapshot(snapshot: unknown): snapshot is LiveMachineSnapshot {
  return typeof snapshot === 'object' && snapshot !== null && 'machine' in snapshot && 'value' in snapshot;
}

/** A child's turn leaves its parent's snapshot as it is, so children are always visited. */
function visitMachine(trace: Trace, live: LiveMachineSnapshot): PersistedState {
  const previous = trace.state;
  const children = walkChildren(trace, live.children);
  if (previous !== undefined && live === trace.snapshot && children === previous.children) return previous;
  const state = readMachine(trace, live, children);
  trace.snapshot = live;
  trace.context = live.context;
  trace.history = live.historyValue;
  trace.state = previous !== undefined && hasSameParts(previous, state) ? previous : Object.freeze(state);
  return trace.state;
}

function readMachine(trace: Trace, live: LiveMachineSnapshot, children: PersistedState['children']): PersistedState {
  const previous = trace.state;
  const state: Writable<PersistedState> = {
    status: live.status,
    value: keepStateValue(previous?.value, live.value),
    context: walkContext(trace, live.context),
  };
  if (live.output !== undefined) state.output = walkPart(trace, 'output', live.output);
  if (live.error !== undefined) state.error = encodeThrown(live.error);
  const history = walkHistory(trace, live.historyValue);
  if (history !== undefined) state.historyValue = history;
  if (children !== undefined) state.children = children;
  return state;
}

/** Output and error come with a status of their own. */
function hasSameParts(previous: PersistedState, next: PersistedState): boolean {
  return (
    previous.context === next.context &&
    previous.value === next.value &&
    previous.status === next.status &&
    previous.children === next.children &&
    previous.historyValue === next.historyValue
  );
}

function walkContext(trace: Trace, live: unknown): Json {
  const previous = trace.state?.context;
  if (live === trace.context && previous !== undefined) return previous;
  const checked = freezeJson(live, trace.owner, `${trace.path}context`, { previous: trace.context, refs: trace });
  return trace.hasRefs ? encodeRefs(live, trace.context, previous) : checked;
}

type Part = 'context' | 'input' | 'output' | 'error';

function walkPart(trace: Trace, part: Part, live: unknown): Json {
  return freezeJson(live, trace.owner, trace.path + part, { previous: trace.state?.[part] });
}

function walkHistory(trace: Trace, live: LiveHistory): PersistedState['historyValue'] {
  const previous = trace.state?.historyValue;
  if (live === trace.history) return previous;
  const ids = Object.keys(live);
  if (ids.length === 0) return undefined;
  const history = Object.fromEntries(ids.map((id) => [id, live[id]?.map((node) => node.id) ?? []]));
  return freezeJson(history, trace.owner, `${trace.path}historyValue`) as PersistedState['historyValue'];
}

/** The children in a new record, or the record of the last walk when none came, went or changed. */
function walkChildren(trace: Trace, live: LiveChildren): PersistedState['children'] {
  const previous = trace.state?.children;
  let count = 0;
  let isChanged = false;
  for (const id in live) {
    if (walkChild(trace, id, live[id]) !== previous?.[id]) isChanged = true;
    count += 1;
  }
  if (count === 0) return void (trace.children = undefined);
  if (!isChanged && trace.children?.size === count) return previous;
  return collectChildren(trace, live);
}

function collectChildren(trace: Trace, live: LiveChildren): PersistedState['children'] {
  const known = trace.children;
  trace.children = new Map();
  const persisted: Record<string, PersistedChild> = {};
  for (const id of Object.keys(live)) {
    const child = known?.get(id) as ChildTrace;
    trace.children.set(id, child);
    persisted[id] = child.persisted;
  }
  return Object.freeze(persisted);
}

function walkChild(trace: Trace, id: string, actor: LiveChildren[string]): PersistedChild {
  let child = trace.children?.get(id);
  if (actor === undefined || child?.trace.actor !== actor) {
    assertRestorable(trace, id, actor);
    const childTrace = createTrace(actor, trace.owner, `${trace.path}children.${id}.`);
    child = { trace: childTrace, persisted: createPersistedChild(actor, visit(childTrace)) };
    trace.children ??= new Map();
    trace.children.set(id, child);
    return child.persisted;
  }
  const state = visit(child.trace);
  if (state !== child.persisted.state) child.persisted = Object.freeze({ ...child.persisted, state });
  return child.persisted;
}

function createPersistedChild(actor: LiveActor & ChildInternals, state: PersistedState): PersistedChild {
  return Object.freeze({
    src: actor.src as string,
    ...(actor.systemId !== undefined && { systemId: actor.systemId }),
    ...(actor._syncSnapshot === true && { syncSnapshot: true as const }),
    state,
  });
}

function assertRestorable(
  trace: Trace,
  id: string,
  actor: (LiveActor & ChildInternals) | undefined,
): asserts actor is LiveActor & ChildInternals {
  const src = actor?.src;
  if (actor === undefined || typeof src !== 'string' || src.startsWith('xstate.invoke.')) {
    const fix = "Name its logic in setup({ actors: { … } }) and use that name as 'src'.";
    throw createChildError(trace, id, 'has unnamed logic and cannot be restored', fix);
  }
  // Without an id XState takes the session id, which is given out anew after a restore: two children would share it.
  if (actor.id === actor.sessionId || id === '__proto__') {
    throw createChildError(
      trace,
      id,
      'has no id of its own and cannot be restored',
      "Spawn it with an 'id' of its own.",
    );
  }
}

function createChildError(trace: Trace, id: string, problem: string, fix: string): TroupeError {
  const path = `${trace.path}children.${id}`;
  return new TroupeError('ERR_CHILD_UNNAMED', `${trace.owner} has the child '${path}', which ${problem}. ${fix}`, {
    details: { path },
  });
}

/** Promises, effect functions, transition functions: what they say is to be kept, in the fields there are. */
function readLogic(trace: Trace, snapshot: unknown): PersistedState {
  // A machine that failed before it had a value has a bare error for a snapshot, which its logic cannot read.
  const hasFailed = (snapshot as { status: PersistedStatus }).status === 'error';
  const live = (hasFailed ? snapshot : trace.actor.getPersistedSnapshot()) as Record<string, unknown>;
  const state: Writable<PersistedState> = { status: live['status'] as PersistedStatus };
  for (const [key, part] of Object.entries(live)) {
    if (part === undefined || key === 'status') continue;
    if (key === 'error') state.error = encodeThrown(part);
    else if (key === 'context' || key === 'input' || key === 'output') state[key] = walkPart(trace, key, part);
    else throw createFieldError(trace, key);
  }
  return Object.freeze(state);
}

function createFieldError(trace: Trace, key: string): TroupeError {
  const path = trace.path + key;
  const message = `${trace.owner} carries '${path}', which has no place in a stored state. Keep custom data in 'context'.`;
  return new TroupeError('ERR_NOT_JSON', message, { details: { path } });
}
