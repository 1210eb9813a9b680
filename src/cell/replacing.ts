/** A life that begins from an input where another was: that of a substitute, or the next one of a permanent actor. */
import type { AnyDefinition } from '../actor/define.ts';
import { TroupeError } from '../errors.ts';
import type { Decision } from '../supervision/decide.ts';
import { toPlainError } from '../supervision/events.ts';
import type { Replacement } from '../supervision/spec.ts';
import { encodeError } from '../thread/error-codec.ts';
import type { EncodedError } from '../thread/error-codec.ts';
import { announceIn } from './announce-in.ts';
import type { Cell } from './cell.ts';
import { hasEnded } from './draft.ts';
import type { Draft } from './draft.ts';
import { faultOf } from './failure.ts';
import type { Fault } from './failure.ts';
import { hold, tellOf } from './judging.ts';
import type { Failed } from './live-actor.ts';

/**
 * A substitute takes over: address, log and mailbox stay, the event that failed the actor before it is tried again. One that cannot is
 * not there at all: the actor is held as it was.
 */
export function replaceActor(cell: Cell, draft: Draft, fault: Fault, cause: EncodedError): void {
  const former = cell.definition;
  const replacement = former.policy.supervise.onFailure as Replacement;
  const taken = takeOver(cell, draft, replacement);
  if ('error' in taken) return refuse(cell, former, fault, replacement, taken.error);
  const { address, parent } = cell;
  const isPermanent = cell.definition.policy.supervise.restart === 'permanent';
  cell.judgeOf().remember({ as: replacement.with, ...(isPermanent && { origin: taken }) }, draft);
  announceIn(draft, address, 'system.actor.replaced', { address, by: replacement.with });
  draft.tellReplaced(parent, address, replacement.with, toPlainError(cause));
  exchangeTopics(cell, draft, former);
  if (fault.item && !draft.items.includes(fault.item)) cell.mailbox.unshift([fault.item]);
  if (hasEnded(draft)) return cell.complete(draft);
  goLive(cell, draft);
}

function takeOver(
  cell: Cell,
  draft: Draft,
  { with: type, toInput }: Replacement,
): Failed | { readonly input: unknown } {
  const { definitions, mark } = cell.services;
  mark(cell.address, 'start');
  try {
    const substitute = definitions.get(type);
    const context = cell.commits.committed?.state?.context ?? null;
    const text = definitions.encodeInputOf(substitute, cell.address, toInput(context as never));
    cell.become(substitute);
    const input: unknown = text === undefined ? undefined : JSON.parse(text);
    const failed = begin(cell, draft, input);
    if (!failed && !cell.commits.canSave(draft)) return { error: new Error('Its first state cannot be saved.') };
    return failed ?? { input };
  } catch (error) {
    return { error };
  } finally {
    mark(cell.address, undefined);
  }
}

/** Nothing of the attempt is kept. */
function refuse(cell: Cell, former: AnyDefinition, fault: Fault, { with: by }: Replacement, cause: unknown): void {
  cell.endLife();
  cell.become(former);
  const { address } = cell;
  const reason = encodeError(cause).message;
  const error = new TroupeError(
    'ERR_REPLACEMENT',
    `'${by}' cannot take the place of '${address}': ${reason} Mend it or replace('${by}', toInput); '${address}' is held as it was.`,
    { cause, details: { address, by } },
  );
  cell.services.log.error('a substitute could not take over', { address, error: encodeError(error) });
  const draft = cell.commits.newDraft();
  const blame = cell.judgeOf();
  blame.note(draft);
  if (fault.row) draft.consume(fault.row, cell.commits.marks);
  const history = { restarts: blame.record.restarts ?? [] };
  const decision: Decision = { action: 'quarantine', attempt: blame.attempts ?? 1, delayMs: 0, history };
  tellOf(cell, draft, fault, decision, encodeError(error));
  hold(cell, draft, fault, decision, encodeError(error));
}

/** Topics of the definition before, and of the one that follows. */
function exchangeTopics(cell: Cell, draft: Draft, former: AnyDefinition): void {
  const { topics } = cell.definition.policy;
  for (const pattern of Object.keys(former.policy.topics))
    if (!Object.hasOwn(topics, pattern)) draft.rows.subscriptions.set(pattern, null);
  for (const [pattern, type] of Object.entries(topics)) draft.rows.subscriptions.set(pattern, type);
}

/** A permanent actor begins from its input again, and so does one that never came to be. */
export function renew(cell: Cell): void {
  const draft = cell.commits.newDraft();
  const failed = begin(cell, draft, cell.blame?.record.origin?.input);
  if (failed) return cell.failWith(faultOf(undefined, failed.error));
  if (hasEnded(draft)) return cell.complete(draft);
  goLive(cell, draft);
}

/** The first turn of the new life. Timers and effects of the old one are not its own. */
function begin(cell: Cell, draft: Draft, input: unknown): Failed | undefined {
  const failed = cell.incarnate({ input }).start(draft);
  if (failed) return failed;
  if (cell.commits.timers.text !== null) draft.timers ??= { text: null, nextDue: null };
  if (cell.commits.inFlightText !== null) draft.inFlight ??= null;
  return undefined;
}

function goLive(cell: Cell, draft: Draft): void {
  cell.serves(draft);
  cell.phase = 'live';
  cell.post(draft);
  cell.pump();
}
