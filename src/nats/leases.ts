/** The leases of a system: one per type of actors it serves. Taken at the start, renewed while it runs, given back at its end. */
import type { Env, TimerHandle } from '../env.ts';
import { TroupeError } from '../errors.ts';
import type { Logger } from '../observe/logger.ts';
import type { Announce } from '../supervision/events.ts';
import { encodeError } from '../thread/error-codec.ts';
import { withTimeout } from '../with-timeout.ts';
import type { Bucket, NatsClient } from './client.ts';
import {
  LEASE_RENEW_MS,
  LEASE_TTL_MS,
  UNHELD,
  conflictOf,
  decideLease,
  hasHeld,
  holdLease,
  isHeld,
  loseLease,
  readHolder,
  toHolderText,
} from './lease.ts';
import type { Holder, LeaseState, LeaseStep, SystemIdentity } from './lease.ts';

export interface LeasesOptions {
  readonly client: NatsClient;
  readonly env: Env;
  readonly log: Logger;
  readonly announce: Announce;
  readonly self: SystemIdentity;
  readonly types: readonly string[];
  /** Types that others serve are left to them, for this run. @default false */
  readonly isModest?: boolean;
}

/** Time between two looks at a lease that another holds, at the start. */
const WAIT_MS = 500;

/** A key may outlive its time by this much: the server looks for old ones now and then. */
const GRACE_MS = 2000;
const GIVE_BACK_MS = 1000;

/** Writes in a row that another may be faster with. */
const MAX_TRIES = 5;

/** Answers about types others serve that are remembered, and for how long. */
const MAX_LOOKED_UP = 1000;
const LOOKED_UP_MS = 5000;

export class Leases {
  readonly #options: LeasesOptions;
  readonly #states = new Map<string, LeaseState>();
  readonly #lookedUp = new Map<string, { readonly atMs: number; readonly holder: Promise<Holder | undefined> }>();
  #left: { readonly type: string; readonly holder: Holder }[] = [];
  #bucket: Bucket | undefined;
  #timer: TimerHandle;
  #round: Promise<void> | undefined;
  #offState: (() => void) | undefined;
  #isStopped = false;

  constructor(options: LeasesOptions) {
    this.#options = options;
    for (const type of options.types) this.#states.set(type, UNHELD);
  }

