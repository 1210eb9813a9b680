/** Ready-made commits for tests of stores. */
import { ROOT, toAddress } from '../../src/actor/address.ts';
import type { Address } from '../../src/actor/address.ts';
import type {
  Commit,
  CommitResult,
  InboxKey,
  NewInboxRow,
  NewPublication,
  Published,
  Store,
} from '../../src/store/store.ts';

/** An address of the test type. */
export function actorAt(key: string): Address {
  return toAddress('counter', key);
}

/** A snapshot write of any text. */
export function snapshot(text: string): NonNullable<Commit['state']> {
  return { kind: 'snapshot', text, checksum: text.length };
}

/** A delta write of any text. */
export function delta(text: string): NonNullable<Commit['state']> {
  return { kind: 'delta', text, checksum: text.length };
}

/** The commit that creates an actor. */
export function firstCommit(address: Address, more: Partial<Commit> = {}): Commit {
  const actor = { type: address.slice(0, address.indexOf('/')), parent: ROOT, meta: '{}' };
  return {
    address,
    epoch: 0,
    seq: 1,
    at: 1_000,
    actor,
    version: 1,
    status: 'active',
    state: snapshot('{"n":0}'),
    ...more,
  };
}

/** A later commit. */
export function nextCommit(address: Address, seq: number, more: Partial<Commit> = {}): Commit {
  return {
    address,
    epoch: 0,
    seq,
    at: 1_000 + seq,
    version: 1,
    status: 'active',
    state: snapshot(`{"n":${seq}}`),
    ...more,
  };
}

/** An event for another actor's inbox. */
export function tell(receiver: Address, id: string, text = `{"type":"${id}"}`): NewInboxRow {
  return { receiver, kind: 'event', id, text };
}

/** Something to publish. */
export function publication(id: string, topic: string, text = `{"id":"${id}"}`): NewPublication {
  return { id, topic, priority: 'normal', text };
}

/** A commit of the host program, which is no actor: seq 0. */
export function hostCommit(more: Partial<Commit> = {}): Commit {
  return { address: toAddress('bus', 'host'), epoch: 1, seq: 0, at: 1_000, version: 1, status: 'active', ...more };
}

/** Commits one and returns its result. */
export async function commitOne(store: Store, commit: Commit): Promise<CommitResult> {
  const [result] = await store.commit([commit]);
  if (!result) throw new Error('The store answered no result');
  return result;
}

/** The keys of everything that waits for an actor, in order. */
export async function waitingKeys(store: Store, address: Address): Promise<InboxKey[]> {
  return (await store.inbox(address)).map(({ sender, pos }) => ({ sender, pos }));
}

/** The ids of everything that waits for an actor, in order. */
export async function waitingIds(store: Store, address: Address): Promise<string[]> {
  return (await store.inbox(address)).map(({ id }) => id);
}

/** The outcome of a result, with its reason. */
export function outcomeOf(result: CommitResult | undefined): string {
  if (!result) return 'none';
  return result.outcome === 'refused' ? `refused: ${result.reason}` : result.outcome;
}

/** What became of the publications of a commit, in their order. */
export function publishedOf(result: CommitResult | undefined): readonly Published[] {
  return result?.outcome === 'done' ? (result.published ?? []) : [];
}

/** Whom the publications of a commit reached, and as which event. */
export function receiversOf(result: CommitResult | undefined): string[] {
  return publishedOf(result).flatMap(({ receivers }) => receivers.map(({ receiver, event }) => `${receiver} ${event}`));
}
