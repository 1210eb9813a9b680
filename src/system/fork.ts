/** Makes live actors from the past of others: reads what they were, plans, and has the store adopt the new ones, all or none. */
import { ROOT, parseAddress, toAddress, typeOf } from '../actor/address.ts';
import type { Address } from '../actor/address.ts';
import { checkKeys } from '../bus/checks.ts';
import { describeValue } from '../describe.ts';
import { TroupeError } from '../errors.ts';
import { readHistoryRow } from '../state/history.ts';
import type { HistoryRecord } from '../state/history.ts';
import type { HistoryQuery, HistoryRow } from '../store/queries.ts';
import type { StoreClient } from '../store/store-client.ts';
import type { ActorSummary, InboxRow, NewInboxRow, ScheduledRow, StoredActor } from '../store/store.ts';
import { readMoment, unknownEvent } from './actor-history.ts';
import type { SystemCore } from './core.ts';
import { scheduledThen, waitingThen } from './fork-past.ts';
import { FORKED_EFFECTS, planFork } from './fork-plan.ts';
import type { ForkMember, ForkedEffects } from './fork-plan.ts';

/** How to fork. */
export interface ForkOptions {
  /** Takes along what is below the actor, as it was at the same moment. @default true */
  readonly children?: boolean;
  /**
   * What becomes of effect functions that were in flight: `fail`: nothing runs again, the machine gets ERR_EFFECT_INTERRUPTED; `run`: they
   * begin anew, under keys of their own. @default 'fail'
   */
  readonly effects?: ForkedEffects;
}

/** What came of it. */
export interface ForkResult {
  readonly address: Address;
  /** Every actor that was made, from which, and as it was after which of its commits; the one asked for first. */
  readonly actors: readonly { readonly from: Address; readonly to: Address; readonly seq: number }[];
  /** What could not be told any more, in words: children whose rows are gone, events that were moved since. */
  readonly missing: readonly string[];
}

const PAGE = 1000;
/** Scheduled events that one read of the store gives. */
export const MAX_SCHEDULED = 10_000;
/** Actors of one fork. */
const MAX_MEMBERS = 10_000;

/** Makes another actor from one, as that was after a commit of its. */
export async function fork(
  core: SystemCore,
  store: StoreClient,
  {
    from,
    seq,
    newKey,
    options = {},
  }: { readonly from: string; readonly seq: number; readonly newKey: string; readonly options?: ForkOptions },
): Promise<ForkResult> {
  const { address } = parseAddress(from);
  check(address, seq, options);
  return new Fork(core, store, options).run(address, seq, toAddress(typeOf(address), newKey));
}

/** An actor that is taken along, and up to where. */
interface Found {
  readonly actor: StoredActor;
  readonly seq: number;
  /** Of that commit. What it sent later is not part of the cut. */
  readonly pos: number;
}

class Fork {
  readonly #core: SystemCore;
  readonly #store: StoreClient;
  readonly #options: ForkOptions;
  readonly #found = new Map<Address, Found>();
  readonly #renames = new Map<Address, Address>();
  /** Children that were told to be made and were not yet, by parent. */
  readonly #coming = new Map<Address, NewInboxRow[]>();
  readonly #missing: string[] = [];

  constructor(core: SystemCore, store: StoreClient, options: ForkOptions) {
    this.#core = core;
    this.#store = store;
    this.#options = options;
  }

