/**
 * Judges the history of a chaos run: what was called and how it ended, against what the actors' logs say was processed. A
 * pure function that knows nothing of the runtime.
 *
 * An event that was acknowledged stands in its receiver's log once; no event stands anywhere twice; events of one sender
 * stand in the order they were sent; a rejected one stands nowhere; what a relay told, its receiver has, gap-free; a job's
 * run is completed once, under the one key all its attempts had; nothing is in a log that nobody sent. What is asked of time
 * and of topics stands in `chaos-check-time.ts` and `chaos-check-topics.ts`.
 */
import { Lives, collectCalls } from './chaos-calls.ts';
import type { Call } from './chaos-calls.ts';
import { checkTime, ringPlaces } from './chaos-check-time.ts';
import { checkTopics, hearingOf } from './chaos-check-topics.ts';
import type { ChaosOp, EffectMark, HistoryLine } from './chaos-history.ts';
import { Findings } from './chaos-verdict.ts';
import type { ChaosHistory, LoggedEntry, Verdict } from './chaos-verdict.ts';

interface Place {
  readonly address: string;
  readonly entry: LoggedEntry;
}

/** Judges a history. */
export function judge(history: ChaosHistory): Verdict {
  const calls = collectCalls(history.lines);
  const marks = history.lines.filter((line) => line.t === 'effect');
  const places = placesOf(history.logs);
  const found = new Findings();
  const derived = deriveEntries(history.logs, found);
  checkLogs(history.logs, found);
  checkPlaces(places, new Map([...callPlaces(calls), ...derivedPlaces(derived), ...ringPlaces(calls)]), found);
  for (const call of calls.values()) checkCall(call, places, found);
  checkDerived(derived, places, found);
  const effects = checkEffects(marks, history.logs, found);
  const time = checkTime({ calls, logs: history.logs, lives: new Lives(history.lines), found });
  const topics = checkTopics({ ...history, calls, found });
  for (const [name, count] of Object.entries(history.leftovers)) {
    if (count > 0) found.add('left-over', name, `${count} ${name} are left although nothing moves any more`);
  }
  const wakes = countWakes(history.lines);
  return toVerdict({ calls, places, derived, effects, time, topics, wakes, found });
}

function placesOf(logs: ChaosHistory['logs']): Map<string, Place[]> {
  const places = new Map<string, Place[]>();
  for (const [address, entries] of logs) {
    for (const entry of entries) {
      const known = places.get(entry.id);
      if (known) known.push({ address, entry });
      else places.set(entry.id, [{ address, entry }]);
    }
  }
  return places;
}

/** An entry that must be somewhere because another one is. */
interface Derived {
  readonly kind: 'tell-lost' | 'effect-lost';
  readonly to: string;
  readonly from: string;
  readonly n: number;
  readonly because: string;
}

function deriveEntries(logs: ChaosHistory['logs'], found: Findings): Map<string, Derived> {
  const derived = new Map<string, Derived>();
  for (const [address, entries] of logs) {
    for (const { id, n, told, run, done } of entries) {
      if (told) derived.set(told.id, { kind: 'tell-lost', to: told.to, from: address, n: told.n, because: id });
      if (run !== undefined)
        derived.set(`${id}!`, { kind: 'effect-lost', to: address, from: address, n: run, because: id });
      if (!done) continue;
      for (const half of [0, 1]) {
        derived.set(`${done.id}*${half}`, {
          kind: 'effect-lost',
          to: done.to,
          from: `${address}*`,
          n: 2 * n + half,
          because: id,
        });
      }
    }
    checkGaps(address, entries, found);
  }
  return derived;
}

/** A relay numbers what it tells each receiver from 1. */
function checkGaps(address: string, entries: readonly LoggedEntry[], found: Findings): void {
  const last = new Map<string, number>();
  for (const { id, told } of entries) {
    if (!told) continue;
    const expected = (last.get(told.to) ?? 0) + 1;
    if (told.n !== expected)
      found.add('tell-gap', id, `'${address}' told '${told.to}' number ${told.n} where ${expected} comes next`);
    last.set(told.to, told.n);
  }
}

