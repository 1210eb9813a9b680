/** A cell between a failure and the next try, and what is said when it serves again. */
import { HEALTHY, Supervisor } from '../supervision/supervisor.ts';
import type { LifecycleView } from '../supervision/supervisor.ts';
import { announceIn } from './announce-in.ts';
import type { Cell } from './cell.ts';
import { stopUncreated } from './creating.ts';
import type { Draft } from './draft.ts';
import { isStopOrder } from './items.ts';
import type { Item } from './items.ts';
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

/** Orders do not wait for the end of a pause: one to stop is obeyed, whatever waits before it; one to restart ends the pause. */
export function obeyInPause(cell: Cell): void {
  const stop = cell.mailbox.find(isStopOrder);
  if (stop) return stopInPause(cell, stop);
  const [restart] = cell.mailbox.removeWhere((item) => item.kind === 'order' && item.order === 'restart');
  if (restart?.kind !== 'order') return;
  restart.settle({});
  cell.trouble?.supervisor?.hurry();
}

function stopInPause(cell: Cell, order: Item): void {
  cell.mailbox.remove(order);
  dropSupervisor(cell);
  cell.phase = 'busy';
  if (cell.commits.isStored) stopAfter(cell, cell.commits.newDraft(), order);
  else stopUncreated(cell, order);
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
  if (trouble?.supervisor) return trouble.supervisor.view;
  if (phase !== 'ended') return HEALTHY;
  return { ...HEALTHY, state: commits.committed?.status === 'quarantined' ? 'held' : 'ended' };
}
