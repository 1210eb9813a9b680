/** Checks of a simulated story: sends, asks and tells; once, in order, and as their callers were told. */
import { groupBy } from './sim-findings.ts';
import type { Findings } from './sim-findings.ts';
import type { Call } from './sim-record.ts';
import type { Answer, EntryKind } from './sim-words.ts';

/** The state and the log of an actor went on together, turn by turn, and nothing was done twice. */
export function checkTurns(findings: Findings): void {
  for (const { address, entries } of findings.story.actors.values()) {
    const known = new Set<string>();
    entries.forEach(({ kind, id, place }, i) => {
      if (place !== i + 1) findings.add('torn', `'${address}' counted ${place} for its entry ${i + 1} ('${id}')`);
      if (known.has(`${kind}:${id}`))
        findings.add('twice', `'${address}' processed ${kind} '${id}' once more as ${place}`);
      known.add(`${kind}:${id}`);
    });
  }
}

/** Nothing was processed that nobody sent, or that somebody else was meant to get. */
export function checkOrigins(findings: Findings): void {
  const meant = new Map<string, string>();
  for (const { kind, id, to } of findings.callsOf('send', 'ask', 'tell', 'schedule'))
    meant.set(`${CALLED[kind]}:${id}`, to);
  for (const actor of findings.story.actors.values()) {
    for (const { did } of findings.deedsOf(actor)) {
      if ('told' in did) meant.set(`note:${did.told}`, did.to);
      if ('scheduled' in did) meant.set(`timed:${did.scheduled}`, actor.address);
      if (!('entered' in did)) continue;
      for (const n of [1, 2]) meant.set(`note:${did.entered}*${n}`, did.to);
    }
  }
  for (const { address, entries } of findings.story.actors.values()) {
    for (const { kind, id } of entries) {
      const isChecked = SENT.has(kind) && !id.startsWith('v');
      if (isChecked && meant.get(`${kind}:${id}`) !== address)
        findings.add(
          'invented',
          `${kind} '${id}' is in the log of '${address}'; meant for ${meant.get(`${kind}:${id}`) ?? 'nobody'}`,
        );
    }
  }
}

/** Entries that somebody else asked for. */
const SENT: ReadonlySet<EntryKind> = new Set(['do', 'ask', 'note', 'timed']);

/** The entry a call leads to. */
const CALLED: Partial<Record<Call['kind'], EntryKind>> = { send: 'do', ask: 'ask', tell: 'do', schedule: 'timed' };

/** Codes by which an event is rejected for good reason, and what for. */
const REASONS: Readonly<Record<string, (call: Call) => boolean>> = {
  ERR_EVENT_FAILED: ({ ops = [] }) => ops.some(({ op }) => op === 'boom'),
  ERR_MAILBOX_FULL: ({ to }) => to.startsWith('picky/'),
  ERR_MAILBOX_DROPPED: ({ to }) => to.startsWith('lossy/'),
  ERR_ACTOR_STOPPED: ({ to }) => to.startsWith('child/'),
  // Stories have their store fail; that it was failing at that moment is a matter of tests of its own.
  ERR_STORE_TROUBLE: () => true,
};

/** Acknowledged: processed once. Rejected: never, and for a reason. Unknown: at most once. In the order of their sender. */
export function checkSends(findings: Findings): void {
  const events = findings.callsOf('send', 'ask').filter(({ to }) => !to.startsWith('vol/'));
  for (const calls of groupBy(events, ({ kind, id }) => `${kind}:${id}`).values()) checkOutcome(findings, calls);
  for (const calls of groupBy(findings.callsOf('tell'), ({ id }) => id).values())
    checkAtMostOnce(findings, calls[0] as Call);
  checkForgetful(findings);
  checkOrder(findings);
}

function checkOutcome(findings: Findings, calls: readonly Call[]): void {
  const { kind, id, to } = calls[0] as Call;
  const of = { kind: CALLED[kind] as EntryKind, id, to };
  const outcomes = new Set(calls.map(({ outcome }) => outcome));
  if (outcomes.has('open')) findings.add('no-outcome', `${kind} '${id}' to '${to}' still has no outcome`);
  if (outcomes.has('ok')) findings.expectCount('acknowledged', of, 1);
  else if (!outcomes.has('unknown') && !outcomes.has('open')) findings.expectCount('rejected', of, 0);
  for (const call of calls) {
    const isFair = call.outcome !== 'failed' || REASONS[call.code ?? '']?.(call) === true;
    if (!isFair) findings.add('refused', `${kind} '${id}' to '${to}' was rejected with ${call.code}`);
  }
}

