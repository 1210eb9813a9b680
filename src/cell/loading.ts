/** A cell that loads: from the store to a live actor, to one that has ended, or to one that cannot be used. */
import type { Address } from '../actor/address.ts';
import { TroupeError, isTroupeError } from '../errors.ts';
import type { PersistedState } from '../state/persisted.ts';
import { toRecordText } from '../supervision/record.ts';
import { encodeError } from '../thread/error-codec.ts';
import type { Cell } from './cell.ts';
import { subscribeToTopics } from './creating.ts';
import type { InFlightRow } from './effect-runs.ts';
import { beginsAgain, faultOf, refusedTooOften } from './failure.ts';
import type { Fault } from './failure.ts';
import { accept, answerRepeated } from './intake.ts';
import { INBOX_PAGE } from './inbox-reader.ts';
import type { StoredActor } from '../store/store.ts';
import { readStored, readTimers } from './load.ts';
import type { StoredLife } from './load.ts';
import { isRepeated } from './repeats.ts';
import { renew } from './replacing.ts';

/** Pause before a load that failed is tried again. */
const LOAD_RETRY_MS = 500;

/** Reads what the store holds, and goes on from there. */
export async function load(cell: Cell): Promise<void> {
  const { store, log, env } = cell.services;
  const fromMs = env.monotonicMs();
  try {
    const [actor, rows] = await Promise.all([
      store.call('load', cell.address),
      store.call('inbox', cell.address, { limit: INBOX_PAGE }),
    ]);
    if (cell.phase !== 'loading') return;
    const life = actor && readLife(cell, actor);
    const stored = life instanceof Promise ? await life : life;
    if (cell.phase !== 'loading') return;
    if (rows.length > 0 || cell.inbox) cell.mailbox.unshift(cell.reader().reset(rows));
    if (stored) cell.definition = stored.definition;
    cell.commits.reset(stored);
    // First what had been committed: it must not make room for what came meanwhile.
    dropRepeated(cell);
    acceptEarly(cell);
    const charge = takeBlame(cell, stored);
    if (stored) resume(cell, stored, charge);
    else cell.createNext(charge);
    if (stored && cell.isLive) cell.services.restored(cell.address, env.monotonicMs() - fromMs);
    cell.inbox?.catchUp();
    if (cell.isLive) cell.scheduled?.catchUp();
  } catch (error) {
    if (isTroupeError(error, 'ERR_STATE_CORRUPT'))
      return cell.phase === 'loading' ? holdUnread(cell, error) : undefined;
    if (error instanceof RangeError)
      return cell.phase === 'loading' ? holdUnread(cell, tooDeep(cell.address, error)) : undefined;
    log.warn('cannot load actor, trying again', { address: cell.address, error: encodeError(error) });
    env.setTimeout(() => void (cell.phase === 'loading' && load(cell)), LOAD_RETRY_MS);
  }
}

/** What is stored of an actor; a damaged snapshot is made again from the rows before it, when those are there. */
function readLife(cell: Cell, actor: StoredActor): StoredLife | Promise<StoredLife> {
  const life = readStored(actor, cell.services);
  const isDamaged = life.fault?.code === 'ERR_STATE_CORRUPT';
  return isDamaged ? repair(cell, actor, life) : life;
}

async function repair(cell: Cell, actor: StoredActor, damaged: StoredLife): Promise<StoredLife> {
  const { store, log } = cell.services;
  const { seq } = actor.snapshot;
  const former = await store.call('states', cell.address, { until: seq, before: seq });
  const life = former ? readStored(actor, { ...cell.services, former }) : damaged;
  if (life.fault) return damaged;
  log.error('the stored state was damaged and made again from older rows', {
    address: cell.address,
    error: encodeError(damaged.fault),
  });
  return life;
}

/** Most actors have nothing to answer for. */
function takeBlame(cell: Cell, stored: StoredLife | undefined): Fault | undefined {
  const suspect = cell.services.takeSuspect(cell.address);
  const isOnRecord = stored !== undefined && Object.keys(stored.record).length > 0;
  if (!cell.blame && !suspect && !isOnRecord) return undefined;
  const blame = cell.judgeOf();
  if (stored) blame.take(stored.record);
  return blame.charge(suspect, stored !== undefined, cell.definition.policy.supervise, cell.services.env.now());
}

