/** What the members of a queue group have to agree on, whoever keeps its place. Pure. */
import { TroupeError } from '../errors.ts';
import type { MemberRequest } from './queue-engine.ts';

/**
 * Members share one place and one way of trying again.
 * @throws {TroupeError} ERR_OPTIONS_INVALID naming the option, what the group has and what is asked for.
 */
export function assertAgrees(group: MemberRequest, given: MemberRequest): void {
  for (const option of ['pattern', 'priorities', 'retries'] as const) {
    const [theirs, ours] = [JSON.stringify(group[option]), JSON.stringify(given[option])];
    if (theirs === ours) continue;
    const name = option === 'retries' ? 'maxAttempts and backoff' : option;
    throw new TroupeError(
      'ERR_OPTIONS_INVALID',
      `The group '${given.queue}' was begun with ${name} ${theirs ?? 'of all'}, and a member asks for ${ours ?? 'all'}. Give every member of a group the same, or use another name.`,
      { details: { option, queue: given.queue } },
    );
  }
}
