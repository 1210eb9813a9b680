/** Judges what is seen of a damaged store by what was put into it. Pure. */
import { isDeepStrictEqual } from 'node:util';
import type { Planned } from './corrupt-stores.ts';
import type { Panorama, Seen, Sight } from './corrupt-look.ts';

/** What one actor came to. `exact`: as it was; `repaired`: the same, made again from older rows; `held`, `refused`: it says why;
 *  `stalled`: the system says that its store fails, and waits for it; `vanished`: a message that waited for it is not found any more, which
 *  nobody can tell (docs/guarantees.md, G7), and all else is as it was. */
export type Outcome = 'exact' | 'repaired' | 'held' | 'refused' | 'stalled' | 'vanished' | 'wrong' | 'crashed';

/** An outcome, and what is wrong with it where it must not be. */
export interface Judgement {
  readonly address: string;
  readonly outcome: Outcome;
  readonly faults: readonly string[];
}

/** What is known of a run. */
export interface Facts {
  readonly truth: Panorama;
  readonly planned: readonly Planned[];
  /** When the store was complete: what has a later time was committed by whoever looks. */
  readonly builtAt: number;
  /** The log beside the file was hit: what it held last is gone as in a crash, which nobody can tell. */
  readonly mayLackTail: boolean;
  /** The pages of the database were hit: rows in them may not be found. */
  readonly mayLoseRows: boolean;
}

/** Judges everything that was seen. */
export function judgeAll(seen: Panorama, facts: Facts): readonly Judgement[] {
  if (seen.refusal) return facts.planned.map(({ address }) => ({ address, ...judgeRefusal(seen.refusal as Seen) }));
  const letters = lettersOf(seen.letters);
  return [...facts.planned.map((plan) => judgeActor(plan, seen, letters, facts)), ...judgeKept(seen, facts)];
}

function judgeRefusal(refusal: Seen): Omit<Judgement, 'address'> {
  const fault = crashOf('opening', refusal);
  return fault === undefined ? { outcome: 'refused', faults: [] } : { outcome: 'crashed', faults: [fault] };
}

type Letter = { readonly address: string; readonly error: string; readonly id: string; readonly text: string };

function lettersOf(letters: Seen): readonly Letter[] {
  return 'value' in letters ? (letters.value as readonly Letter[]) : [];
}

interface View {
  readonly status: string;
  readonly value: unknown;
  readonly context: { readonly notes: readonly number[]; readonly sum: number };
  readonly seq: number;
}

function judgeActor(plan: Planned, seen: Panorama, letters: readonly Letter[], facts: Facts): Judgement {
  const { address } = plan;
  const sight = seen.actors.get(address) as Sight;
  const truth = facts.truth.actors.get(address) as Sight;
  const crashes = [crashOf('view', sight.view), crashOf('log', sight.log), crashOf('history', sight.history)];
  for (const [seq, past] of sight.past) crashes.push(crashOf(`at(${seq})`, past));
  const crashed = crashes.filter((crash) => crash !== undefined);
  if (crashed.length > 0) return { address, outcome: 'crashed', faults: crashed };
  const own = letters.filter((letter) => letter.address === address);
  const lost = own.filter(({ id }) => !id.startsWith('scheduled:')).length;
  const { mayLackTail, mayLoseRows } = facts;
  const lacking = plan.waiting.length > 0 && (lost > 0 || mayLackTail || mayLoseRows);
  const state = judgeView(plan, { sight, truth, lost, mayLackTail, mayLoseRows });
  const isHeld = state.outcome === 'held' || state.outcome === 'refused' || state.outcome === 'stalled';
  const isRewritten = state.outcome === 'repaired' || own.length > 0;
  const isPartial = lacking || isRewritten || (isHeld && plan.waiting.length > 0);
  const faults = [
    ...state.faults,
    ...judgeList('log', sight.log, truth.log, { isPartial, builtAt: facts.builtAt }),
    ...judgeList('history', sight.history, truth.history, { isPartial: isPartial || isHeld, builtAt: facts.builtAt }),
    ...[...sight.past].flatMap(([seq, past]) =>
      judgePast(seq, past, truth.past.get(seq) as Seen, { isPartial: isPartial || isHeld, builtAt: facts.builtAt }),
    ),
    ...own.flatMap((letter) => judgeLetter(letter)),
  ];
  return { address, outcome: faults.length > 0 ? 'wrong' : state.outcome, faults };
}

interface Sights {
  readonly sight: Sight;
  readonly truth: Sight;
  readonly lost: number;
  readonly mayLackTail: boolean;
  readonly mayLoseRows: boolean;
}

/** The last: the store refuses its commits, since rows of damaged numbers stand where its next ones belong. */
const HELD_FOR: ReadonlySet<string> = new Set(['ERR_STATE_CORRUPT', 'ERR_STATE_VERSION', 'ERR_INTERNAL']);

