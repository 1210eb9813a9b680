/** Everything that changes a store, as data: what the journal keeps, and how it is done again. Each is deterministic. */
import { sweepAll } from '../bus-log.ts';
import type { Store } from '../store.ts';

/** Methods of the port that change what is stored. */
export type ChangeMethod =
  | 'commit'
  | 'fence'
  | 'sweepIdempotency'
  | 'sweepHistory'
  | 'adopt'
  | 'packSnapshot'
  | 'settleOutbox'
  | 'dropReplies'
  | 'deleteDeadLetter'
  | 'sweepBus'
  | 'setCursor'
  | 'deleteCursor'
  | 'rise'
  | 'markAlive'
  | 'kvSet'
  | 'kvDelete'
  | 'kvClear'
  | 'sweepKv';

/** One call of one of them. */
export interface Change<M extends ChangeMethod = ChangeMethod> {
  readonly method: M;
  readonly args: readonly unknown[];
}

/** A call as data: bytes are written in base64. */
export function toChange<M extends ChangeMethod>(method: M, args: Parameters<Store[M]>): Change<M> {
  const plain = args.map((arg) => (arg instanceof Uint8Array ? Buffer.from(arg).toString('base64') : arg));
  return { method, args: plain };
}

/** Does it again. */
export async function repeat(store: Store, { method, args }: Change): Promise<void> {
  const [before] = args;
  // As it was written before sweeps went piece by piece.
  if (method === 'sweepBus' && typeof before === 'number')
    return void (await sweepAll((sweep) => store.sweepBus(sweep), { before }));
  const given = method === 'packSnapshot' ? [args[0], args[1], Buffer.from(String(args[2]), 'base64')] : args;
  const call = store[method] as ((...given: readonly unknown[]) => Promise<unknown>) | undefined;
  if (!call) throw new Error(`it holds a change '${String(method)}' that is unknown`);
  await call.apply(store, [...given]);
}
