/** Addresses: `type/key`, branded. One grammar at every edge, so a key is one NATS token and a safe file name. */
import { TroupeError } from '../errors.ts';

/** `type/key`: where an actor lives, whatever thread or machine runs it. */
export type Address = string & { readonly __brand: 'Address' };

const TYPE_PATTERN = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;
const KEY_PATTERN = /^[A-Za-z0-9][A-Za-z0-9_:-]{0,127}$/;

/** Types that stand for parts of the system itself: its root, publications of the host program, named subscribers. */
const RESERVED_TYPES: ReadonlySet<string> = new Set(['system', 'bus', 'subscriber']);

/** The root of the supervision tree: the parent of every actor that was not spawned by another. */
export const ROOT = 'system/root' as Address;

/**
 * Joins a type and a key.
 * @throws {TroupeError} ERR_ADDRESS when either is outside the grammar.
 */
export function toAddress(type: string, key: string): Address {
  assertType(type);
  if (!isKey(key)) {
    throw new TroupeError(
      'ERR_ADDRESS',
      `Key ${quote(key)} of actor type '${type}' is not valid. Use 1 to 128 characters of A-Z a-z 0-9 _ : - that start with a letter or digit.`,
      { details: { type, key: String(key).slice(0, 256) } },
    );
  }
  return `${type}/${key}` as Address;
}

/** True for a text that can be the key of an actor, or the id of an external agent. */
export function isKey(key: unknown): key is string {
  return typeof key === 'string' && KEY_PATTERN.test(key);
}

/**
 * Checks an actor type.
 * @throws {TroupeError} ERR_ADDRESS when it is outside the grammar.
 */
export function assertType(type: string): void {
  if (typeof type !== 'string' || !TYPE_PATTERN.test(type)) {
    throw new TroupeError(
      'ERR_ADDRESS',
      `Actor type ${quote(type)} is not valid. Use 1 to 64 characters of A-Z a-z 0-9 _ - that start with a letter.`,
      { details: { type: String(type).slice(0, 256) } },
    );
  }
}

/**
 * Checks the type of a definition.
 * @throws {TroupeError} ERR_ADDRESS when it is outside the grammar, or stands for a part of the system.
 */
export function assertOwnType(type: string): void {
  assertType(type);
  if (!RESERVED_TYPES.has(type)) return;
  throw new TroupeError(
    'ERR_ADDRESS',
    `Actor type '${type}' is taken by Troupe itself (${[...RESERVED_TYPES].join(', ')}). Choose another name.`,
    { details: { type } },
  );
}

/**
 * Parses `type/key`.
 * @throws {TroupeError} ERR_ADDRESS when the text is not an address.
 */
export function parseAddress(text: string): { readonly type: string; readonly key: string; readonly address: Address } {
  const slash = typeof text === 'string' ? text.indexOf('/') : -1;
  if (slash < 0) {
    throw new TroupeError('ERR_ADDRESS', `${quote(text)} is not an address. Write it as 'type/key'.`, {
      details: { address: String(text).slice(0, 256) },
    });
  }
  const type = text.slice(0, slash);
  const key = text.slice(slash + 1);
  return { type, key, address: toAddress(type, key) };
}

/** The type part of an address. */
export function typeOf(address: Address): string {
  return address.slice(0, address.indexOf('/'));
}

/** A stable hash, the same in every thread and on every machine: FNV-1a, 32 bits. */
export function hashAddress(address: Address): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < address.length; i++) {
    hash = Math.imul(hash ^ address.charCodeAt(i), 0x01000193);
  }
  return hash >>> 0;
}

function quote(value: unknown): string {
  const text = typeof value === 'string' ? value : String(value);
  return `'${text.length > 80 ? `${text.slice(0, 77)}...` : text}'`;
}
