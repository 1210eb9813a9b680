/**
 * The right to serve a type of actors in a namespace, as a key on the server that goes by itself when nobody renews it. Pure: what is
 * read there and what is remembered here decide what to do next.
 *
 * Invariants: Z1 nobody counts itself as the holder for longer after its last write was begun than the key lives; Z2 only a key that is
 * missing, of this run, or of a former run of the same store is taken, and only as it was read.
 */
import { TroupeError } from '../errors.ts';
import type { BucketEntry } from './client.ts';

/** Life of the key, counted from the last write. */
export const LEASE_TTL_MS = 15_000;

/** Time between two writes of its holder. */
export const LEASE_RENEW_MS = 5000;

/** A system, as others are told of it. */
export interface SystemIdentity {
  readonly name: string;
  readonly host: string;
  readonly pid: number;
  /** Id of the store; another system with the same is a former run of this one. */
  readonly storeId: string;
  /** Id of this run. */
  readonly boot: string;
  /** When this run began, in milliseconds since the epoch. */
  readonly startedAt: number;
  /** Version of Troupe. */
  readonly version: string;
}

/** Who holds a lease, as it stands under the key. */
export interface Holder {
  readonly name: string;
  readonly host: string;
  readonly pid: number;
  readonly storeId: string;
  readonly boot: string;
  /** When it took the lease, as ISO 8601. */
  readonly since: string;
}

/** What is known here of one lease. */
export interface LeaseState {
  /** On the monotonic clock; the lease counts as held before it. */
  readonly heldUntilMs: number;
  /** Revision of our last write. */
  readonly revision?: number;
  /** When it was taken, in milliseconds since the epoch. */
  readonly since?: number;
  /** Who holds it in our place. */
  readonly holder?: Holder;
}

/** What to do about a key as it was read. */
export type LeaseStep =
  | { readonly step: 'create' }
  | { readonly step: 'update'; readonly revision: number }
  | { readonly step: 'wait'; readonly holder: Holder; readonly revision: number };

/** Nothing is known of the lease yet. */
export const UNHELD: LeaseState = { heldUntilMs: -Infinity };

/** Decides what to do about a key. A copy of our store that was taken over from is not taken over in turn. */
export function decideLease(
  entry: BucketEntry | undefined,
  { storeId, boot }: Pick<SystemIdentity, 'storeId' | 'boot'>,
  hasHeld: boolean,
): LeaseStep {
  if (!entry) return { step: 'create' };
  const { text, revision } = entry;
  const holder = readHolder(text);
  const isOurs = holder.boot === boot || (holder.storeId === storeId && !hasHeld);
  return isOurs ? { step: 'update', revision } : { step: 'wait', holder, revision };
}

/** The state after a write under the key. @param begunMs when it was begun, on the monotonic clock (Z1) */
export function holdLease(state: LeaseState, begunMs: number, revision: number, now: number): LeaseState {
  return { heldUntilMs: begunMs + LEASE_TTL_MS, revision, since: state.since ?? now };
}

/** The state when another holds it. It keeps nothing of what was held before, but that it was. */
export function loseLease(state: LeaseState, holder: Holder): LeaseState {
  return { heldUntilMs: -Infinity, ...(state.since !== undefined && { since: state.since }), holder };
}

/** True while nobody else can hold it. */
export function isHeld({ heldUntilMs }: LeaseState, nowMs: number): boolean {
  return nowMs < heldUntilMs;
}

/** True when this run has held it at some time. */
export function hasHeld({ since }: LeaseState): boolean {
  return since !== undefined;
}

/** The text under the key of who holds it. */
export function toHolderText({ name, host, pid, storeId, boot }: SystemIdentity, since: number): string {
  return JSON.stringify({ name, host, pid, storeId, boot, since: new Date(since).toISOString() });
}

/** Reads what stands under a key, whoever wrote it. */
export function readHolder(text: string): Holder {
  let value: Partial<Holder> | null = null;
  try {
    value = JSON.parse(text) as Partial<Holder> | null;
  } catch {
    // Not ours: it is held all the same.
  }
  const { name = 'unknown', host = 'unknown', pid = 0, storeId = '', boot = '', since = 'unknown' } = value ?? {};
  return { name, host, pid, storeId, boot, since };
}

/** What is said when another serves what this system was to serve. */
export function conflictOf(type: string, namespace: string, holder: Holder): TroupeError {
  const { name, host, pid, since } = holder;
  return new TroupeError(
    'ERR_NATS_CONFLICT',
    `Actors of type '${type}' are served in namespace '${namespace}' by another system already: '${name}' on ${host}, process ${pid}, since ${since}. Stop that one, use another namespace, or name the types to serve here: nats: { actors: ['…'] }, or false for none.`,
    { details: { type, namespace, name, host, pid, since } },
  );
}
