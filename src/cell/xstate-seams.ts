/**
 * The only file that touches XState's internals. Three seams of `actor.system`, wrapped before `start()`:
 *
 * - `_relay`: XState delivers timers and settled promises straight to an actor, past any mailbox. Outside a turn the
 *   outermost delivery is handed to the cell, which makes it a turn; inside a turn it passes on.
 * - `_register`: sees every nested actor as it starts, so that effects of invoked and spawned machines are heard.
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

/** The wrapped seams of one root actor. */
export interface Seams {
  /** Runs `body` as a turn: deliveries within it pass straight on. */
  turn(body: () => void): void;
  /** Passes a delivery on; only within a turn. */
  pass(delivery: Delivery): void;
  /** Sets a timer again after a restore; only within a turn, and after the root has started: before that it fires twice. */
  schedule(scheduling: Scheduling): void;
  /** From here on every delivery is dropped. */
  dispose(): void;
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

/** Wraps the seams of a root actor that has not been started. */
export function installSeams(root: AnyActorRef, hooks: SeamHooks): Seams {
  const system = root.system as unknown as XStateSystem;
  const relay = system._relay;
  const register = system._register;
  let isInTurn = false;
  let isDisposed = false;
  system._relay = (source, target, event) => {
    if (isDisposed) return;
    if (isInTurn) relay(source, target, event);
    else hooks.deliver({ source, target, event });
  };
  system._register = (sessionId, actor) => {
    actor.on('*', (event: { type: string }) => hooks.emit(event));
    return register(sessionId, actor);
  };
  const { scheduler } = system;
  const schedule = scheduler.schedule;
  scheduler.schedule = (source, target, event, delay, id = hooks.nameTimer()) => {
    if (`${source.sessionId}.${id}` in system._snapshot._scheduledEvents) scheduler.cancel(source, id);
    hooks.schedule({ source, target, event, id });
    schedule(source, target, event, delay, id);
  };
  // Without an observer XState reports a failed root as an uncaught exception, which would end the thread.
  root.subscribe({ error: () => {} });
  return {
    turn: (body) => {
      isInTurn = true;
      try {
        body();
      } finally {
        isInTurn = false;
      }
    },
    pass: ({ source, target, event }) => relay(source, target, event),
    schedule: ({ source, target, event, id }) => schedule(source, target, event, 0, id),
    dispose: () => {
      isDisposed = true;
    },
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
  const scheduled: string[] = [];
  const seams = installSeams(root, {
    deliver: (d) => outside.push(d),
    emit: (event) => heard.push(event.type),
    schedule: ({ id }) => scheduled.push(id),
    nameTimer: () => 'timer',
  });
  seams.turn(() => root.start());
  if (scheduled[0]?.startsWith('xstate.after.10.') !== true) return 'timers are not seen when they are set';
  for (const fire of timers) fire();
  if (!heard.includes('seam.child')) return 'events of nested actors are not heard';
  if (root.getSnapshot().value !== 'waiting' || outside.length !== 1) return 'timers pass the mailbox by';
  seams.turn(() => outside.forEach((delivery) => seams.pass(delivery)));
  const isOver = root.getSnapshot().value === 'over';
  seams.dispose();
  return isOver ? undefined : 'a delivery that was held back cannot be passed on';
}
