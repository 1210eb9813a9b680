/** Checks of what users pass to values with versions. */
import { TroupeError } from '../errors.ts';
import { checkHistory, checkOptions, wrong } from '../sessions/checks.ts';
import type { LogQuery } from '../store/queries.ts';
import type { FollowOptions } from './follow.ts';
import type { CreateVersions, PutOptions } from './versions.ts';

const MAX_KEPT = 1_000_000;
const LEAST_EVERY_MS = 10;
const DAY_MS = 86_400_000;

/** @throws {TroupeError} ERR_OPTIONS_INVALID */
export function checkKeep(options: CreateVersions): void {
  checkOptions('versions.create', options, ['keep'], '{ keep: 20 }, or nothing');
  const { keep } = options;
  if (keep === undefined || isWhole(keep, 1, MAX_KEPT)) return;
  throw wrong('versions.create', 'keep', keep, `Use a whole number from 1 to ${MAX_KEPT}`);
}

/** @throws {TroupeError} ERR_OPTIONS_INVALID */
export function checkVersion(version: unknown): void {
  if (version === undefined || isWhole(version, 1, Number.MAX_SAFE_INTEGER)) return;
  throw wrong('versions.get', 'version', version, 'Use a whole number from 1 on');
}

/** @throws {TroupeError} ERR_OPTIONS_INVALID */
export function checkList(query: LogQuery): void {
  checkHistory(query);
}

/** @throws {TroupeError} ERR_OPTIONS_INVALID */
export function checkPut(options: PutOptions): PutOptions {
  checkOptions('versions.put', options, ['base', 'onConflict'], '{ base: 3 }');
  const { base, onConflict } = options;
  if (base !== undefined) checkBase(base);
  const isKnown = onConflict === undefined || onConflict === 'reject' || onConflict === 'last-write-wins';
  if (isKnown || typeof onConflict === 'function') return options;
  throw wrong('versions.put', 'onConflict', onConflict, "Use 'reject', 'last-write-wins', or a function that merges");
}

/** @throws {TroupeError} ERR_OPTIONS_INVALID */
export function checkBase(base: unknown): number {
  if (isWhole(base, 1, Number.MAX_SAFE_INTEGER)) return base;
  throw wrong(
    'versions.put',
    'base',
    base,
    "Pass the version the value was made from, or onConflict: 'last-write-wins'",
  );
}

/** @throws {TroupeError} ERR_OPTIONS_INVALID */
export function checkFollow(options: FollowOptions, listener: unknown): void {
  checkOptions('versions.follow', options, ['everyMs', 'onError'], '{ everyMs: 1000 }');
  const { everyMs, onError } = options;
  if (everyMs !== undefined && !isWhole(everyMs, LEAST_EVERY_MS, DAY_MS))
    throw wrong(
      'versions.follow',
      'everyMs',
      everyMs,
      `Use a whole number of milliseconds from ${LEAST_EVERY_MS} to ${DAY_MS}`,
    );
  if (onError !== undefined && typeof onError !== 'function')
    throw wrong('versions.follow', 'onError', onError, 'Pass a function, or leave it out');
  if (typeof listener !== 'function') throw wrong('versions.follow', 'listener', listener, 'Pass a function');
}

/** What is said of a value that is too large. */
export function tooLarge(name: string, chars: number, most: number): TroupeError {
  return new TroupeError(
    'ERR_OPTIONS_INVALID',
    `The value of '${name}' has ${chars} characters as JSON, more than ${most}. Split it, or keep it in an actor.`,
    { details: { name, chars } },
  );
}

function isWhole(value: unknown, least: number, most: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most;
}
