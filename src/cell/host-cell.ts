/** A cell as its host sees it: one that is stored, or one that is not. */
import type { LifecycleView } from '../supervision/supervisor.ts';
import type { DirectItem, InboxItem, OrderItem } from './items.ts';

export interface HostCell {
  /** Quiet time after which it may leave memory, in milliseconds; Infinity for never. */
  readonly hibernateAfterMs: number;
  /** Something came for the actor since this was last set to false. */
  isUsed: boolean;
  /** When the host last saw that it had been used, by the monotonic clock; 0 for never. */
  quietSinceMs: number;
  /** Accepts what code sent. */
  enqueue(item: DirectItem | OrderItem): void;
  /** A committed row for this actor, straight from its sender. */
  hint(item: InboxItem, previousPos: number): void;
  /** There may be rows nobody hinted at. */
  wake(): void;
  /** There is a row whose position its sender does not know. */
  poke(): void;
  /** Scheduled events may be due. */
  due(): void;
  /** Where the actor is in its life. */
  readonly lifecycle: LifecycleView;
  /** State as JSON, nothing when the actor does not exist. */
  viewText(): string | undefined;
  /** Leaves memory if nothing is under way. Returns whether it did. */
  sleep(): boolean;
  /** Lets go of everything: the thread ends, or another owner took over. */
  dispose(): void;
}
