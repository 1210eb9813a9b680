/** The structure of a machine in eight letters, and whether a stored state fits a machine. */
import type { AnyStateMachine } from 'xstate';

/**
 * FNV-1a over the machine's configuration. Functions count by where they stand, not by their source: a test runner or a
 * coverage tool rewrites main's copy of a module and never a thread's.
 */
export function shapeOf(machine: { readonly config: unknown }): string {
  const seen = new WeakSet<object>();
  const text = JSON.stringify(machine.config, (_key, value: unknown) => {
    if (typeof value === 'function') return 'function';
    if (typeof value === 'bigint') return `${value}n`;
    if (typeof value === 'object' && value !== null) {
      if (seen.has(value)) return 'seen';
      seen.add(value);
    }
    return value;
  });
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}

/** What of a stored state is asked whether it fits. */
export interface FittedState {
  readonly value?: unknown;
  readonly historyValue?: Readonly<Record<string, readonly string[]>>;
  readonly children?: Readonly<Record<string, { readonly src: string; readonly state: FittedState }>>;
}

type Node = AnyStateMachine['root'];

/** What of a state the machine does not have, in words; nothing when it fits. */
export function findMisfit(state: FittedState, machine: AnyStateMachine): string | undefined {
  if (state.value === undefined) return undefined;
  return (
    findValueMisfit(state.value, machine.root) ??
    findHistoryMisfit(state.historyValue ?? {}, machine) ??
    findChildMisfit(state.children ?? {}, machine)
  );
}

function findValueMisfit(value: unknown, node: Node): string | undefined {
  const parts = typeof value === 'string' ? { [value]: undefined } : (value as Record<string, unknown>);
  const keys = Object.keys(parts);
  if (node.type === 'parallel') {
    const missing = Object.keys(node.states).find((key) => !keys.includes(key));
    if (missing !== undefined) return `region '${node.states[missing]?.id}' has no state in it`;
  }
  for (const key of keys) {
    const child = Object.hasOwn(node.states, key) ? node.states[key] : undefined;
    if (!child) return `state '${node.id}.${key}' does not exist`;
    const within = parts[key];
    if (within === undefined && Object.keys(child.states).length > 0)
      return `state '${child.id}' has states of its own`;
    const misfit = within === undefined ? undefined : findValueMisfit(within, child);
    if (misfit !== undefined) return misfit;
  }
  return undefined;
}

function findHistoryMisfit(
  history: Readonly<Record<string, readonly string[]>>,
  machine: AnyStateMachine,
): string | undefined {
  for (const id of new Set([...Object.keys(history), ...Object.values(history).flat()]))
    if (!hasNode(machine.root, id)) return `state '${id}', which a history remembers, does not exist`;
  return undefined;
}

/** True for the id of a state of a machine. */
export function hasNode(node: Node, id: string): boolean {
  return node.id === id || Object.values(node.states as Record<string, Node>).some((child) => hasNode(child, id));
}

function findChildMisfit(children: NonNullable<FittedState['children']>, machine: AnyStateMachine): string | undefined {
  const actors = machine.implementations.actors as Readonly<Record<string, unknown>>;
  for (const [id, { src, state }] of Object.entries(children)) {
    const logic = Object.hasOwn(actors, src) ? actors[src] : undefined;
    if (logic === undefined) return `child '${id}' is made by '${src}', which setup({ actors }) does not name`;
    const misfit = isMachine(logic) ? findMisfit(state, logic) : undefined;
    if (misfit !== undefined) return `in child '${id}': ${misfit}`;
  }
  return undefined;
}

function isMachine(logic: unknown): logic is AnyStateMachine {
  return typeof logic === 'object' && logic !== null && '__xstatenode' in logic && 'root' in logic;
}

/** What of a stored timer is asked whether it fits. */
export interface FittedTimer {
  /** Path of the actor that set it, below the root. */
  readonly source: string;
  readonly target?: string;
  readonly event: { readonly type: string };
}

/** Why nothing would come of a timer, in words; nothing when something would. */
export function findTimerMisfit(
  { source, target, event }: FittedTimer,
  state: FittedState,
  machine: AnyStateMachine,
): string | undefined {
  const path = target ?? source;
  const receiver = findMachine(path, state, machine);
  if (receiver === 'none') return `its actor '${path}' is not in the state`;
  if (receiver === 'other' || takes(receiver.root, event.type)) return undefined;
  return `no state of '${receiver.id}' takes '${event.type}'`;
}

/** True when there is an actor at a path of children. */
export function hasActor(state: FittedState, path: string): boolean {
  let within: FittedState | undefined = state;
  for (const id of path === '' ? [] : path.split('/')) within = within?.children?.[id]?.state;
  return within !== undefined;
}

/** The machine at a path of children; `other` for logic that is no machine. */
function findMachine(path: string, state: FittedState, machine: AnyStateMachine): AnyStateMachine | 'none' | 'other' {
  let found: AnyStateMachine | 'other' = machine;
  let within: FittedState = state;
  for (const id of path === '' ? [] : path.split('/')) {
    const child = within.children?.[id];
    if (!child || found === 'other') return 'none';
    const logic: unknown = (found.implementations.actors as Readonly<Record<string, unknown>>)[child.src];
    found = isMachine(logic) ? logic : 'other';
    within = child.state;
  }
  return found;
}

/** True when some state of a machine reacts to an event. */
function takes(node: Node, type: string): boolean {
  return (
    node.transitions.has(type) ||
    node.transitions.has('*') ||
    Object.values(node.states as Record<string, Node>).some((child) => takes(child, type))
  );
}