/** Order per sender, and that the count in the state and the rows of the log went on together. */
function checkLogs(logs: ChaosHistory['logs'], found: Findings): void {
  for (const [address, entries] of logs) {
    const last = new Map<string, LoggedEntry>();
    entries.forEach((entry, index) => {
      const { row, id, from, n, place } = entry;
      const before = last.get(from);
      if (before && before.n >= n && before.id !== id) {
        found.add(
          'disordered',
          id,
          `'${address}' processed ${from}:${n} in row ${row}, after ${from}:${before.n} in row ${before.row}`,
        );
      }
      if (place !== index + 1)
        found.add('torn', id, `'${address}' counted ${place} for its entry ${index + 1}, row ${row}`);
      last.set(from, entry);
    });
  }
}

/** Each entry stands once, and where something sent it. `expected`: addresses by id. */
function checkPlaces(
  places: ReadonlyMap<string, readonly Place[]>,
  expected: ReadonlyMap<string, string>,
  found: Findings,
): void {
  for (const [id, at] of places) {
    if (at.length > 1)
      found.add('twice', id, `'${id}' was processed ${at.length} times: ${at.map(describePlace).join(', ')}`);
    const [first] = at;
    const to = expected.get(id);
    if (!first || to === first.address || (to === undefined && (isPartOfRun(id) || isOwn(first)))) continue;
    found.add('invented', id, `'${id}' stands in '${first.address}', where nobody sent it`);
  }
}

function callPlaces(calls: ReadonlyMap<string, Call>): readonly (readonly [string, string])[] {
  return [...calls].map(([id, { first }]) => [id, first.to]);
}

function derivedPlaces(derived: ReadonlyMap<string, Derived>): readonly (readonly [string, string])[] {
  return [...derived].map(([id, { to }]) => [id, to]);
}

/** A timer of the actor itself, or what it heard; others check that. */
function isOwn({ address, entry: { id, tick, heard } }: Place): boolean {
  return (
    (tick !== undefined && id.startsWith(`${address}~`)) || (heard !== undefined && id === hearingOf(heard.id, address))
  );
}

/** Sends of an effect function are there before its completion is. Whether they belong there, the completion tells. */
function isPartOfRun(id: string): boolean {
  return id.includes('*');
}

function describePlace({ address, entry }: Place): string {
  return `row ${entry.row} of '${address}'`;
}

/** What leaves no entry of its own. */
const UNLOGGED: ReadonlySet<ChaosOp> = new Set(['schedule', 'unschedule', 'publish']);

/** What may be rejected without anything being wrong. */
const REJECTABLE: ReadonlySet<ChaosOp> = new Set(['bad', 'frail']);

function checkCall({ first, ends }: Call, places: ReadonlyMap<string, readonly Place[]>, found: Findings): void {
  const { id, to, op } = first;
  const at = places.get(id)?.[0];
  const isOk = ends.some((end) => end.is === 'ok');
  const isFailed = ends.some((end) => end.is === 'fail');
  if (isOk && isFailed)
    found.add('contradictory-outcome', id, `'${id}' (${op} to '${to}') was acknowledged and rejected`);
  if (isOk && !at && !UNLOGGED.has(op))
    found.add('lost', id, `'${id}' (${op} to '${to}') was acknowledged and is not in its log`);
  if (isFailed && at)
    found.add('rejected-but-processed', id, `'${id}' (${op} to '${to}') was rejected and is in ${describePlace(at)}`);
  for (const { is, reply, code } of ends) {
    // Nothing is scheduled for an actor that does not exist.
    const isVain = op === 'unschedule' && code === 'ERR_ACTOR_NOT_FOUND';
    if (is === 'fail' && !REJECTABLE.has(op) && !isVain)
      found.add('refused', id, `'${id}' (${op} to '${to}') was rejected with ${code}`);
    if (op !== 'ask' || is !== 'ok' || !at) continue;
    const place = (reply as { place?: number } | undefined)?.place;
    if (place !== at.entry.place)
      found.add('reply-differs', id, `'${id}' was answered ${JSON.stringify(reply)}, its place is ${at.entry.place}`);
  }
}

function checkDerived(
  derived: ReadonlyMap<string, Derived>,
  places: ReadonlyMap<string, readonly Place[]>,
  found: Findings,
): void {
  for (const [id, { kind, to, from, n, because }] of derived) {
    const at = places.get(id)?.find(({ address }) => address === to);
    if (!at) found.add(kind, id, `'${to}' has no '${id}', which follows from '${because}'`);
    else if (at.entry.from !== from || at.entry.n !== n) {
      found.add('invented', id, `'${id}' came from ${at.entry.from}:${at.entry.n}, expected ${from}:${n}`);
    }
  }
}

type EffectFigures = Verdict['effects'];

