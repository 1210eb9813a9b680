/**
 * The worker hosts that run now: each with its thread, its ports and its beat. Starts one, connects it to the store and to all others,
 * and lets it go; what to do about one that ends is decided elsewhere.
 */
import { LATENCIES_BYTES, Latencies } from '../thread/latencies.ts';
import type { Address } from '../actor/address.ts';
import type { DefinitionPrint } from '../actor/definitions.ts';
import { TroupeError } from '../errors.ts';
import type { Env } from '../env.ts';
import { BatchPort } from '../thread/batch-port.ts';
import { BEAT_BYTES } from '../thread/beat.ts';
import { decodeError, encodeError } from '../thread/error-codec.ts';
import type { EncodedError } from '../thread/error-codec.ts';
import type { ChannelEnd, LaunchedHost, Launcher } from '../thread/launcher.ts';
import type { HostReport, MainEntry, Suspect, ThreadEnd } from '../thread/protocol.ts';
import type { Routes } from '../thread/routes.ts';
import { assertSamePrints } from './prints.ts';
import type { StoreThread } from './store-thread.ts';
import type { Sentence } from './thread-monitor.ts';
import { withTimeout } from '../with-timeout.ts';

/** A worker host, while its thread lives and until another has taken its place. */
export interface HostSlot {
  readonly index: number;
  /** The one actor it runs, if it is not shared. */
  readonly owner: Address | undefined;
  readonly isOnProbation: boolean;
  readonly incarnation: number;
  readonly launched: LaunchedHost;
  readonly main: BatchPort;
  readonly beat: SharedArrayBuffer;
  /** Resolves when it has ended and everything it said has been heard. */
  readonly silent: Promise<void>;
  isReady: boolean;
  /** When it began to serve, by the monotonic clock; nothing counts against a thread that served for long. */
  readyAtMs: number;
  /** Ended by order of the host program: no reason to hold back the next one. */
  isEndedByOrder: boolean;
  /** Main has ended it for what it did. */
  sentence: Sentence | undefined;
  onStopped: (() => void) | undefined;
}

/** Which host to start. */
export interface HostStart {
  readonly index: number;
  readonly incarnation: number;
  readonly owner?: Address | undefined;
  readonly suspect?: Suspect | undefined;
  /** It marks everything effect functions do. */
  readonly isOnProbation?: boolean;
}

export interface HostsOptions {
  readonly env: Env;
  readonly launcher: Launcher;
  readonly boot: string;
  readonly workers: number;
  readonly modules: readonly string[];
  readonly prints: readonly DefinitionPrint[];
  readonly routes: Routes;
  readonly maxLive: number;
  /** Time between two beats of a host, in milliseconds. */
  readonly beatMs: number;
  /** Time a host may take to load and start, in milliseconds; nothing where it cannot be ended. */
  readonly startMs?: number | undefined;
  readonly store: StoreThread;
}

export interface HostsEvents {
  /** What a host tells main. */
  entry(entry: MainEntry, index: number): void;
  /** A host has ended, ready or not. */
  exit(slot: HostSlot, error: unknown, end: ThreadEnd): void;
}

export class Hosts {
  readonly #options: HostsOptions;
  readonly #events: HostsEvents;
  readonly #slots = new Map<number, HostSlot>();
  readonly #latencies = new SharedArrayBuffer(LATENCIES_BYTES);
  #downtimeMs = 0;

  constructor(options: HostsOptions, events: HostsEvents) {
    this.#options = options;
    this.#events = events;
  }