function judgeView(
  { notes, waiting, isHeld, kind, isWorking }: Planned,
  { sight, truth, lost, mayLackTail, mayLoseRows }: Sights,
): { readonly outcome: Outcome; readonly faults: readonly string[] } {
  const { view, said } = sight;
  const held = said.find(({ text }) => text.startsWith('actor held'));
  if ('isStalled' in view) return { outcome: 'stalled', faults: [] };
  if ('error' in view) {
    const { code, message } = view.error;
    if (code === 'ERR_ACTOR_NOT_FOUND') return { outcome: 'wrong', faults: [`the actor is gone: ${message}`] };
    return { outcome: held ? 'held' : 'refused', faults: [] };
  }
  const now = (view as { readonly value: View }).value;
  const before = (truth.view as { readonly value: View }).value;
  if ((!isHeld || held) && now.status === 'quarantined') {
    const isTold = held !== undefined && HELD_FOR.has(held.code ?? '');
    return { outcome: 'held', faults: isTold ? [] : [`held, and said ${JSON.stringify(said)}`] };
  }
  const outcome = said.some(({ text }) => text.includes('made again from older rows')) ? 'repaired' : 'exact';
  // The commit that begins an effect function again may not have come yet.
  const least = isWorking ? before.seq - 1 : before.seq;
  if (now.seq < least && !(waiting.length > 0 && (lost > 0 || mayLackTail || mayLoseRows)))
    return { outcome: 'wrong', faults: [`its seq is ${now.seq}, was ${before.seq}`] };
  if (kind === 'actor' && waiting.length > 0) {
    const fault = findNotesFault(now, [notes, waiting], lost, mayLackTail || mayLoseRows);
    const isWhole = now.context.notes.length === notes.length + waiting.length - lost;
    if (fault !== undefined) return { outcome: 'wrong', faults: [fault] };
    return { outcome: mayLoseRows && !isWhole ? 'vanished' : outcome, faults: [] };
  }
  const isSame = isDeepStrictEqual([now.value, now.context, now.status], [before.value, before.context, before.status]);
  if (isSame) return { outcome, faults: [] };
  return { outcome: 'wrong', faults: [`its state is ${JSON.stringify(now).slice(0, 400)}`] };
}

/** What waited was noted, in order, but for what became a dead letter. */
function findNotesFault(
  { context, status }: View,
  [before, waiting]: readonly [readonly number[], readonly number[]],
  lost: number,
  mayLack: boolean,
): string | undefined {
  const { notes, sum } = context;
  const own = notes.slice(0, before.length);
  const came = notes.slice(before.length);
  const kept = waiting.filter((n) => came.includes(n));
  const isWhole = came.length === waiting.length - lost || (mayLack && came.length < waiting.length - lost);
  const total = notes.reduce((a, b) => a + b, 0);
  if (
    isDeepStrictEqual(own, before) &&
    isDeepStrictEqual(came, kept) &&
    isWhole &&
    sum === total &&
    status === 'active'
  )
    return undefined;
  return `it noted ${JSON.stringify(notes)}, sum ${sum}, ${status}, with ${lost} dead letters`;
}

interface Bounds {
  /** Some of what waited in its inbox may be missing at the end. */
  readonly isPartial: boolean;
  readonly builtAt: number;
}

function judgeList(what: string, seen: Seen, truth: Seen, bounds: Bounds): readonly string[] {
  if (!('value' in seen)) return [];
  const [now, before] = [settled(seen, bounds), settled(truth, bounds)];
  if (isDeepStrictEqual(now, before)) return [];
  const wrong = now.find((entry, index) => !isDeepStrictEqual(entry, before[index]));
  return [`its ${what} has ${now.length} of ${before.length}; wrong is ${JSON.stringify(wrong)?.slice(0, 300)}`];
}

/** Entries as they compare: those that were made while looking have a time of their own, or are left out. */
function settled(seen: Seen, { isPartial, builtAt }: Bounds): readonly object[] {
  const entries = (seen as { readonly value: readonly { readonly at: number }[] }).value;
  const isNew = ({ at }: { readonly at: number }): boolean => at > builtAt;
  if (isPartial) return entries.filter((entry) => !isNew(entry));
  return entries.map((entry) => (isNew(entry) ? { ...entry, at: 0 } : entry));
}

function judgePast(seq: number, seen: Seen, truth: Seen, { isPartial, builtAt }: Bounds): readonly string[] {
  if (!('value' in seen)) return [];
  const now = (seen as { readonly value: { readonly at: number } }).value;
  const isNew = now.at > builtAt;
  if (isNew && isPartial) return [];
  if (!('value' in truth)) return [`at(${seq}) shows ${JSON.stringify(now).slice(0, 200)}, which never was`];
  const before = (truth as { readonly value: { readonly at: number } }).value;
  const isSame = isNew ? isDeepStrictEqual({ ...now, at: 0 }, { ...before, at: 0 }) : isDeepStrictEqual(now, before);
  return isSame ? [] : [`at(${seq}) shows ${JSON.stringify(now).slice(0, 200)}`];
}

function judgeLetter({ id, error }: Letter): readonly string[] {
  return error.includes('ERR_STATE_CORRUPT') ? [] : [`'${id}' is a dead letter for another reason: ${error}`];
}

function judgeKept(seen: Panorama, { truth }: Facts): readonly Judgement[] {
  return [...seen.kept].map(([key, value]) => {
    const crash = crashOf('kv', value);
    if (crash !== undefined) return { address: `kv ${key}`, outcome: 'crashed', faults: [crash] };
    if (!('value' in value)) return { address: `kv ${key}`, outcome: 'refused', faults: [] };
    const isSame = isDeepStrictEqual(value, truth.kept.get(key));
    return {
      address: `kv ${key}`,
      outcome: isSame ? 'exact' : 'wrong',
      faults: isSame ? [] : [`its value is ${JSON.stringify(value)}`],
    };
  });
}

function crashOf(what: string, seen: Seen): string | undefined {
  if ('isHung' in seen) return `${what} never settled`;
  if (!('crash' in seen)) return undefined;
  const { crash } = seen;
  return `${what} threw without a code: ${crash instanceof Error ? (crash.stack ?? crash.message) : String(crash)}`;
}
