/**
 * Random stories for stores, and the plain model that knows how each must end: which commits apply, what waits, what a state
 * is at each commit. The model keeps no rows; it keeps what happened.
 */
import { zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { expect } from 'vitest';
import type { Address } from '../../src/actor/address.ts';
import type { Commit, Store } from '../../src/store/store.ts';
import { actorAt, firstCommit, hostCommit, nextCommit, outcomeOf, publication, tell } from './store-commits.ts';
import type { StoreDump } from './store-dump.ts';

/** Whom stories are about. */
export const ACTORS: readonly Address[] = ['a', 'b', 'c', 'd', 'e'].map(actorAt);

/** Most commits are about three, so that they meet; the others are there to be adopted. */
const actor = fc.integer({ min: 0, max: 2 });
const anyone = fc.integer({ min: 0, max: ACTORS.length - 1 });
const small = fc.integer({ min: 0, max: 3 });

/** Where an event came from that did not begin here. */
const FOREIGN = { origin: 'store-2', source: 'session/user', time: 1 };

/** What one commit does, told without numbers that only the story knows. */
const commitStep = fc.record({
  kind: fc.constant('commit' as const),
  who: actor,
  change: fc.constantFrom('none', 'delta', 'delta', 'snapshot', 'step', 'large'),
  hasHistory: fc.boolean(),
  /** How far its seq is from the next one, and its epoch from the one that is. */
  off: fc.constantFrom(0, 0, 0, 0, 0, 0, 1, -1),
  wrongEpoch: fc.constantFrom(false, false, false, false, false, true),
  isResent: fc.constantFrom(false, false, false, true),
  log: small,
  keepLog: fc.option(small, { nil: undefined }),
  trim: fc.option(fc.record({ back: small, byTime: fc.boolean() }), { nil: undefined }),
  send: fc.option(actor, { nil: undefined }),
  consume: fc.constantFrom(0, 0, 1, 2),
  id: fc.option(fc.integer({ min: 0, max: 2 }), { nil: undefined }),
  schedule: fc.option(small, { nil: undefined }),
  subscribes: fc.constantFrom(undefined, undefined, true, false),
  publishes: fc.boolean(),
  isForeign: fc.boolean(),
  /** Which place it saves. */
  place: fc.option(fc.integer({ min: 0, max: 1 }), { nil: undefined }),
  end: fc.constantFrom('active', 'active', 'active', 'active', 'active', 'active', 'quarantined', 'done', 'removed'),
});

/** One thing that happens. */
export const storySteps = fc.oneof(
  { weight: 12, arbitrary: commitStep },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('fence' as const), who: actor }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('adopt' as const),
      who: anyone,
      from: actor,
      waiting: small,
      untilSeq: small,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('sweep' as const),
      before: fc.integer({ min: 0, max: 40 }),
      isOfA: fc.boolean(),
      isUnsent: fc.boolean(),
      limit: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('inlet' as const),
      id: fc.integer({ min: 0, max: 4 }),
      place: fc.integer({ min: 0, max: 1 }),
      isResent: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cursor' as const), isDeleted: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('scan' as const),
      limit: fc.integer({ min: 1, max: 4 }),
      isOwn: fc.boolean(),
      isOfA: fc.boolean(),
      sinceAt: fc.integer({ min: 0, max: 20 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('key' as const),
      key: fc.constantFrom('k', 'k%', 'ké', 'z'),
      expiresAt: fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined }),
      what: fc.constantFrom('set', 'set', 'delete', 'clear', 'sweep'),
      now: fc.integer({ min: 0, max: 60 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('pack' as const), who: actor }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
);

/** One thing that happens. */
export type StoryStep = typeof storySteps extends fc.Arbitrary<infer T> ? T : never;
type CommitStep = Extract<StoryStep, { readonly kind: 'commit' }>;

interface Known {
  epoch: number;
  seq: number;
  state: string;
  /** The state after each commit of this life. */
  readonly states: Map<number, string>;
  readonly ids: Set<number>;
}

/** Tells steps to stores, and knows what must come of them. */
export interface Teller {
  /** What every store must answer. Call before `tell`. */
  expect(step: StoryStep): object;
  tell(store: Store, step: StoryStep): Promise<object>;
  /** The step has happened. */
  after(step: StoryStep): void;
  /** Compares what a store has of an actor with what happened. */
  check(found: StoreDump['actors'][number]): void;
  /** Compares the places a store has with those of the commits that applied. */
  checkPlaces(found: StoreDump['places']): void;
}

/** A teller at the beginning of a story. */
export function toTeller(): Teller {
  const known = new Map<Address, Known>();
  const removed = new Map<Address, { epoch: number; seq: number; at: number }>();
  /** By name, the commit that saved it. */
  const places = new Map<string, string>();
  let time = 0;

  const of = (who: number): Address => ACTORS[who] as Address;
  return { expect: expectStep, tell: tellStep, after, check, checkPlaces };

  function expectStep(step: StoryStep): object {
    time++;
    if (step.kind === 'fence') return { epoch: (known.get(of(step.who))?.epoch ?? -1) + 1 };
    if (step.kind === 'adopt') return { outcome: known.has(of(step.who)) ? 'exists' : 'done' };
    if (step.kind === 'inlet') return { outcome: 'done' };
    return step.kind === 'commit' ? { outcome: outcomeFor(step) } : {};
  }

  /** Rules 4, 5 and 7, from what happened. */
  function outcomeFor(step: CommitStep): string {
    const commit = toCommit(step);
    const was = known.get(commit.address);
    if (!was) {
      const gone = removed.get(commit.address);
      const isKnown = step.isResent && gone !== undefined && gone.epoch === commit.epoch && gone.seq >= commit.seq;
      if (isKnown && (commit.seq > 1 || gone.at === commit.at)) return 'repeated';
      if (commit.seq !== 1) return 'refused: seq';
    } else {
      if (was.epoch !== commit.epoch) return 'refused: epoch';
      if (step.isResent && was.seq >= commit.seq) return 'repeated';
      if (commit.seq !== was.seq + 1 || commit.seq === 1) return 'refused: seq';
    }
    return step.id !== undefined && was?.ids.has(step.id) ? 'refused: idempotency' : 'done';
  }

  function toCommit(step: CommitStep): Commit {
    const address = of(step.who);
    const was = known.get(address);
    const seq = Math.max(1, (was?.seq ?? 0) + 1 + step.off);
    const isFirst = !was;
    const { state, piece } = stateAfter(step, was, seq);
    const change = isFirst && step.change !== 'large' ? 'snapshot' : step.change;
    const sum = { text: piece, checksum: piece.length };
    const base = seq === 1 ? firstCommit(address) : nextCommit(address, seq);
    const { state: _state, ...stateless } = base;
    return {
      ...stateless,
      at: time,
      epoch: (was?.epoch ?? 0) + (step.wrongEpoch ? 1 : 0),
      ...(seq === 1 && { actor: { type: 'counter', parent: actorAt('root'), meta: '{}' } }),
      ...(step.isResent && { isResent: true }),
      ...(change === 'delta' && { state: { kind: 'delta', ...sum } as const }),
      ...(['snapshot', 'step', 'large'].includes(change) && {
        state: { kind: 'snapshot', text: state, checksum: state.length } as const,
      }),
      ...(change === 'step' && { step: sum }),
      ...(step.hasHistory && { history: { text: `{"e":${seq}}`, checksum: seq } }),
      ...(step.log > 0 && { log: Array.from({ length: step.log }, (_, i) => `"${seq}.${i}"`) }),
      ...(step.keepLog !== undefined && { keepLog: step.keepLog }),
      ...(step.trim && {
        trimHistory: step.trim.byTime ? { beforeAt: time - step.trim.back } : { beforeSeq: seq - step.trim.back },
      }),
      ...(step.send !== undefined && { inbox: [tell(of(step.send), `m${time}`)] }),
      ...(step.id !== undefined && { idempotency: [{ id: `i${step.id}` }] }),
      ...(step.schedule !== undefined && {
        schedule: [{ key: `s${step.schedule}`, dueAt: time + step.schedule, text: '{}' }],
      }),
      ...(step.subscribes === true && { subscribe: [{ pattern: 'a.*', event: 'E' }] }),
      ...(step.subscribes === false && { unsubscribe: ['a.*'] }),
      ...(step.publishes && {
        publish: [{ ...publication(`p${time}`, 'a.b'), ...(step.isForeign && { received: FOREIGN }) }],
      }),
      ...(step.place !== undefined && { place: placeOf(step.place) }),
      ...(step.end === 'removed' ? { isRemoval: true } : { status: step.end }),
    };
  }

  /** Its pattern says which commit saved it; its position is not of the log, which every store counts for itself. */
  function placeOf(place: number) {
    return { name: `p${place}`, pattern: `at.${time}`, pos: 0 };
  }

  function stateAfter(step: CommitStep, was: Known | undefined, seq: number) {
    const piece = `;${seq}`;
    if (!was) return { state: step.change === 'large' ? `${seq}${'x'.repeat(6_000)}` : String(seq), piece };
    const grown = was.state + piece;
    if (step.change === 'none') return { state: was.state, piece };
    return { state: step.change === 'large' ? `${seq}${'x'.repeat(6_000)}` : grown, piece };
  }

  async function tellStep(store: Store, step: StoryStep): Promise<object> {
    switch (step.kind) {
      case 'commit': {
        const commit = toCommit(step);
        const rows = await store.inbox(commit.address, { limit: 2 });
        const consumed = rows.slice(0, step.consume).map(({ sender, pos }) => ({ sender, pos }));
        const [result] = await store.commit([{ ...commit, ...(consumed.length > 0 && { consumed }) }]);
        return { ...result, outcome: outcomeOf(result) };
      }
      case 'fence':
        return { epoch: await store.fence(of(step.who)) };
      case 'adopt':
        return store.adopt([toAdoption(step)]);
      case 'sweep':
        return {
          events: await store.sweepHistory('counter', step.before),
          bus: await store.sweepBus({
            before: step.before - 20,
            limit: step.limit,
            ...(step.isOfA && { patterns: ['a.*'] }),
            ...(step.isUnsent && { unsentAfter: 0 }),
          }),
        };
      case 'inlet': {
        const publish = [{ ...publication(`x${step.id}`, 'b.c'), received: FOREIGN, attributes: '{"a":1}' }];
        const { id: _i, place, kind: _k, ...more } = step;
        const [result] = await store.commit([hostCommit({ at: time, publish, place: placeOf(place), ...more })]);
        return { ...result };
      }
      case 'cursor': {
        if (step.isDeleted) return { isDeleted: await store.deleteCursor('c') };
        await store.setCursor('c', { pattern: '>', pos: await store.lastBusPos() });
        return { cursor: await store.cursor('c') };
      }
      case 'scan': {
        const { kind: _k, isOfA, ...query } = step;
        return store.scanBus({ ...query, ...(isOfA && { patterns: ['a.*'] }) });
      }
      case 'key':
        return tellKey(store, step);
      case 'pack': {
        const address = of(step.who);
        const [loose] = await store.looseSnapshots({ minChars: 5_000, before: time });
        const isPacked = loose ? await store.packSnapshot(loose.address, loose.seq, Buffer.from('packed')) : false;
        await packEvents(store);
        return { isPacked, missing: await store.packSnapshot(address, 9_999, Buffer.from('x')) };
      }
      default:
        return {};
    }
  }

  function toAdoption({ who, from, waiting, untilSeq }: Extract<StoryStep, { readonly kind: 'adopt' }>) {
    const rows = Array.from({ length: waiting }, (_, i) => ({
      sender: of(from),
      kind: 'event' as const,
      id: `w${time}.${i}`,
      text: '{}',
    }));
    const commit = {
      ...firstCommit(of(who)),
      at: time,
      actor: { type: 'counter', parent: actorAt('root'), meta: '{}' },
    };
    return { commit, logFrom: { address: of(from), untilSeq }, waiting: rows };
  }

  async function tellKey(store: Store, step: Extract<StoryStep, { readonly kind: 'key' }>): Promise<object> {
    if (step.what === 'set') await store.kvSet(step.key, `v${time}`, step.expiresAt);
    const did =
      step.what === 'delete'
        ? await store.kvDelete(step.key, step.now)
        : step.what === 'clear'
          ? await store.kvClear(step.key, step.now)
          : step.what === 'sweep'
            ? await store.sweepKv(step.now)
            : null;
    return { did, keys: await store.kvKeys({ prefix: 'k', now: step.now }) };
  }

  function after(step: StoryStep): void {
    if (step.kind === 'fence') {
      const was = known.get(of(step.who));
      if (was) was.epoch++;
    }
    if (step.kind === 'adopt') adopted(step);
    if (step.kind === 'inlet') saved(step);
    if (step.kind !== 'commit' || outcomeFor(step) !== 'done') return;
    saved(step);
    applied(step, toCommit(step));
  }

  function saved({ place }: { readonly place?: number | undefined }): void {
    if (place !== undefined) places.set(placeOf(place).name, placeOf(place).pattern);
  }

  function adopted({ who }: Extract<StoryStep, { readonly kind: 'adopt' }>): void {
    const state = '{"n":0}';
    if (!known.has(of(who))) known.set(of(who), { ...blank(), seq: 1, state, states: new Map([[1, state]]) });
  }

  function applied(step: CommitStep, commit: Commit): void {
    const { address, epoch, seq, at } = commit;
    if (step.end === 'removed') {
      known.delete(address);
      removed.set(address, { epoch, seq, at });
      return;
    }
    const was = known.get(address) ?? { ...blank(), epoch };
    was.state = stateAfter(step, known.get(address), seq).state;
    was.seq = seq;
    was.states.set(seq, was.state);
    if (step.id !== undefined) was.ids.add(step.id);
    known.set(address, was);
  }

  function blank(): Known {
    return { epoch: 0, seq: 0, state: '', states: new Map(), ids: new Set() };
  }

  function checkPlaces(found: StoreDump['places']): void {
    const own = found.filter(({ name }) => name !== 'c').map(({ name, pattern }) => [name, pattern]);
    expect(own).toEqual([...places].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** Whatever rows a store keeps: what it tells of a commit is what the state was then. */
  function check({ address, actor: found, states, log }: StoreDump['actors'][number]): void {
    const was = known.get(address);
    expect(found?.seq, `seq of ${address}`).toBe(was?.seq);
    if (!was || !found) return;
    expect(found.epoch).toBe(was.epoch);
    expect(log.map(({ n }) => n)).toEqual(log.map((_, i) => (log[0]?.n ?? 0) + i));
    for (const { until, now } of states)
      if (now && !isPacked(now))
        expect(now.map(({ text }) => text).join(''), `state of ${address} at ${until}`).toBe(was.states.get(until));
  }
}

/** Where a store packs old events, it answers as those that do not. */
async function packEvents(store: Store): Promise<void> {
  const { run } = await store.looseHistory({ minEvents: 1, before: Number.MAX_SAFE_INTEGER });
  if (run) expect(await store.packHistory(run.address, run, zstdCompressSync(run.text))).toBe(true);
}

/** A snapshot that was packed here has no text to compare. */
function isPacked(rows: readonly { readonly text: string }[]): boolean {
  return rows[0]?.text === Buffer.from('packed').toString('base64');
}
