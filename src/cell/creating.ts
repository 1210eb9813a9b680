/** A cell whose actor does not exist: it is made from the first item that can. */
import type { Address } from '../actor/address.ts';
import type { Decision } from '../supervision/decide.ts';
import { toPlainError } from '../supervision/events.ts';
import { MAX_EVENT_ATTEMPTS } from '../supervision/spec.ts';
import type { NewActor } from '../store/store.ts';
import { encodeError } from '../thread/error-codec.ts';
import type { EncodedError } from '../thread/error-codec.ts';
import type { Cell } from './cell.ts';
import { findCreator } from './creation.ts';
import type { Creator } from './creation.ts';
import { hasEnded } from './draft.ts';
import type { Draft } from './draft.ts';
import { bury, creationFailed } from './failure.ts';
import type { Fault } from './failure.ts';
import { isAwaited, originOf } from './items.ts';
import type { Item } from './items.ts';
import { specOf, tellOf } from './judging.ts';

/** What a first commit says of its actor. */
function toNewActor({ definition, parent }: Cell, creator: Item | undefined): NewActor {
  return { type: definition.type, parent, meta: '{}', spawned: creator?.kind === 'inbox' ? creator.row.pos : 0 };
}

/** What an actor is made from. */
interface Origin {
  readonly input: unknown;
  readonly parent: Address;
}

/** The actor does not exist: the first item that can makes it. */
export function createNext(cell: Cell, charge?: Fault): void {
  const creator = creatorOf(cell);
  if (creator) create(cell, creator.item, creator, charge);
  else cell.enterEnded();
}

/** True when something waits that makes the actor. */
export function canCreate(cell: Cell): boolean {
  return creatorOf(cell) !== undefined;
}

function creatorOf(cell: Cell): Creator | undefined {
  return findCreator(cell.mailbox, cell.services.definitions.acceptsNoInput(cell.definition.type));
}

function create(cell: Cell, creator: Item, origin: Origin, charge: Fault | undefined): void {
  cell.parent = origin.parent;
  cell.creator = creator;
  const draft = cell.commits.newDraft();
  draft.actor = toNewActor(cell, creator);
  draft.input = origin.input;
  subscribeToTopics(cell, draft, new Set());
  const isSpawn = creator.kind === 'inbox' && creator.row.kind === 'create';
  if (isSpawn) {
    cell.mailbox.remove(creator);
    draft.consume(creator, cell.commits.marks);
  }
  if (charge && (charge.attempts ?? 1) >= MAX_EVENT_ATTEMPTS) return failCreation(cell, creator, draft, charge);
  const fault = cell.trouble?.faultOf(creator);
  if (fault) return failCreation(cell, creator, draft, { kind: 'start', error: fault });
  if (cell.definition.policy.supervise.restart === 'permanent')
    cell.judgeOf().remember({ ...cell.judgeOf().record, origin: { input: origin.input } }, draft);
  const failed = cell.incarnate({ input: origin.input }).start(draft);
  if (failed) return failCreation(cell, creator, draft, { kind: 'start', error: failed.error });
  cell.serves(draft);
  cell.phase = 'live';
  if (hasEnded(draft)) return cell.complete(draft);
  // What a history tells of its first state is that state, not what the first event made of it.
  if (cell.isRecorded) cell.post(draft);
  else cell.fill(draft);
  cell.pump();
}

/** It threw on entry, or its first state cannot be saved: whoever asked for it is told; one that was spawned is tried again, within its budget. */
export function failCreation(cell: Cell, creator: Item, draft: Draft, fault: Fault): void {
  cell.endLife();
  const failure = creationFailed(cell.address, fault.error);
  if (!isAwaited(creator)) return failSpawn(cell, creator, draft, { ...fault, error: failure });
  cell.mailbox.remove(creator);
  creator.settle({ error: encodeError(failure) });
  createNext(cell);
}

function failSpawn(cell: Cell, creator: Item, draft: Draft, fault: Fault): void {
  const { env, log } = cell.services;
  const { address } = cell;
  const moment = { now: env.now(), random: env.random() };
  // Nothing is stored yet that could remember it: after a crash its budget begins anew.
  const scratch = cell.commits.newOrphanDraft();
  const decision = cell.judgeOf().decide(fault, specOf(cell), moment, scratch, {});
  const { action, attempt, delayMs } = decision;
  const error = encodeError(fault.error);
  log.warn('actor failed', { address, decision: action, attempts: attempt, delayMs, error });
  if (action === 'restart') {
    cell.mailbox.remove(creator);
    cell.mailbox.unshift([creator]);
    return pauseBeforeStart(cell, decision, error);
  }
  draft.actor = toNewActor(cell, creator);
  draft.state = { status: 'error' };
  if (!draft.hasConsumed) {
    cell.mailbox.remove(creator);
    if (creator.kind === 'inbox' && creator.row.kind === 'event') bury(draft, address, creator, error, attempt);
    draft.consume(creator, cell.commits.marks);
  }
  // What it was to be made from is kept: revived, it begins there.
  const origin = { input: originOf(creator)?.input };
  cell.judgeOf().remember({ ...cell.judgeOf().record, origin }, draft);
  tellOf(cell, draft, fault, decision, error);
  const status = action === 'end' ? 'failed' : 'quarantined';
  cell.finish(draft, { status, error: JSON.stringify(error), isParentAware: action === 'escalate' });
}

function pauseBeforeStart(cell: Cell, decision: Decision, error: EncodedError): void {
  cell.phase = 'pausing';
  const trouble = cell.inTrouble();
  trouble.begin = createNext;
  trouble.sinceMs ??= cell.services.env.monotonicMs();
  trouble.cause ??= 'failure';
  // Nothing is saved between two tries: without a pause they would never let go of the thread.
  cell.supervisorOf().failed({ ...decision, delayMs: Math.max(1, decision.delayMs) }, toPlainError(error));
  cell.pump();
}

/** Ended between two tries to start it: it never was more than a failure. */
export function stopUncreated(cell: Cell, order: Item): void {
  const draft = cell.commits.newDraft();
  const creator = creatorOf(cell)?.item;
  draft.actor = toNewActor(cell, creator);
  draft.state = { status: 'error' };
  if (creator && !isAwaited(creator)) {
    cell.mailbox.remove(creator);
    draft.consume(creator, cell.commits.marks);
  }
  cell.endingOf().obey(draft, cell.parent, order, () => undefined);
}

/** Topics of the definition that this actor does not receive yet. */
export function subscribeToTopics(cell: Cell, draft: Draft, known: ReadonlySet<string>): void {
  for (const [pattern, type] of Object.entries(cell.definition.policy.topics)) {
    if (!known.has(pattern)) draft.rows.subscriptions.set(pattern, type);
  }
}