function checkAtMostOnce(findings: Findings, { id, to }: Call): void {
  const places = findings.placesOf('do', id);
  if (places.length > 1) findings.add('twice', `tell '${id}' to '${to}' was processed ${places.length} times`);
}

/** Actors that are not stored: acknowledged means taken. */
function checkForgetful(findings: Findings): void {
  for (const { id, to, outcome } of findings.callsOf('send').filter((call) => call.to.startsWith('vol/'))) {
    const count = findings.story.taken.get(to)?.filter((taken) => taken === id).length ?? 0;
    if (outcome === 'ok' && count === 0)
      findings.add('acknowledged', `'${to}' never took '${id}', which was acknowledged`);
  }
}

/** Without those that have an id: their repetitions may come in any order. */
function checkOrder(findings: Findings): void {
  const numbers = new Map<string, Call>();
  for (const call of findings.callsOf('send', 'ask'))
    if (call.callerId === undefined) numbers.set(`${CALLED[call.kind]}:${call.id}`, call);
  for (const { address, entries } of findings.story.actors.values()) {
    const last = new Map<number, Call>();
    for (const { kind, id } of entries) {
      const call = numbers.get(`${kind}:${id}`);
      if (!call) continue;
      const before = last.get(call.life);
      if (before && before.n > call.n)
        findings.add('order', `'${address}' processed '${call.id}' after '${before.id}', which was sent later`);
      last.set(call.life, call);
    }
  }
}

/** An answer tells the place its question had. */
export function checkAsks(findings: Findings): void {
  for (const { id, to, outcome, reply } of findings.callsOf('ask')) {
    if (outcome !== 'ok' || to.startsWith('vol/')) continue;
    const place = findings.placesOf('ask', id)[0]?.entry.place;
    const answer = reply as Answer | undefined;
    if (answer?.id !== id || answer.place !== place)
      findings.add('answer', `'${id}' was answered ${JSON.stringify(reply)}; its place in '${to}' is ${place}`);
  }
}

/** What one actor told another is processed once, in order, or, where that cannot be, a dead letter. */
export function checkTells(findings: Findings): void {
  const buried = new Set(findings.story.letters.map(({ text }) => (JSON.parse(text) as { id?: string }).id));
  for (const actor of findings.story.actors.values()) {
    const sent = new Map<string, number>();
    for (const { did } of findings.deedsOf(actor)) {
      if (!('told' in did)) continue;
      const { told, to, n, isPoison } = did;
      if (n !== (sent.get(to) ?? 0) + 1)
        findings.add('tell-gap', `'${told}' is number ${n} after ${sent.get(to) ?? 0}`);
      sent.set(to, n);
      const isLetter = buried.has(told);
      if (isLetter && !isPoison && findings.isActive(to))
        findings.add('dead-letter', `'${told}' to '${to}' is a dead letter`);
      findings.expectCount('tell', { kind: 'note', id: told, to }, isLetter ? 0 : 1);
    }
    checkTellOrder(findings, actor.address);
  }
}

function checkTellOrder(findings: Findings, address: string): void {
  const last = new Map<string, number>();
  for (const { kind, id, from, n } of findings.story.actors.get(address)?.entries ?? []) {
    if (kind !== 'note' || id.startsWith('v')) continue;
    const before = last.get(from) ?? 0;
    if (n <= before) findings.add('tell-order', `'${address}' processed '${id}' after number ${before} of '${from}'`);
    last.set(from, n);
  }
}

/** Dead letters are events that throw, or that came for an actor which had ended. */
export function checkLetters(findings: Findings): void {
  for (const { address, id, text } of findings.story.letters) {
    const isPoison = text.includes('"op":"boom"');
    if (isPoison || !findings.isActive(address)) continue;
    findings.add('dead-letter', `'${id}' is a dead letter of '${address}', which is active: ${text}`);
  }
}

/** A look at a state shows everything that had been acknowledged before. */
export function checkLooks(findings: Findings): void {
  for (const { id, to, outcome, reply, before = [] } of findings.callsOf('look')) {
    if (outcome !== 'ok') continue;
    const least = Math.max(0, ...before.map((sent) => findings.placesOf('do', sent)[0]?.entry.place ?? 0));
    if (((reply as number | undefined) ?? 0) < least)
      findings.add('look', `${id} saw '${to}' at ${String(reply)}; ${least} was acknowledged before`);
  }
}
