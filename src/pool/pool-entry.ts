/** A thread of the pool: does one task after the other and moves what came out of it back. Started by Piscina. */
import { move, transferableSymbol, valueSymbol } from 'piscina';
import { encodeError } from '../thread/error-codec.ts';
import { runTask } from './tasks.ts';
import type { PoolTask } from './tasks.ts';
import type { PoolAnswer } from './piscina-pool.ts';

/** Does a task. What it fails with is an answer too: whatever Piscina itself rejects a task with is trouble of the thread. */
export function answer(task: PoolTask): PoolAnswer {
  try {
    const result = runTask(task);
    return result instanceof Uint8Array ? moved({ result }, result.buffer) : { result };
  } catch (error) {
    return { error: encodeError(error) };
  }
}

function moved(value: PoolAnswer, buffer: ArrayBuffer): PoolAnswer {
  return move({ [transferableSymbol]: buffer, [valueSymbol]: value } as never) as unknown as PoolAnswer;
}
