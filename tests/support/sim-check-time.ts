/** Checks of a simulated story: what is scheduled and the timers of machines; never early, once each, none lost. */
import { groupBy } from './sim-findings.ts';
import type { Findings } from './sim-findings.ts';
import type { Call, FinalActor, Moment } from './sim-record.ts';
import type { Did, Entry } from './sim-words.ts';

/** Something that is due later. */
interface Waiting {
  readonly id: string;
  readonly dueAt: number;
  readonly since: Moment;
  /** It begins anew with each process. */
  readonly isRestarted?: boolean;
}

/** What one deed says of a key, or of a timer. */
interface Change {
  readonly key: string;
  /** Absent: it is taken back. */
  readonly waiting?: Waiting;
}

/** Events that actors schedule for themselves. */
export function checkSchedules(findings: Findings): void {
  const change = (entry: Entry, did: Did): Change | undefined => {
    if ('scheduled' in did) return { key: did.key, waiting: { id: did.scheduled, dueAt: did.dueAt, since: entry } };
    return 'unscheduled' in did ? { key: did.unscheduled } : undefined;
  };
  const isOwn = (id: string): boolean => !id.startsWith('schedule');
  for (const actor of findings.story.actors.values()) walk(findings, actor, { kind: 'timed', change, isOwn });
}

/** `after`, and delayed events. */
export function checkTimers(findings: Findings): void {
  const armed = (entry: Entry, did: Did): Change | undefined => {
    if ('armed' in did) return { key: 'after', waiting: toArmed(entry, did) };
    return 'disarmed' in did ? { key: 'after' } : undefined;
  };
  const raised = (entry: Entry, did: Did): Change | undefined => {
    if ('raised' in did) return { key: 'raise', waiting: { id: did.raised, dueAt: did.dueAt, since: entry } };
    return 'unraised' in did ? { key: 'raise' } : undefined;
  };
  for (const actor of findings.story.actors.values()) {
    walk(findings, actor, { kind: 'fired', change: armed });
    walk(findings, actor, { kind: 'raised', change: raised });
  }
}

function toArmed(since: Entry, { armed: id, dueAt, delay }: Extract<Did, { armed: string }>): Waiting {
  return { id, dueAt, since, isRestarted: delay === 'again' };
}

interface Walk {
  /** Of the entries that say it came. */
  readonly kind: Entry['kind'];
  readonly change: (entry: Entry, did: Did) => Change | undefined;
  readonly isOwn?: (id: string) => boolean;
}

/** Goes through a log: what comes must be what waits, and be due; at the end nothing waits. */
function walk(findings: Findings, actor: FinalActor, { kind, change, isOwn = () => true }: Walk): void {
  const waiting = new Map<string, Waiting>();
  for (const entry of actor.entries) {
    if (entry.kind === kind && isOwn(entry.id)) take(findings, actor.address, waiting, entry);
    for (const did of entry.did) {
      const changed = change(entry, did);
      if (changed?.waiting) waiting.set(changed.key, changed.waiting);
      else if (changed) waiting.delete(changed.key);
    }
  }
  if (actor.status !== 'active') return;
  for (const { id, dueAt } of waiting.values())
    findings.add('timer-lost', `'${id}' of '${actor.address}', due at ${dueAt}, never came`);
}

function take(findings: Findings, address: string, waiting: Map<string, Waiting>, entry: Entry): void {
  const found = [...waiting].find(([, { id }]) => id === entry.id);
  if (!found)
    return findings.add(
      'timer-unwanted',
      `'${entry.id}' came to '${address}', which had taken it back or had it before`,
    );
  const [key, { dueAt, since, isRestarted }] = found;
  waiting.delete(key);
  // Where the clock was set back in between, a new process counts from an earlier time.
  if (isRestarted === true && entry.jumps > since.jumps) return;
  if (!findings.wasReached(dueAt, since, entry))
    findings.add('timer-early', `'${entry.id}' came to '${address}' at ${entry.now}, due at ${dueAt}`);
}

/** Events that code schedules: taken back in time they never come; otherwise the last one acknowledged does, once. */
export function checkCodeSchedules(findings: Findings): void {
  const commands = findings.callsOf('schedule', 'unschedule');
  for (const calls of groupBy(commands, ({ to, key = '' }) => `${to} ${key}`).values()) {
    calls.forEach((call, i) => call.kind === 'schedule' && checkOne(findings, call, calls.slice(i + 1)));
  }
}

function checkOne(findings: Findings, call: Call, later: readonly Call[]): void {
  const { id, to, dueAt = 0, at, outcome } = call;
  const places = findings.placesOf('timed', id);
  const first = places[0]?.entry;
  if (places.length > 1) findings.add('twice', `'${id}' came to '${to}' ${places.length} times`);
  if (first && outcome === 'failed') findings.add('rejected', `'${id}' was rejected and came to '${to}'`);
  if (first && !findings.wasReached(dueAt, at, first))
    findings.add('timer-early', `'${id}' came to '${to}' at ${first.now}, due at ${dueAt}`);
  const isReplaced = (other: Call): boolean =>
    other.outcome === 'ok' && other.endedAt !== undefined && !findings.wasReached(dueAt, at, other.endedAt);
  const taken = later.find(isReplaced);
  if (first && taken)
    findings.add('timer-unwanted', `'${id}' came to '${to}' although ${taken.id} had replaced it in time`);
  const isLast = later.every((other) => other.outcome === 'failed');
  if (!first && outcome === 'ok' && isLast)
    findings.add('timer-lost', `'${id}' of '${to}', due at ${dueAt}, never came`);
}