function checkEffects(marks: readonly EffectMark[], logs: ChaosHistory['logs'], found: Findings): EffectFigures {
  const begun = new Map<string, EffectMark[]>();
  for (const mark of marks) {
    if (mark.phase !== 'begin') continue;
    begun.set(mark.id, [...(begun.get(mark.id) ?? []), mark]);
  }
  const completed = completions(logs);
  const entered = new Set(
    [...logs.values()].flatMap((entries) => entries.filter(({ run }) => run !== undefined).map(({ id }) => id)),
  );
  const keys = new Map<string, string>();
  let restarted = 0;
  let sameKey = 0;
  for (const [id, runs] of begun) {
    if (!entered.has(id))
      found.add('effect-too-early', id, `the effect of '${id}' began, and its event was never committed`);
    const isSame = checkRuns(id, runs, completed.get(id), found);
    const other = keys.get(runs[0]?.key ?? '');
    if (other !== undefined) found.add('effect-key', id, `'${id}' and '${other}' share the key '${runs[0]?.key}'`);
    keys.set(runs[0]?.key ?? '', id);
    if (runs.length === 1) continue;
    restarted++;
    if (isSame) sameKey++;
  }
  for (const id of completed.keys()) {
    if (!begun.has(id)) found.add('effect-key', id, `'${id}' is done and its effect never began`);
  }
  return { completed: completed.size, begun: [...begun.values()].flat().length, restarted, sameKey };
}

type Completion = NonNullable<LoggedEntry['done']>;

function completions(logs: ChaosHistory['logs']): Map<string, Completion> {
  const done = [...logs.values()].flatMap((entries) => entries.flatMap((entry) => (entry.done ? [entry.done] : [])));
  return new Map(done.map((completion) => [completion.id, completion]));
}

/** All runs of one effect: one key, attempts that grow, and the last one is the one that counts. True when the key held. */
function checkRuns(id: string, runs: readonly EffectMark[], done: Completion | undefined, found: Findings): boolean {
  const keys = new Set([...runs.map(({ key }) => key), ...(done ? [done.key] : [])]);
  if (keys.size > 1) found.add('effect-key', id, `the effect of '${id}' ran under the keys ${[...keys].join(', ')}`);
  const attempts = runs.map(({ attempt }) => attempt);
  if (attempts.some((attempt, i) => i > 0 && attempt <= (attempts[i - 1] ?? 0))) {
    found.add('effect-attempt', id, `the effect of '${id}' ran as attempts ${attempts.join(', ')}`);
  }
  if (done && done.attempt !== Math.max(...attempts)) {
    found.add(
      'effect-attempt',
      id,
      `attempt ${done.attempt} of '${id}' counted, after attempts ${attempts.join(', ')} had begun`,
    );
  }
  return keys.size === 1;
}

/** Actors that came into memory in a process where they had been before. */
function countWakes(lines: readonly HistoryLine[]): number {
  const wakes = lines.filter((line) => line.t === 'wake');
  return wakes.length - new Set(wakes.map(({ id, process }) => `${process} ${id}`)).size;
}

interface Judged {
  readonly calls: ReadonlyMap<string, Call>;
  readonly places: ReadonlyMap<string, readonly Place[]>;
  readonly derived: ReadonlyMap<string, Derived>;
  readonly effects: EffectFigures;
  readonly time: Verdict['time'];
  readonly topics: Verdict['topics'];
  readonly wakes: number;
  readonly found: Findings;
}

function toVerdict({ calls, places, derived, effects, time, topics, wakes, found }: Judged): Verdict {
  const all = [...calls.values()];
  const unknown = all.filter(({ ends }) => ends.every(({ is }) => is === 'unknown'));
  return {
    acknowledged: all.filter(({ ends }) => ends.some(({ is }) => is === 'ok')).length,
    rejected: all.filter(({ ends }) => ends.some(({ is }) => is === 'fail')).length,
    unknown: unknown.length,
    unknownButProcessed: unknown.filter(({ first }) => places.has(first.id)).length,
    tells: [...derived.values()].filter(({ kind }) => kind === 'tell-lost').length,
    processed: [...places.values()].reduce((sum, at) => sum + at.length, 0),
    lost: found.count('lost', 'tell-lost', 'effect-lost', 'timer-lost', 'topic-lost'),
    twice: found.count('twice'),
    disordered: found.count('disordered', 'tell-gap', 'tick-gap', 'witness-gap'),
    wakes,
    effects,
    time,
    topics,
    violations: found.all,
  };
}
