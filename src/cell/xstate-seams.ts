/**
 * The only file that touches XState's internals. Three seams of `actor.system`, wrapped before `start()`:
 *
 * - `_relay`: XState delivers timers and settled promises straight to an actor, past any mailbox. Outside a turn the
 *   outermost delivery is handed to the cell, which makes it a turn; inside a turn it passes on.
 * - `_register`: sees every actor as it starts, so that effects of invoked and spawned machines are heard, at their `emit`.
 * - `scheduler.schedule`: tells what a timer is for before XState sets it on its clock. A second timer of a live id takes the
 *   place of the first, which XState would let fire as well.
 *
 * Listeners only collect: one that throws would end the thread. Canary tests guard the seams, and `checkSeams` refuses an
 * XState that no longer fits before any actor runs.
 */
import { createActor, createMachine, emit, setup } from 'xstate';
import type { AnyActorRef } from 'xstate';
import { TroupeError } from '../errors.ts';

/** A delivery between actors of one XState system. */
export interface Delivery {
  readonly source: AnyActorRef | undefined;
  readonly target: AnyActorRef;
  readonly event: { readonly type: string };
}

/** What a timer is for. */
export interface Scheduling {
  readonly source: AnyActorRef;
  readonly target: AnyActorRef;
  readonly event: { readonly type: string };
  readonly id: string;
}

/** What the cell wants to hear of. */
export interface SeamHooks {
  /** XState is about to set a timer on its clock. */
  schedule(scheduling: Scheduling): void;
  /** A name for a timer that the machine gave none. */
  nameTimer(): string;
  /** A delivery outside any turn: a timer, a settled promise, a callback. */
  deliver(delivery: Delivery): void;
  /** An event emitted by the root or any actor below it, within a turn. */
  emit(event: { readonly type: string }): void;
}

interface XStateSystem {
  _relay: (source: AnyActorRef | undefined, target: AnyActorRef, event: { type: string }) => void;
  _register: (sessionId: string, actor: AnyActorRef) => string;
  _snapshot: { readonly _scheduledEvents: Readonly<Record<string, unknown>> };
  readonly scheduler: {
    schedule: (
      source: AnyActorRef,
      target: AnyActorRef,
      event: { readonly type: string },
      delay: number,
      id?: string,
    ) => void;
    cancel: (source: AnyActorRef, id: string) => void;
  };
}

interface XStateActor {
  readonly observers: Set<unknown>;
  readonly _actorScope: { emit: (event: { readonly type: string }) => void };
}

/** Without an observer XState reports a failed root as an uncaught exception, which would end the thread. */
const OBSERVER = { error: () => {} };

/** The wrapped seams of one root actor. Thousands are kept, so there are as few closures as can be. */
export class Seams {
  readonly #relay: XStateSystem['_relay'];
  readonly #schedule: XStateSystem['scheduler']['schedule'];
  #isInTurn = false;
  #isDisposed = false;

