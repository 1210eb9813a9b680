/** Where a subscription begins in the log, and its place there when it has a name. */
import { TroupeError } from '../errors.ts';
import type { Logger } from '../observe/logger.ts';
import type { StoreClient } from '../store/store-client.ts';
import { Place } from './place.ts';
import { WHOLE_LOG } from './replay-window.ts';
import type { Window } from './replay-window.ts';
import type { ReplayRequest } from './requests.ts';

/** Where to begin reading, and what to choose of what is there already. */
export interface Start {
  /** The position to begin after. */
  readonly pos: number;
  readonly replay?: { readonly window: Window; readonly untilPos: number };
}

/**
 * Where a subscription begins. Pure.
 * @param keptPos its place, when it has one
 * @param lastPos where the log ends
 */
export function decideStart(replay: ReplayRequest, keptPos: number | undefined, lastPos: number): Start {
  const usual = keptPos === undefined ? undefined : WHOLE_LOG;
  const window = replay === 'default' ? usual : replay.window;
  if (!window) return { pos: lastPos };
  const pos = Math.min(lastPos, Math.max(keptPos ?? 0, window.afterPos));
  return pos === lastPos ? { pos } : { pos, replay: { window, untilPos: lastPos } };
}

export interface OpenPlaceOptions {
  readonly store: StoreClient;
  readonly log: Logger;
}

/** What a place is opened for. */
export interface PlaceRequest {
  readonly name: string;
  readonly pattern: string;
  readonly replay: ReplayRequest;
}

/**
 * Opens the place of a name, which is saved before anything is handled: from here on the name misses nothing, whatever happens to this process.
 * @throws {TroupeError} ERR_OPTIONS_INVALID when the name is kept for another pattern.
 */
export async function openPlace(options: OpenPlaceOptions, request: PlaceRequest): Promise<Start & { place: Place }> {
  const { store, log } = options;
  const { name, pattern } = request;
  const kept = await store.call('cursor', name);
  if (kept && kept.pattern !== pattern) throw otherPattern(name, kept.pattern, pattern);
  const start = decideStart(request.replay, kept?.pos, await store.call('lastBusPos'));
  const { pos } = start;
  if (kept?.pos !== pos) await store.call('setCursor', name, { pattern, pos });
  return { ...start, place: new Place({ store, log, name, pattern, pos }) };
}

function otherPattern(name: string, kept: string, given: string): TroupeError {
  return new TroupeError(
    'ERR_OPTIONS_INVALID',
    `The subscription '${name}' keeps its place for '${kept}', not for '${given}'. Call unsubscribe('${name}') to give that up and begin anew, or use another name.`,
    { details: { option: 'name', name, kept, given } },
  );
}