  /**
   * Takes them, one after the other in the order of their names, so that of two systems that start together one gets all. A lease that another holds is
   * waited for as long as it takes to know whether that other is alive, unless it is to be left to it. Without a server it goes on trying by itself.
   * @throws {TroupeError} ERR_NATS_CONFLICT; nothing is held then.
   */
  async start(): Promise<void> {
    try {
      if (this.#options.client.state === 'connected') for (const type of this.#types) await this.#takeFirst(type);
    } catch (error) {
      if (error instanceof TroupeError && error.code === 'ERR_NATS_CONFLICT') {
        await this.stop();
        throw error;
      }
      this.#options.log.warn('leases on NATS could not be taken yet', { error: encodeError(error) });
    }
    this.#tellLeft();
    this.#offState = this.#options.client.onState((state) => {
      if (state === 'connected') this.#look();
      if (state === 'closed') void this.stop();
    });
    this.#arm();
  }

  /** True while no other system can be serving the type. */
  holds(type: string): boolean {
    const state = this.#states.get(type);
    return state !== undefined && !this.#isStopped && isHeld(state, this.#options.env.monotonicMs());
  }

  /** True for a type that is to be served here. */
  wants(type: string): boolean {
    return this.#states.has(type);
  }

  /** Types that are held now. */
  get held(): readonly string[] {
    return this.#types.filter((type) => this.holds(type));
  }

  /** Which other system serves a type, as of a few seconds ago. */
  holderOf(type: string): Promise<Holder | undefined> {
    const nowMs = this.#options.env.monotonicMs();
    const known = this.#lookedUp.get(type);
    if (known && nowMs - known.atMs < LOOKED_UP_MS) return known.holder;
    if (this.#lookedUp.size >= MAX_LOOKED_UP) this.#lookedUp.clear();
    const holder = this.#lookUp(type);
    this.#lookedUp.set(type, { atMs: nowMs, holder });
    holder.catch(() => this.#lookedUp.delete(type));
    return holder;
  }

  /** Gives back what is held, as far as the server can be told in a second; the rest runs out. */
  async stop(): Promise<void> {
    const held = [...this.#states].filter(([type]) => this.holds(type));
    this.#isStopped = true;
    this.#offState?.();
    this.#options.env.clearTimeout(this.#timer);
    await withTimeout(this.#options.env, GIVE_BACK_MS, (done) => void this.#giveBack(held).then(done, done));
  }

  get #types(): readonly string[] {
    return [...this.#states.keys()].toSorted();
  }

  async #giveBack(held: readonly (readonly [string, LeaseState])[]): Promise<void> {
    // A round under way may just be writing another revision.
    await this.#round;
    const bucket = await this.#open();
    await Promise.allSettled(held.map(([type]) => bucket.delete(type, this.#states.get(type)?.revision)));
  }

  async #takeFirst(type: string): Promise<void> {
    const { env, client } = this.#options;
    const begunMs = env.monotonicMs();
    let seen: number | undefined;
    for (;;) {
      const step = await this.#try(type);
      if (step.step !== 'wait') return;
      if (this.#options.isModest) return this.#leave(type, step.holder);
      // A holder that writes is alive.
      const isAlive = seen !== undefined && seen !== step.revision;
      if (isAlive || env.monotonicMs() - begunMs > LEASE_TTL_MS + GRACE_MS)
        throw conflictOf(type, client.namespace, step.holder);
      seen = step.revision;
      await new Promise<void>((resolve) => void env.setTimeout(resolve, WAIT_MS));
    }
  }

  /** Reads the key and writes it, if that is ours to do. Where another was faster it is read again. */
  async #try(type: string, tries = MAX_TRIES): Promise<LeaseStep> {
    if (tries === 0) throw contended(type);
    const bucket = await this.#open();
    const step = decideLease(await bucket.get(type), this.#options.self, hasHeld(this.#stateOf(type)));
    if (step.step === 'wait') {
      this.#states.set(type, loseLease(this.#stateOf(type), step.holder));
      return step;
    }
    const isMine = await this.#write(type, (text) =>
      step.step === 'create' ? bucket.create(type, text) : bucket.update(type, text, step.revision),
    );
    return isMine ? step : this.#try(type, tries - 1);
  }

  async #write(type: string, write: (text: string) => Promise<number | undefined>): Promise<boolean> {
    const { env, self } = this.#options;
    const state = this.#stateOf(type);
    const begunMs = env.monotonicMs();
    const revision = await write(toHolderText(self, state.since ?? env.now()));
    if (revision === undefined) return false;
    this.#states.set(type, holdLease(state, begunMs, revision, env.now()));
    return true;
  }

  async #renew(type: string): Promise<void> {
    const before = this.#stateOf(type);
    const { revision } = before;
    const hadIt = this.holds(type);
    const bucket = await this.#open();
    const isRenewed =
      revision !== undefined && (await this.#write(type, (text) => bucket.update(type, text, revision)));
    const step = isRenewed ? undefined : await this.#try(type);
    if (step?.step === 'wait' && this.#options.isModest && !hasHeld(before)) this.#leave(type, step.holder);
    else if (step?.step === 'wait') this.#tellLost(type, before, step.holder);
    else if (!hadIt) this.#tellServed(type);
  }

  /** Serving it later would be a surprise: its actors are those of the other's store. */
  #leave(type: string, holder: Holder): void {
    this.#states.delete(type);
    this.#left.push({ type, holder });
  }

  /** One line, however many types there are. */
  #tellLeft(): void {
    const { log, client } = this.#options;
    const [first] = this.#left;
    if (!first) return;
    const left = this.#left.splice(0);
    const types = left.map(({ type }) => type).join("', '");
    log.warn(conflictOf(types, client.namespace, first.holder).message, { left });
  }

  #tellLost(type: string, before: LeaseState, { name, host, pid, since, ...rest }: Holder): void {
    if (before.holder?.boot === rest.boot) return;
    const { log, announce, client } = this.#options;
    const holder = { name, host, pid, since };
    log.error(conflictOf(type, client.namespace, { ...holder, ...rest }).message, { type, holder });
    announce('system.nats.unserved', { type, holder });
  }

  #tellServed(type: string): void {
    const { log, announce, client } = this.#options;
    log.info('actors are served over NATS', { type, namespace: client.namespace });
    announce('system.nats.served', { type });
  }

  #arm(): void {
    if (this.#isStopped) return;
    this.#timer = this.#options.env.setTimeout(() => this.#look(), LEASE_RENEW_MS);
  }

  #look(): void {
    if (this.#isStopped || this.#round) return;
    this.#options.env.clearTimeout(this.#timer);
    this.#round = this.#renewAll().finally(() => {
      this.#round = undefined;
      this.#arm();
    });
  }

  async #renewAll(): Promise<void> {
    const results = await Promise.allSettled(this.#types.map((type) => this.#renew(type)));
    this.#tellLeft();
    const failed = results.find((result) => result.status === 'rejected');
    if (!failed || this.#isStopped) return;
    this.#bucket = undefined;
    this.#options.log.debug('leases on NATS were not renewed', { error: encodeError(failed.reason) });
  }

  async #lookUp(type: string): Promise<Holder | undefined> {
    const entry = await (await this.#open()).get(type);
    if (!entry) return undefined;
    const holder = readHolder(entry.text);
    return holder.boot === this.#options.self.boot ? undefined : holder;
  }

  async #open(): Promise<Bucket> {
    const { client } = this.#options;
    const name = `TROUPE_${client.namespace}_leases`;
    return (this.#bucket ??= await client.jet.bucket(name, { ttlMs: LEASE_TTL_MS }));
  }

  #stateOf(type: string): LeaseState {
    return this.#states.get(type) ?? UNHELD;
  }
}

function contended(type: string): TroupeError {
  return new TroupeError(
    'ERR_CONFLICT',
    `The lease of actor type '${type}' was changed by others in each of ${MAX_TRIES} tries. It is tried again in a few seconds.`,
    { details: { type } },
  );
}
