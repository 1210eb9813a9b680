/** What is said about names of subscriptions and groups that cannot be used. */
import { TroupeError } from '../errors.ts';

/** A name that is taken. */
export function inUse(name: string, option: 'name' | 'queue'): TroupeError {
  const what = option === 'name' ? 'The subscription' : 'The name of the group';
  return new TroupeError(
    'ERR_OPTIONS_INVALID',
    `${what} '${name}' is in use in this system. Stop it first, or use another name.`,
    { details: { option, name } },
  );
}

/** A name nothing is kept of. */
export function unknownName(name: string): TroupeError {
  return new TroupeError(
    'ERR_OPTIONS_INVALID',
    `No place is kept for a subscription '${name}', so there is none to forget. Pass the name that subscribe() was given.`,
    { details: { option: 'name', name } },
  );
}
