/**
 * The end of an actor's children, one after the other, those started last first. Each is told by a commit of its own, ahead of the
 * last one of the parent, and says so when it is over.
 */
import { typeOf } from '../actor/address.ts';
import type { Address } from '../actor/address.ts';
import type { TimerHandle } from '../env.ts';
import type { CommitQueue } from './commit-queue.ts';
import type { Draft } from './draft.ts';
import { bodyOf } from './items.ts';
import type { Item } from './items.ts';
import type { Mailbox } from './mailbox.ts';
import type { CellServices } from './services.ts';

/** Whose children they are. */
export interface FarewellHooks {
  readonly address: Address;
  readonly services: CellServices;
  readonly mailbox: Mailbox;
}

export class Farewell {
  readonly #cell: FarewellHooks;
  readonly #commits: CommitQueue;
  readonly #draft: Draft;
  #awaited: { readonly child: Address; readonly settle: (isOver: boolean) => void } | undefined;

  /** @param draft the last commit of the parent: it takes what its children say */
  constructor(cell: FarewellHooks, commits: CommitQueue, draft: Draft) {
    this.#cell = cell;
    this.#commits = commits;
    this.#draft = draft;
  }

  /** Ends children from the last to the first. Returns those that nobody waited for, after one did not make it in time. */
  async endInOrder(children: readonly Address[]): Promise<readonly Address[]> {
    const remaining = [...children];
    for (let child = remaining.pop(); child !== undefined; child = remaining.pop()) {
      if (!(await this.#end(child))) return remaining;
    }
    return remaining;
  }

  /** There may be word of a child. */
  look(): void {
    const awaited = this.#awaited;
    if (awaited && this.#takeExit(awaited.child)) awaited.settle(true);
  }

  dispose(): void {
    this.#awaited?.settle(false);
  }

  #end(child: Address): Promise<boolean> {
    const { env, definitions, log } = this.#cell.services;
    if (this.#takeExit(child)) return Promise.resolve(true);
    const timeoutMs = definitions.find(typeOf(child))?.policy.supervise.stopTimeoutMs ?? 0;
    return new Promise((resolve) => {
      const timer: TimerHandle = env.setTimeout(() => {
        log.warn('a child did not stop in time', { address: this.#cell.address, child, timeoutMs });
        this.#awaited?.settle(false);
      }, timeoutMs);
      const settle = (isOver: boolean): void => {
        env.clearTimeout(timer);
        this.#awaited = undefined;
        resolve(isOver);
      };
      this.#awaited = { child, settle };
      this.#order(child);
    });
  }

  #order(child: Address): void {
    const text = this.#draft.isRemoval ? '{"inOrder":true,"remove":true}' : '{"inOrder":true}';
    this.#commits.postAhead({ receiver: child, kind: 'stop', id: this.#draft.nextId(), text }, this.#draft);
  }

  /** Takes the word of a child that it is over; it counts with the last commit. */
  #takeExit(child: Address): boolean {
    const [exit] = this.#cell.mailbox.removeWhere((item) => isExitOf(item, child));
    if (exit) this.#draft.consume(exit, {});
    return exit !== undefined;
  }
}

/** A child that is held has not ended: the order to stop waits for it, and it says so when it has obeyed. */
function isExitOf(item: Item, child: Address): boolean {
  if (item.kind !== 'inbox' || item.isExit !== true || item.row.sender !== child) return false;
  const { type, reason } = bodyOf(item) as { readonly type: string; readonly reason?: string };
  return type === 'child.exited' && reason !== 'quarantined';
}