  /** How long saves and restores have taken, in all hosts there were. */
  get latencies(): Latencies {
    return new Latencies(this.#latencies);
  }

  /** Notes how long no system ran, before the first host starts. */
  set downtimeMs(downtimeMs: number) {
    this.#downtimeMs = downtimeMs;
  }

  get(index: number | undefined): HostSlot | undefined {
    return index === undefined ? undefined : this.#slots.get(index);
  }

  get all(): readonly HostSlot[] {
    return [...this.#slots.values()];
  }

  /** Those that serve now. */
  get ready(): readonly HostSlot[] {
    return this.all.filter(({ isReady }) => isReady);
  }

  forget(index: number): void {
    this.#slots.delete(index);
  }

  /**
   * Starts a host. Resolves once it serves; `served` is called in the same breath, so that nothing is sent to it before.
   * @throws what it failed with
   */
  async start(of: HostStart, served: () => void = () => {}): Promise<void> {
    const { env, prints } = this.#options;
    const report = await this.#report(of);
    if (report.kind === 'failed') throw threadFailed(of.index, report.error);
    if (report.kind === 'ready') assertSamePrints(prints, report.prints, of.index);
    const slot = this.#slots.get(of.index);
    if (slot?.incarnation !== of.incarnation) return;
    slot.isReady = true;
    slot.readyAtMs = env.monotonicMs();
    served();
  }

  /** Lets a host finish what it posted. */
  stop(slot: HostSlot, timeoutMs: number): Promise<void> {
    return withTimeout(this.#options.env, timeoutMs, (done) => {
      slot.onStopped = done;
      slot.main.flush();
      slot.launched.stop();
    });
  }

  async terminate(): Promise<void> {
    await Promise.all(this.all.map(({ launched }) => launched.terminate()));
  }

  /** Tells every host where an actor with a thread of its own lives now. */
  route(address: Address, index: number | undefined): void {
    this.#options.routes.set(address, index);
    for (const { launched } of this.all) launched.route(address, index);
  }

  /** Another store thread runs: every host gets a port to it. */
  reconnectStore(): void {
    const { launcher, store } = this.#options;
    for (const slot of this.all) {
      const [hostEnd, storeEnd] = launcher.createChannel();
      store.connect(clientName(slot), storeEnd);
      slot.launched.reconnectStore(hostEnd);
    }
  }

  /** Resolves with its first report. One that says nothing in time, such as one that blocks while it loads, is ended. */
  async #report(of: HostStart): Promise<HostReport> {
    const { env, startMs } = this.#options;
    let report: HostReport | undefined;
    const launched = this.#launch(of).then((first) => (report = first));
    if (startMs === undefined) return launched;
    await withTimeout(env, startMs, (done) => void launched.then(done));
    if (report) return report;
    const slot = this.#slots.get(of.index);
    if (slot?.incarnation === of.incarnation) void slot.launched.terminate();
    return { kind: 'failed', error: encodeError(new Error(`It was not ready after ${startMs} ms.`)) };
  }

  /** Resolves with its first report, or with why it ended without one. */
  #launch(of: HostStart): Promise<HostReport> {
    const { launcher, boot, workers, modules, maxLive, beatMs, store } = this.#options;
    const { index, suspect, isOnProbation = false } = of;
    const [mainMine, mainTheirs] = launcher.createChannel();
    const [storeMine, storeTheirs] = launcher.createChannel();
    const beat = new SharedArrayBuffer(BEAT_BYTES);
    const shared = { beat, latencies: this.#latencies };
    const own = { index, workers, boot, modules, beatMs, downtimeMs: this.#downtimeMs, maxLive, isOnProbation };
    return new Promise((resolve) => {
      const launched = launcher.launchHost(
        { ...own, ...shared, ...(suspect && { suspect }) },
        { main: mainTheirs, store: storeTheirs },
        {
          report: (message) => {
            if (message.kind === 'stopped') slot.onStopped?.();
            else if (message.kind !== 'prepared') resolve(message);
          },
          exit: (error, end) => {
            const cause = error ?? new Error('The thread ended before it was ready.');
            resolve({ kind: 'failed', error: encodeError(cause) });
            this.#events.exit(slot, error, end);
          },
        },
      );
      const slot = this.#seat(of, { launched, beat, main: mainMine });
      store.connect(clientName(slot), storeMine);
      this.#connectPeers(slot);
    });
  }

  #seat(
    { index, owner, incarnation, isOnProbation = false }: HostStart,
    { launched, beat, main: end }: { launched: LaunchedHost; beat: SharedArrayBuffer; main: ChannelEnd },
  ): HostSlot {
    const { launcher, env } = this.#options;
    this.#slots.get(index)?.main.close();
    const main = new BatchPort(launcher.open(end), env);
    const silent = new Promise<void>((done) => main.onClose(done));
    const state = { isReady: false, readyAtMs: 0, isEndedByOrder: false, sentence: undefined, onStopped: undefined };
    const slot: HostSlot = { index, owner, incarnation, isOnProbation, launched, main, beat, silent, ...state };
    this.#slots.set(index, slot);
    main.onBatch((entries) => {
      for (const entry of entries) this.#events.entry(entry as MainEntry, index);
    });
    return slot;
  }

  #connectPeers(slot: HostSlot): void {
    const { launcher, routes } = this.#options;
    for (const other of this.all) {
      if (other.index === slot.index) continue;
      const [mine, theirs] = launcher.createChannel();
      slot.launched.connectPeer(other.index, mine);
      other.launched.connectPeer(slot.index, theirs);
    }
    for (const [address, index] of routes.placed) slot.launched.route(address, index);
  }
}

/** Name of a host as a client of the store. */
export function clientName({ index, incarnation }: HostSlot): string {
  return `host-${index}.${incarnation}`;
}

function threadFailed(index: number, error: EncodedError): Error {
  const cause = decodeError(error);
  if (cause instanceof TroupeError) return cause;
  return new TroupeError('ERR_THREAD_START', `Worker thread ${index} failed to start: ${cause.message}`, {
    cause,
    details: { thread: index },
  });
}
