/**
 * A cell whose actor has failed: what was posted before settles, a decision is made, and in one commit with it stands all that follows from
 * it: what is remembered, who is told. Only then is it carried out.
 */
import { ROOT, typeOf } from '../actor/address.ts';
import type { Decision } from '../supervision/decide.ts';
import { toPlainError } from '../supervision/events.ts';
import type { Action } from '../supervision/events.ts';
import type { SupervisionSpec } from '../supervision/spec.ts';
import { encodeError } from '../thread/error-codec.ts';
import type { EncodedError } from '../thread/error-codec.ts';
import { announceIn } from './announce-in.ts';
import type { Cell } from './cell.ts';
import type { Draft } from './draft.ts';
import { actorQuarantined, actorStopped } from './failure.ts';
import type { Fault } from './failure.ts';
import { eventIdOf, isAwaited } from './items.ts';
import { renew, replaceActor } from './replacing.ts';
import { orderRestarts } from './supervising.ts';

/** A turn, a start or something else has failed: what was posted before settles first. */
export function fail(cell: Cell, fault: Fault): void {
  cell.endLife();
  cell.phase = 'busy';
  const trouble = cell.inTrouble();
  trouble.isCautious = true;
  trouble.failed = fault.item;
  trouble.tried = fault.item;
  trouble.sinceMs ??= cell.services.env.monotonicMs();
  cell.commits.whenQuiet(() => judge(cell, fault));
}

/** Decides on a failure, and carries that out. */
function judge(cell: Cell, fault: Fault): void {
  cell.trouble?.judged(fault.item);
  const { env, log } = cell.services;
  const error = encodeError(fault.error);
  const draft = cell.commits.newDraft();
  if (fault.row) draft.consume(fault.row, cell.commits.marks);
  const moment = { now: env.now(), random: env.random() };
  const decision = cell.judgeOf().decide(fault, specOf(cell), moment, draft, cell.commits.marks);
  const { action, attempt: attempts, delayMs } = decision;
  const correlation = fault.item && eventIdOf(fault.item);
  log.warn('actor failed', { address: cell.address, correlation, decision: action, attempts, delayMs, error });
  tellOf(cell, draft, fault, decision, error);
  carryOut(cell, draft, fault, decision, error);
}

/** At the root nobody is there to escalate to. */
export function specOf(cell: Cell): SupervisionSpec {
  const { supervise } = cell.definition.policy;
  return cell.parent === ROOT ? { ...supervise, onGiveUp: 'quarantine' } : supervise;
}

/** What is said of a failure in the commit that decides on it: to whoever listens, to the parent, to the children that begin anew. */
export function tellOf(cell: Cell, draft: Draft, fault: Fault, decision: Decision, error: EncodedError): void {
  const { address, parent } = cell;
  const { action, attempt, delayMs, history } = decision;
  const what = fault.item ? eventIdOf(fault.item) : fault.what;
  const plain = toPlainError(error);
  announceIn(draft, address, 'system.actor.failed', {
    address,
    parent,
    kind: fault.kind,
    ...(what !== undefined && { what }),
    error: plain,
    decision: action,
    attempt,
    delayMs,
    restarts: history.restarts.length,
  });
  if (fault.children && RESTARTING.has(action))
    orderRestarts(cell, draft, fault.children, { cause: 'escalation', via: [] });
  if (concernsParent(cell, action)) {
    const text = JSON.stringify({ child: address, error: plain, ...(action === 'escalate' && { isEscalated: true }) });
    draft.rows.inbox.push({ receiver: parent, kind: 'failed', id: draft.nextId(), text });
  }
}

const RESTARTING: ReadonlySet<Action> = new Set<Action>(['retry', 'dead-letter', 'restart', 'replace']);

/** Under one-for-one a child is made anew by itself, and its parent has nothing to do about it. */
function concernsParent({ parent, services }: Cell, action: Action): boolean {
  if (parent === ROOT) return false;
  if (action === 'escalate') return true;
  const strategy = services.definitions.find(typeOf(parent))?.policy.supervise.strategy;
  return RESTARTING.has(action) && strategy !== undefined && strategy !== 'one-for-one';
}

function carryOut(cell: Cell, draft: Draft, fault: Fault, decision: Decision, error: EncodedError): void {
  const { item } = fault;
  switch (decision.action) {
    case 'quarantine':
    case 'alert':
    case 'escalate':
      return hold(cell, draft, fault, decision, error);
    case 'end':
      if (item && isAwaited(item))
        draft.answer(item, { error: encodeError(actorStopped(cell.address, 'failed', error)) });
      return cell.finish(draft, { status: 'failed', error: JSON.stringify(error) });
    case 'replace':
      return replaceActor(cell, draft, fault, error);
    case 'retry':
      if (item) cell.mailbox.unshift([item]);
      return pause(cell, draft, fault, decision, error);
    case 'dead-letter':
    case 'restart':
      return pause(cell, draft, fault, decision, error);
  }
}

/** The actor is held, with its state and all that waits for it. */
export function hold(cell: Cell, draft: Draft, { item }: Fault, decision: Decision, cause: EncodedError): void {
  const error = JSON.stringify(cause);
  if (item && isAwaited(item)) draft.answer(item, { error: encodeError(actorQuarantined(cell.address, error)) });
  cell.supervisorOf().failed(decision, toPlainError(cause));
  cell.finish(draft, { status: 'quarantined', error, isParentAware: decision.action === 'escalate' });
}

/** Once the decision is durable the actor pauses, then it is made anew. Orders to stop get in between. */
function pause(cell: Cell, draft: Draft, fault: Fault, decision: Decision, error: EncodedError): void {
  const trouble = cell.inTrouble();
  trouble.begin = fault.kind === 'ended' ? renew : restoreAfter;
  trouble.cause ??= fault.kind === 'child' ? 'escalation' : 'failure';
  if (!cell.post(draft)) return;
  cell.commits.whenQuiet(() => {
    if (cell.phase !== 'busy') return;
    cell.phase = 'pausing';
    cell.supervisorOf().failed(decision, toPlainError(error));
    cell.pump();
  });
}

function restoreAfter(cell: Cell): void {
  cell.restore();
}