function resume(cell: Cell, stored: StoredLife, charge: Fault | undefined): void {
  cell.parent = stored.parent;
  if (stored.fault) return holdFaulty(cell, stored, stored.fault);
  if (cell.trouble?.isRefusedForGood) return holdFaulty(cell, stored, refusedTooOften(cell.address));
  if (stored.status !== 'active') return cell.enterEnded();
  if (charge) return cell.failWith(charge);
  const draft = cell.commits.newDraft();
  if (cell.blame && toRecordText(cell.blame.record) !== toRecordText(stored.record)) cell.blame.note(draft);
  subscribeToTopics(cell, draft, new Set(stored.subscriptions.map(({ pattern }) => pattern)));
  // Saved with the first commit of this life, whole.
  if (stored.renewed) draft.state = stored.renewed;
  restore(cell, draft);
}

/** No state that Troupe saves is that deep: it was written by another hand. */
function tooDeep(address: Address, cause: unknown): TroupeError {
  return new TroupeError(
    'ERR_STATE_CORRUPT',
    `The stored state of '${address}' is nested more deeply than any that is saved, and cannot be read. Its rows are untouched; restore them from a backup, or delete the actor.`,
    { cause, details: { owner: address } },
  );
}

/** The file is damaged where its rows should be: nothing is known of the actor, and trying again brings nothing else. */
function holdUnread(cell: Cell, fault: TroupeError): void {
  const error = encodeError(fault);
  cell.services.log.error('actor held: its rows cannot be read', { address: cell.address, error });
  cell.commits.reset(undefined);
  acceptEarly(cell);
  cell.commits.hold(JSON.stringify(error));
  cell.enterEnded();
}

/**
 * A state that cannot be used: quarantined with its rows of state untouched. A foreign version is not even noted in the store, and nor is
 * anything where the actor's row itself is damaged: a sum over that would seal the damage, and nobody knows whose child it was.
 */
function holdFaulty(cell: Cell, stored: StoredLife, fault: TroupeError): void {
  const error = JSON.stringify(encodeError(fault));
  cell.services.log.error('actor held: its stored state cannot be used', {
    address: cell.address,
    error: encodeError(fault),
  });
  if (stored.status === 'active' && stored.isRowSound && fault.code === 'ERR_STATE_CORRUPT') {
    return cell.finish(cell.commits.newDraft(), { status: 'quarantined', error });
  }
  cell.commits.hold(error);
  cell.enterEnded();
}

/** Direct items that were committed before a crash and came again. */
function dropRepeated(cell: Cell): void {
  for (const item of cell.mailbox.takeAll()) {
    if (isRepeated(item, cell.commits.marks)) answerRepeated(cell, item);
    else cell.mailbox.push(item);
  }
}

/** The next life, from what is durable. */
export function restore(cell: Cell, draft = cell.commits.newDraft()): void {
  const state = cell.commits.committed?.state as PersistedState;
  // It never came to be, and gets another try.
  if (state.status === 'error') return renew(cell);
  if (state.status !== 'active') return cell.failWith({ kind: 'ended', error: beginsAgain(cell.address) });
  const stored = cell.commits.inFlightText === null ? [] : (JSON.parse(cell.commits.inFlightText) as InFlightRow[]);
  const inFlight = stored.map((row) => (hasBegun(cell, row) ? row : { ...row, attempt: row.attempt - 1 }));
  const timers = readTimers(cell.commits.timers.text);
  const failed = cell.incarnate({ state }).start(draft, { inFlight, timers });
  if (failed) return cell.failWith(faultOf(undefined, failed.error));
  cell.commits.rebase(draft);
  cell.blame?.acquit('start', draft);
  cell.serves(draft);
  cell.phase = 'live';
  if (!draft.isEmpty) cell.post(draft);
  cell.pump();
  if (cell.isLive) cell.scheduled?.catchUp();
}

function hasBegun(cell: Cell, { key, attempt }: InFlightRow): boolean {
  return !cell.unbegun.some((row) => row.key === key && row.attempt === attempt);
}

/** What came while nobody knew what is repeated. */
function acceptEarly(cell: Cell): void {
  const early = cell.early ?? [];
  cell.early = undefined;
  for (const item of early) accept(cell, item);
}