  async run(address: Address, seq: number, to: Address): Promise<ForkResult> {
    const actor = await this.#load(address);
    const { row } = await readMoment(this.#store, address, seq);
    const isAlone = this.#options.children === false;
    const pos = isAlone ? row.pos : await this.#cutAfter(address, row);
    this.#add({ actor, seq, pos: row.pos }, to);
    if (!isAlone) await this.#findBelow(address, pos, to);
    const members: ForkMember[] = [];
    // One after the other: a long past is let go of before the next is read.
    for (const found of this.#found.values()) members.push(await this.#read(found, pos));
    const { effects = 'fail' } = this.#options;
    const batch = planFork({ members, renames: this.#renames, effects, now: this.#core.env.now() });
    const result = await this.#store.call('adopt', batch);
    if (result.outcome !== 'done') throw notAdopted(address, result);
    const made = batch.flatMap(({ commit }) => [
      commit.address,
      ...(commit.inbox ?? []).map(({ receiver }) => receiver),
    ]);
    for (const one of made) this.#core.wake(one);
    const actors = members.map(({ actor: member, moment }) => ({
      from: member.address,
      to: this.#renames.get(member.address) as Address,
      seq: moment.row.seq,
    }));
    return { address: to, actors, missing: this.#missing };
  }

  /** The last place in the order of commits at which the actor was as after that event: before its next one, or now. */
  async #cutAfter(address: Address, { seq, pos }: HistoryRow): Promise<number> {
    const [next] = await this.#store.call('history', address, { after: seq, limit: 1 });
    if (next) return next.pos - 1;
    // Whatever comes while this reads comes after the last that is there now.
    let latest = pos;
    for (const actors = [address]; actors.length > 0;) {
      for (const { address: child } of await this.#children(actors.shift() as Address)) {
        const [last] = await this.#store.call('history', child, { limit: 1, direction: 'backward' });
        latest = Math.max(latest, last?.pos ?? 0);
        actors.push(child);
      }
    }
    return latest;
  }

  #add(found: Found, to: Address): void {
    const { address } = found.actor;
    if (this.#found.size === MAX_MEMBERS) throw tooMany(address);
    this.#found.set(address, found);
    this.#renames.set(address, to);
  }

  async #load(address: Address): Promise<StoredActor> {
    const actor = await this.#store.call('load', address);
    if (actor) return actor;
    throw new TroupeError(
      'ERR_ACTOR_NOT_FOUND',
      `'${address}' does not exist, so that nothing can be made from it. List actors with system.list().`,
      { details: { address } },
    );
  }

  /** Children, and theirs, as of the same place in the order of commits. */
  async #findBelow(root: Address, pos: number, to: Address): Promise<void> {
    const suffix = to.slice(to.indexOf('/') + 1);
    for (const parents = [root]; parents.length > 0;) {
      const parent = parents.shift() as Address;
      for (const child of await this.#children(parent)) {
        if (this.#found.has(child.address)) continue;
        if (await this.#findChild(parent, child, pos, suffix)) parents.push(child.address);
      }
    }
  }

  async #findChild(parent: Address, child: ActorSummary, pos: number, suffix: string): Promise<boolean> {
    const { address } = child;
    const last = await this.#lastBefore(address, pos + 1);
    const to = toAddress(child.type, this.#keyOf(address, suffix));
    if (last !== undefined) {
      this.#add({ actor: await this.#load(address), seq: last.seq, pos: last.pos }, to);
      return true;
    }
    const [first] = await this.#store.call('history', address, { limit: 1 });
    const record = first && readHistoryRow(address, first);
    const creation = first?.seq === 1 ? record?.causes.find(({ kind }) => kind === 'create') : undefined;
    if (creation?.kind !== 'create') throw await unknownEvent(this.#store, address, 1);
    // It came to be later; if it was under way, it will again be.
    const isUnderWay = child.spawned > 0 && child.spawned <= Math.min(pos, this.#found.get(parent)?.pos ?? pos);
    if (isUnderWay) await this.#comes(parent, { address, to, input: creation.input }, pos);
    return false;
  }

  /** A child on its way is made from its input again, and then gets what had been told to it. */
  async #comes(
    parent: Address,
    { address, to, input }: { readonly address: Address; readonly to: Address; readonly input: unknown },
    pos: number,
  ): Promise<void> {
    this.#renames.set(address, to);
    const inbox = await this.#inbox(address);
    const told = waitingThen(inbox, await this.#records(address, {}), this.#cut(pos));
    const create = { kind: 'create', text: JSON.stringify({ parent, ...(input !== undefined && { input }) }) } as const;
    const rows = this.#coming.get(parent) ?? [];
    const added = [create, ...told].map(({ kind, text }, i): NewInboxRow => ({
      receiver: to,
      kind,
      id: `fork.${rows.length + i}`,
      text,
    }));
    this.#coming.set(parent, [...rows, ...added]);
  }

  /** What belongs to the moment: nothing that was sent after the last commit of its sender in it. */
  #cut(pos: number): Parameters<typeof waitingThen>[2] {
    return {
      isSent: ({ sender, pos: sentAt }) => sentAt <= Math.min(pos, this.#found.get(sender)?.pos ?? pos),
      isMember: (other) => this.#renames.has(other),
    };
  }

  #keyOf(address: Address, suffix: string): string {
    const key = `${address.slice(address.indexOf('/') + 1)}:${suffix}`;
    return key.length <= 128 ? key : this.#core.env.randomUuid();
  }

  async #lastBefore(address: Address, beforePos: number): Promise<HistoryRow | undefined> {
    const [row] = await this.#store.call('history', address, { beforePos, limit: 1, direction: 'backward' });
    return row;
  }

  async #children(parent: Address): Promise<readonly ActorSummary[]> {
    const found: ActorSummary[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.#store.call('list', {
        parent,
        order: 'oldest',
        limit: PAGE,
        ...(cursor !== undefined && { cursor }),
      });
      found.push(...page.items);
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    return found.toSorted((a, b) => a.spawned - b.spawned);
  }

  async #read({ actor, seq }: Found, pos: number): Promise<ForkMember> {
    const { address } = actor;
    const [moment, until, rows, scheduled] = await Promise.all([
      readMoment(this.#store, address, seq),
      this.#records(address, { before: seq + 1 }),
      this.#inbox(address),
      this.#store.call('scheduled', address, { limit: MAX_SCHEDULED }),
    ]);
    assertAllScheduled(address, scheduled.length);
    assertSound(address, [...rows, ...scheduled]);
    // Last: it is at work meanwhile, and what it takes after this look at its inbox stands in what happened since.
    const since = await this.#records(address, { after: seq });
    const then = scheduledThen(scheduled, until, since);
    for (const key of then.unknown) this.#missing.push(`what may have been scheduled under '${key}' of '${address}'`);
    await this.#noteTrimmed(address);
    await this.#noteGone(address, until, pos);
    const { definitions } = this.#core;
    return {
      actor,
      definition: definitions.find(moment.record.as ?? actor.type) ?? definitions.get(actor.type),
      moment,
      waiting: waitingThen(rows, since, this.#cut(pos)),
      scheduled: then.scheduled,
      coming: this.#coming.get(address) ?? [],
    };
  }

  async #noteTrimmed(address: Address): Promise<void> {
    const [first] = await this.#store.call('log', address, { limit: 1 });
    if (first && first.n > 1) this.#missing.push(`lines 1 to ${first.n - 1} of the log of '${address}'`);
  }

  /** Children it had asked for of which there are no rows: those that wait to be made will be, the others are gone. */
  async #noteGone(address: Address, until: readonly HistoryRecord[], pos: number): Promise<void> {
    if (this.#options.children === false) return;
    const spawned = until
      .flatMap(({ effects }) => effects)
      .flatMap(({ kind, to }) => (kind === 'spawn' && typeof to === 'string' ? [to as Address] : []));
    const suffix = (this.#renames.values().next().value ?? address).split('/')[1] ?? '';
    for (const child of new Set(spawned)) {
      if (this.#renames.has(child)) continue;
      const rows = await this.#inbox(child);
      const order = rows.find(({ kind, sender, pos: at }) => kind === 'create' && sender === address && at <= pos);
      if (!order) {
        this.#missing.push(`'${child}', a child of '${address}'`);
        continue;
      }
      const { input } = JSON.parse(order.text) as { readonly input?: unknown };
      await this.#comes(
        address,
        { address: child, to: toAddress(typeOf(child), this.#keyOf(child, suffix)), input },
        pos,
      );
    }
  }

  async #records(address: Address, query: HistoryQuery): Promise<readonly HistoryRecord[]> {
    const records: HistoryRecord[] = [];
    for (let after = query.after ?? 0; ;) {
      const page = await this.#store.call('history', address, { ...query, after, limit: PAGE });
      records.push(...page.map((row) => readHistoryRow(address, row)));
      const last = page.at(-1);
      if (!last || page.length < PAGE) return records;
      after = last.seq;
    }
  }

  async #inbox(address: Address): Promise<readonly InboxRow[]> {
    const rows: InboxRow[] = [];
    for (;;) {
      const page = await this.#store.call('inbox', address, { afterPos: rows.at(-1)?.pos ?? 0, limit: PAGE });
      rows.push(...page);
      if (page.length < PAGE) return rows;
    }
  }
}

/**
 * What is over one read would be left out without a word.
 * @throws {TroupeError} ERR_OVERLOADED
 */
export function assertAllScheduled(address: Address, count: number): void {
  if (count < MAX_SCHEDULED) return;
  throw new TroupeError(
    'ERR_OVERLOADED',
    `'${address}' has ${MAX_SCHEDULED} scheduled events or more, which cannot be copied. Take some back, or wait until they were received, and try again.`,
    { details: { address } },
  );
}

/** A copy would get a checksum of its own, and the damage would pass for what was written. */
function assertSound(address: Address, rows: readonly (InboxRow | ScheduledRow)[]): void {
  const damaged = rows.find(({ isDamaged }) => isDamaged);
  if (!damaged) return;
  throw new TroupeError(
    'ERR_STATE_CORRUPT',
    `The message at position ${damaged.pos} that waits for '${address}' does not match its checksum, and cannot be forked. Let the actor take it, which makes it a dead letter, or restore it from a backup.`,
    { details: { owner: address, pos: damaged.pos } },
  );
}

function check(address: Address, seq: unknown, options: object): void {
  if (address === ROOT || !Number.isSafeInteger(seq) || (seq as number) < 1)
    throw new TroupeError(
      'ERR_OPTIONS_INVALID',
      `Option 'seq' of fork() is ${describeValue(seq)}. Use the number of an event that ref.history() lists, a whole number from 1 on.`,
      { details: { option: 'seq' } },
    );
  checkKeys('fork', options, ['children', 'effects']);
  const { children, effects } = options as Readonly<Record<string, unknown>>;
  if (children !== undefined && typeof children !== 'boolean') throw wrong('children', children, 'true or false');
  if (effects !== undefined && !FORKED_EFFECTS.includes(effects as ForkedEffects))
    throw wrong('effects', effects, "'fail' or 'run'");
}

function wrong(option: string, value: unknown, use: string): TroupeError {
  return new TroupeError(
    'ERR_OPTIONS_INVALID',
    `Option '${option}' of fork() is ${describeValue(value)}. Use ${use}.`,
    {
      details: { option },
    },
  );
}

function tooMany(address: Address): TroupeError {
  return new TroupeError(
    'ERR_OPTIONS_INVALID',
    `The fork would take more than ${MAX_MEMBERS} actors along; '${address}' is one too many. Fork a smaller part, or pass children: false.`,
    { details: { option: 'children' } },
  );
}

function notAdopted(
  from: Address,
  result: { readonly outcome: string; readonly address: Address; readonly detail?: string },
): TroupeError {
  const { address, detail } = result;
  if (result.outcome === 'exists')
    return new TroupeError(
      'ERR_ACTOR_EXISTS',
      `'${from}' cannot be forked to '${address}', which exists. Choose another key, or remove that one first.`,
      { details: { from, address } },
    );
  return new TroupeError(
    'ERR_INTERNAL',
    `The store refused '${address}', forked from '${from}': ${detail ?? 'for no reason it told'}.`,
    { details: { from, address } },
  );
}
