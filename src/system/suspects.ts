/** Who ended a thread: the actor whose turn it was in; else, perhaps, one of those whose effect functions were in flight there. */
import type { Address } from '../actor/address.ts';
import type { Env } from '../env.ts';
import type { StoreClient } from '../store/store-client.ts';
import { readPulse } from '../thread/beat.ts';
import type { BeatMark } from '../thread/beat.ts';
import type { ThreadEnd } from '../thread/protocol.ts';
import { withTimeout } from '../with-timeout.ts';
import type { HostSlot } from './hosts.ts';

const PAGE = 1000;

/** Time the store gets to say who had effect functions in flight. One in trouble names nobody, rather than hold up the next thread. */
const ASK_MS = 1_000;

/** Whose turn ended a thread, or among whom the culprit is. */
export interface Accused {
  readonly mark: BeatMark | undefined;
  readonly suspects: readonly Address[];
}

export interface Accusation {
  readonly slot: HostSlot;
  readonly end: ThreadEnd;
  readonly store: StoreClient;
  readonly env: Env;
  /** Actors that lived on the thread. */
  readonly isHere: (address: Address) => boolean;
  /** No more than one actor lived there. */
  readonly isAlone: boolean;
}

/** Names who ended a thread, if that can be told. Asked only once what the thread had posted is written. */
export async function accuse({ slot, end, store, env, isHere, isAlone }: Accusation): Promise<Accused> {
  const mark = markOf(slot, end);
  // An error or an exit of an effect function has left its mark, wherever it came from.
  if (mark || (end !== 'hang' && end !== 'memory')) return { mark, suspects: [] };
  let suspects: readonly Address[] = [];
  await withTimeout(env, ASK_MS, (done) => {
    const asked = withEffects(store, isHere);
    asked.then((found) => void (suspects = found)).then(done, done);
  });
  const [only] = suspects;
  // Beside others even the only one with an effect function may be innocent: what actions start by themselves belongs to nobody.
  return only !== undefined && isAlone
    ? { mark: { address: only, what: 'effect' }, suspects: [] }
    : { mark: undefined, suspects };
}

function markOf({ sentence, beat, isOnProbation }: HostSlot, end: ThreadEnd): BeatMark | undefined {
  const { mark, lastMark } = readPulse(beat);
  // On probation everything is marked: one that floods the thread with short pieces of work is the last to be seen.
  return (sentence ? sentence.mark : mark) ?? (isOnProbation && end === 'hang' ? lastMark : undefined);
}

/** The stored actors with effect functions in flight. */
async function withEffects(store: StoreClient, isHere: (address: Address) => boolean): Promise<readonly Address[]> {
  const found: Address[] = [];
  let afterAddress: Address | undefined;
  for (;;) {
    const page = await store.call('recoverable', { limit: PAGE, ...(afterAddress && { afterAddress }) });
    for (const { address, hasInFlight } of page) if (hasInFlight && isHere(address)) found.push(address);
    afterAddress = page.at(-1)?.address;
    if (page.length < PAGE) return found;
  }
}
