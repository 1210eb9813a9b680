/** The stream of events of a namespace: made when it is missing, and what differs from what is needed is said. */
import { TroupeError } from '../errors.ts';
import type { Jet, StreamInfo, StreamSettings } from './client.ts';
import { toEventSubjects, toStreamName } from './names.ts';
import type { ResolvedNatsOptions } from './options.ts';

/** A setting that does not do. */
export interface StreamMisfit {
  readonly setting: string;
  readonly is: string;
  readonly wanted: string;
  /** The option of `nats stream edit`. */
  readonly flag: string;
}

const UNLIMITED = -1;

/** The stream a system needs. `keepMs`: how long events are kept. */
export function wantedStream({ namespace, stream }: ResolvedNatsOptions, keepMs: number): StreamSettings {
  return {
    name: toStreamName(namespace),
    subjects: [toEventSubjects(namespace)],
    storage: stream.storage,
    retention: 'limits',
    discard: 'old',
    maxAgeMs: keepMs,
    maxBytes: stream.maxBytes ?? UNLIMITED,
    maxMessages: UNLIMITED,
    maxMessageBytes: UNLIMITED,
    replicas: stream.replicas,
    // The server remembers no id for longer than its message.
    duplicateWindowMs: Math.min(stream.duplicateWindowMs, keepMs),
    isDirect: true,
  };
}

/** What does not do. More than what is needed does: a longer age, more replicas, a longer window. */
export function compareStream(is: StreamSettings, wanted: StreamSettings): readonly StreamMisfit[] {
  const misfits: StreamMisfit[] = [];
  const check = (setting: string, flag: string, fits: boolean, has: string | number, needs: string | number): void => {
    if (!fits) misfits.push({ setting, is: String(has), wanted: String(needs), flag: `${flag}=${needs}` });
  };
  const limit = (setting: string, flag: string, has: number, needs: number): void =>
    check(setting, flag, has <= 0 ? needs <= 0 : has === needs, toLimit(has), toLimit(needs));
  const subjects = is.subjects.join(',');
  check('subjects', '--subjects', subjects === wanted.subjects.join(','), subjects, wanted.subjects.join(','));
  check('storage', '--storage', is.storage === wanted.storage, is.storage, wanted.storage);
  check('retention', '--retention', is.retention === wanted.retention, is.retention, wanted.retention);
  check('discard', '--discard', is.discard === wanted.discard, is.discard, wanted.discard);
  const isLongEnough = is.maxAgeMs === 0 || is.maxAgeMs >= wanted.maxAgeMs;
  check('max age', '--max-age', isLongEnough, `${is.maxAgeMs}ms`, `${wanted.maxAgeMs}ms`);
  limit('max bytes', '--max-bytes', is.maxBytes, wanted.maxBytes);
  limit('max messages', '--max-msgs', is.maxMessages, wanted.maxMessages);
  limit('max message bytes', '--max-msg-size', is.maxMessageBytes, wanted.maxMessageBytes);
  check('replicas', '--replicas', is.replicas >= wanted.replicas, is.replicas, wanted.replicas);
  const isWide = is.duplicateWindowMs >= wanted.duplicateWindowMs;
  check('duplicate window', '--dupe-window', isWide, `${is.duplicateWindowMs}ms`, `${wanted.duplicateWindowMs}ms`);
  return misfits;
}

/** What is needed, without taking back what is more: others may need it, and a shorter age would remove their events. */
export function widenStream(is: StreamSettings, wanted: StreamSettings): StreamSettings {
  return {
    ...wanted,
    maxAgeMs: is.maxAgeMs === 0 ? 0 : Math.max(is.maxAgeMs, wanted.maxAgeMs),
    replicas: Math.max(is.replicas, wanted.replicas),
    duplicateWindowMs: Math.max(is.duplicateWindowMs, wanted.duplicateWindowMs),
  };
}

const toLimit = (limit: number): number => (limit <= 0 ? UNLIMITED : limit);

/**
 * Makes the stream, or checks the one that is there.
 * @throws {TroupeError} ERR_NATS_STREAM when it has other settings and may not be changed; ERR_NATS_JETSTREAM; ERR_NATS_UNAVAILABLE.
 */
export async function ensureStream(
  jet: Jet,
  wanted: StreamSettings,
  { isUpdated, server }: { readonly isUpdated: boolean; readonly server: string },
): Promise<StreamInfo> {
  const is = (await jet.streamInfo(wanted.name)) ?? (await createStream(jet, wanted));
  const misfits = compareStream(is, wanted);
  if (misfits.length === 0) return is;
  if (isUpdated) return jet.updateStream(widenStream(is, wanted));
  throw otherSettings(wanted.name, server, misfits);
}

/** Another system may make it at the same moment, with other settings perhaps. */
async function createStream(jet: Jet, wanted: StreamSettings): Promise<StreamInfo> {
  try {
    return await jet.createStream(wanted);
  } catch (error) {
    const made = await jet.streamInfo(wanted.name);
    if (made) return made;
    throw error;
  }
}

function otherSettings(name: string, server: string, misfits: readonly StreamMisfit[]): TroupeError {
  const list = misfits.map(({ setting, is, wanted }) => `${setting} is ${is} instead of ${wanted}`).join('; ');
  const flags = misfits.map(({ flag }) => flag).join(' ');
  return new TroupeError(
    'ERR_NATS_STREAM',
    `The stream '${name}' on the NATS server at ${server} does not do: ${list}. Change it with 'nats stream edit ${name} ${flags}', set nats: { stream: { update: true } }, or use another namespace.`,
    { details: { stream: name, server, misfits } },
  );
}
