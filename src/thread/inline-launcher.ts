/** Runs worker hosts and the store on the calling thread: for tests, and where threads are not to be had. */
import type { Env, Port } from '../env.ts';
import { openStore } from '../store/open-store.ts';
import type { StoreOptions } from '../store/protocol.ts';
import type { Store } from '../store/store.ts';
import { StoreWriter } from '../store/writer.ts';
import { encodeError } from './error-codec.ts';
import type { ChannelEnd, InlineContext, Launcher, StoreEvents } from './launcher.ts';
import { Latencies } from './latencies.ts';
import { WorkerHost } from './worker-host.ts';

/** The launcher of an inline system. Time and randomness come from the context, so that a simulated one makes it deterministic. */
export function createInlineLauncher({ env, definitions, openStore: openGiven }: InlineContext): Launcher {
  return {
    createChannel: () => env.createPort(),
    open: (end) => end as Port,
    launchHost: ({ index, workers, boot, suspect, downtimeMs, maxLive, latencies: memory }, ends, events) => {
      const latencies = new Latencies(memory);
      const options = {
        index,
        workers,
        boot,
        suspect,
        downtimeMs,
        maxLive,
        latencies,
        env,
        definitions,
        beat: undefined,
      };
      const host = new WorkerHost({ ...options, main: ends.main as Port, store: ends.store as Port });
      const ports = [ends.main as Port, ends.store as Port];
      let isEnded = false;
      env.defer(() => {
        if (!isEnded) events.report({ kind: 'ready', prints: definitions.prints() });
      });
      return {
        // A thread that has ended gets nothing any more; nor must this one, or it would post again what it has lost.
        connectPeer: (peer, end) => {
          if (isEnded) return (end as Port).close();
          ports.push(end as Port);
          host.connectPeer(peer, end as Port);
        },
        route: (address, target) => host.route(address, target),
        reconnectStore: (end) => {
          if (isEnded) return (end as Port).close();
          ports.push(end as Port);
          host.reconnectStore(end as Port);
        },
        stop: () => void host.stop().then(() => events.report({ kind: 'stopped' })),
        terminate: async () => {
          if (isEnded) return;
          isEnded = true;
          for (const port of ports) port.close();
          // Cells are let go of at once. What it then waits for comes no more, since its ports are closed.
          void host.stop().catch(() => {});
          events.exit(undefined, 'exit');
        },
      };
    },
    launchStore: (options, events) => new InlineStore(options, env, events, openGiven),
  };
}

/** The store beside its users; opened as asynchronously as in a thread. */
class InlineStore {
  readonly #opened: Promise<{ readonly store: Store; readonly writer: StoreWriter } | undefined>;
  readonly #events: StoreEvents;
  readonly #isGiven: boolean;
  #closed: Promise<void> | undefined;
  #isEnded = false;

  constructor(options: StoreOptions, env: Env, events: StoreEvents, openGiven: InlineContext['openStore']) {
    this.#events = events;
    this.#isGiven = openGiven !== undefined;
    this.#opened = (openGiven ?? openStore)(options).then(
      (store) => {
        events.report({ kind: 'opened' });
        return { store, writer: new StoreWriter(store, env, events.report) };
      },
      (error: unknown) => {
        events.report({ kind: 'failed', error: encodeError(error) });
        return undefined;
      },
    );
  }

  connect(client: string, end: ChannelEnd): void {
    void this.#opened.then((opened) => opened?.writer.connect(client, end as Port));
  }

  drain(client: string): void {
    void this.#opened.then(async (opened) => {
      await opened?.writer.drain(client);
      this.#events.report({ kind: 'drained', client });
    });
  }

  close(): void {
    this.#closed ??= this.#opened.then((opened) => opened?.writer.close()).catch(() => {});
    void this.#closed.then(() => this.#events.report({ kind: 'closed' }));
  }

  /** What has not been written is lost, as in a thread that ends; the file and its lock are let go of. */
  async terminate(): Promise<void> {
    const opened = await this.#opened;
    if (!opened || this.#isEnded) return;
    this.#isEnded = true;
    if (this.#closed) await this.#closed;
    opened.writer.abandon();
    if (!this.#isGiven && !this.#closed) await opened.store.close().catch(() => {});
    this.#events.exit(undefined);
  }
}