  /** Wraps the seams of a root actor that has not been started. */
  constructor(root: AnyActorRef, hooks: SeamHooks) {
    const system = root.system as unknown as XStateSystem;
    const { scheduler, _register: register } = system;
    this.#relay = system._relay;
    this.#schedule = scheduler.schedule;
    system._relay = (source, target, event) => {
      if (this.#isInTurn) this.#relay(source, target, event);
      else if (!this.#isDisposed) hooks.deliver({ source, target, event });
    };
    system._register = (sessionId, actor) => {
      hear(actor as unknown as XStateActor, hooks);
      return register(sessionId, actor);
    };
    scheduler.schedule = (source, target, event, delay, id = hooks.nameTimer()) => {
      if (`${source.sessionId}.${id}` in system._snapshot._scheduledEvents) scheduler.cancel(source, id);
      hooks.schedule({ source, target, event, id });
      this.#schedule(source, target, event, delay, id);
    };
    (root as unknown as XStateActor).observers.add(OBSERVER);
  }

  /** A turn begins: deliveries pass straight on until `leave`. */
  enter(): void {
    this.#isInTurn = true;
  }

  leave(): void {
    this.#isInTurn = false;
  }

  /** Passes a delivery on; only within a turn. */
  pass({ source, target, event }: Delivery): void {
    this.#relay(source, target, event);
  }

  /** Sets a timer again after a restore; only within a turn, and after the root has started: before that it fires twice. */
  schedule({ source, target, event, id }: Scheduling): void {
    this.#schedule(source, target, event, 0, id);
  }

  /** From here on every delivery is dropped. */
  dispose(): void {
    this.#isDisposed = true;
  }
}

/** Listeners of the machine's own still hear what they listen for. */
function hear({ _actorScope: scope }: XStateActor, hooks: SeamHooks): void {
  const toListeners = scope.emit;
  scope.emit = (event) => {
    hooks.emit(event);
    toListeners(event);
  };
}

/** Where an actor stands below its root: the ids on the way down, joined by '/'. Stable over a restore. */
export function pathOf(actor: AnyActorRef): string {
  const ids: string[] = [];
  let current = actor as unknown as { id: string; _parent?: unknown };
  while (current._parent !== undefined) {
    ids.unshift(current.id);
    current = current._parent as typeof current;
  }
  return ids.join('/');
}

/** True when the machine of an actor has a state of this id. */
export function hasState(actor: AnyActorRef, id: string): boolean {
  const { idMap } = (actor as { logic?: { idMap?: ReadonlyMap<string, unknown> } }).logic ?? {};
  return idMap?.has(id) ?? true;
}

/** The actor at a path below `root`; nothing when it is not there (any more). */
export function findByPath(root: AnyActorRef, path: string): AnyActorRef | undefined {
  return path === '' ? root : findBelow(root, '', path);
}

/** Ids may hold a slash themselves, so that the path is matched and not taken apart. */
function findBelow(parent: AnyActorRef, prefix: string, path: string): AnyActorRef | undefined {
  const { children = {} } = (parent.getSnapshot() ?? {}) as { readonly children?: Record<string, AnyActorRef> };
  for (const [id, child] of Object.entries(children)) {
    const here = prefix + id;
    if (here === path) return child;
    const found = path.startsWith(`${here}/`) ? findBelow(child, `${here}/`, path) : undefined;
    if (found) return found;
  }
  return undefined;
}

/**
 * Proves in a few milliseconds that the installed XState still has the seams this file wraps.
 * @throws {TroupeError} ERR_XSTATE_UNSUPPORTED naming the version Troupe was made for.
 */
export function checkSeams(): void {
  const failed = failedSeam();
  if (failed === undefined) return;
  throw new TroupeError(
    'ERR_XSTATE_UNSUPPORTED',
    `The installed xstate does not fit: ${failed}. Troupe was made for xstate ${MADE_FOR_XSTATE}; install a version from 5.33.3 up to, not including, 6.`,
    { details: { madeFor: MADE_FOR_XSTATE, failed } },
  );
}

/** The XState release the seams were written against. */
export const MADE_FOR_XSTATE = '5.33.3';

function failedSeam(): string | undefined {
  const outside: Delivery[] = [];
  const heard: string[] = [];
  const timers: (() => void)[] = [];
  const child = createMachine({ entry: emit({ type: 'seam.child' }) });
  const machine = setup({ actors: { child } }).createMachine({
    invoke: { src: 'child', id: 'child' },
    initial: 'waiting',
    states: { waiting: { after: { 10: 'over' } }, over: {} },
  });
  const clock = { setTimeout: (fire: () => void) => timers.push(fire), clearTimeout: () => {} };
  const root = createActor(machine, { clock: clock as never });
  if (typeof (root.system as unknown as Partial<XStateSystem>)._relay !== 'function')
    return 'actor.system._relay is gone';
  if (typeof (root.system as unknown as Partial<XStateSystem>)._register !== 'function') {
    return 'actor.system._register is gone';
  }
  if (typeof (root.system as unknown as Partial<XStateSystem>)._snapshot?._scheduledEvents !== 'object') {
    return 'actor.system._snapshot._scheduledEvents is gone';
  }
  const internals = root as unknown as Partial<XStateActor>;
  if (!(internals.observers instanceof Set)) return 'actor.observers is gone';
  if (typeof internals._actorScope?.emit !== 'function') return 'actor._actorScope.emit is gone';
  const scheduled: string[] = [];
  const seams = new Seams(root, {
    deliver: (d) => outside.push(d),
    emit: (event) => heard.push(event.type),
    schedule: ({ id }) => scheduled.push(id),
    nameTimer: () => 'timer',
  });
  const turn = (body: () => void): void => {
    seams.enter();
    body();
    seams.leave();
  };
  turn(() => root.start());
  if (scheduled[0]?.startsWith('xstate.after.10.') !== true) return 'timers are not seen when they are set';
  for (const fire of timers) fire();
  if (!heard.includes('seam.child')) return 'events of nested actors are not heard';
  if (root.getSnapshot().value !== 'waiting' || outside.length !== 1) return 'timers pass the mailbox by';
  turn(() => outside.forEach((delivery) => seams.pass(delivery)));
  const isOver = root.getSnapshot().value === 'over';
  seams.dispose();
  return isOver ? undefined : 'a delivery that was held back cannot be passed on';
}
