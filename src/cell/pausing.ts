/** A cell between a failure and the next try, and what is said when it serves again. */
import { HEALTHY, Supervisor } from '../supervision/supervisor.ts';
import type { LifecycleView } from '../supervision/supervisor.ts';
import { announceIn } from './announce-in.ts';
import type { Cell } from './cell.ts';
import { stopUncreated } from './creating.ts';
import type { Draft } from './draft.ts';
import { isStopOrder } from './items.ts';
import { stopAfter } from './turns.ts';

/** Runs the pauses of an actor that has failed; made when it first does. */
export function supervisorOf(cell: Cell): Supervisor {
  const trouble = cell.inTrouble();
  return (trouble.supervisor ??= new Supervisor(cell.services.env, () => beginAgain(cell)));
}

function beginAgain(cell: Cell): void {
  if (cell.phase !== 'pausing') return;
  cell.phase = 'busy';
  cell.trouble?.begin?.(cell);
}

/** Takes back a pause; the cell goes, or begins in another way. */
export function dropSupervisor({ trouble }: Cell): void {
  trouble?.supervisor?.stop();
  if (trouble) trouble.supervisor = undefined;
}

/** An order to stop does not wait for the end of a pause. */
export function stopInPause(cell: Cell): void {
  const head = cell.mailbox.peek();
  if (!head || !isStopOrder(head)) return;
  cell.mailbox.shift();
  dropSupervisor(cell);
  cell.phase = 'busy';
  if (cell.commits.isStored) stopAfter(cell, cell.commits.newDraft(), head);
  else stopUncreated(cell, head);
}

/** A life has begun: whoever watches hears of it, and how long it took. */
export function serves({ trouble, services, address }: Cell, draft: Draft): void {
  if (trouble?.cause === undefined) return;
  const { cause, sinceMs } = trouble;
  const nowMs = services.env.monotonicMs();
  announceIn(draft, address, 'system.actor.restarted', { address, cause, recoveryMs: nowMs - (sinceMs ?? nowMs) });
  trouble.cause = undefined;
  trouble.sinceMs = undefined;
  trouble.supervisor?.started();
}

/** Where the actor is in its life. */
export function lifecycleOf({ phase, commits, trouble }: Cell): LifecycleView {
  if (phase !== 'ended') return trouble?.supervisor?.view ?? HEALTHY;
  return { ...HEALTHY, state: commits.committed?.status === 'quarantined' ? 'held' : 'ended' };
}
