/** Entry of a worker thread: loads the definitions, runs a worker host, reports to main. */
import { getHeapStatistics } from 'node:v8';
import { parentPort } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { Definitions } from '../actor/definitions.ts';
import { checkSeams } from '../cell/xstate-seams.ts';
import { createRealEnv } from '../env.ts';
import { BeatWriter } from './beat.ts';
import type { ThreadMemory } from './beat.ts';
import { watchOwners } from './effect-owners.ts';
import { encodeError } from './error-codec.ts';
import { startHeart } from './heart.ts';
import { loadModules } from './load-modules.ts';
import { toPort } from './port.ts';
import { watchContinuations } from './probation.ts';
import { Latencies } from './latencies.ts';
import type { HostCommand, HostOptions, HostReport } from './protocol.ts';
import { WorkerHost } from './worker-host.ts';

type WithPorts<T> = T extends unknown ? T & { readonly ports?: readonly MessagePort[] } : never;
type Incoming = WithPorts<HostCommand>;

/** A host that runs, and its beat. */
interface Running {
  readonly host: WorkerHost;
  readonly stopHeart: () => void;
}

/** What a running host obeys. */
type Order = Exclude<Incoming, { kind: 'start' | 'prepare' }>;

const control = parentPort as MessagePort;
const early: Order[] = [];
let prepared: Promise<Definitions> | undefined;
let running: Running | undefined;

const report = (message: HostReport): void => control.postMessage(message);

control.on('message', (message: Incoming) => {
  if (message.kind === 'prepare') void prepare(message.modules);
  else if (message.kind === 'start') void start(message.options, message.ports ?? []);
  else if (running) obey(running, message);
  else early.push(message);
});

/** A host that is started later finds the definitions there. */
async function prepare(modules: readonly string[]): Promise<void> {
  prepared = load(modules);
  await prepared.then(
    () => report({ kind: 'prepared' }),
    (error: unknown) => report({ kind: 'failed', error: encodeError(error) }),
  );
}

async function load(modules: readonly string[]): Promise<Definitions> {
  checkSeams();
  const definitions = new Definitions();
  await loadModules(modules, definitions);
  return definitions;
}

async function start(options: HostOptions, ports: readonly MessagePort[]): Promise<void> {
  try {
    const definitions = await (prepared ?? load(options.modules));
    running = run(options, definitions, ports);
    for (const message of early.splice(0)) obey(running, message);
    report({ kind: 'ready', prints: definitions.prints() });
  } catch (error) {
    report({ kind: 'failed', error: encodeError(error) });
  }
}

function run(options: HostOptions, definitions: Definitions, [main, store]: readonly MessagePort[]): Running {
  const env = createRealEnv();
  const beat = new BeatWriter(options.beat);
  const host = new WorkerHost({
    index: options.index,
    workers: options.workers,
    boot: options.boot,
    env,
    definitions,
    beat,
    owners: options.isOnProbation ? watchContinuations(beat, watchOwners(beat)) : watchOwners(beat),
    main: toPort(main as MessagePort),
    store: toPort(store as MessagePort),
    suspect: options.suspect,
    downtimeMs: options.downtimeMs,
    maxLive: options.maxLive,
    latencies: new Latencies(options.latencies),
  });
  return { host, stopHeart: startHeart({ env, beat, everyMs: options.beatMs, readMemory }) };
}

function readMemory(): ThreadMemory {
  const { external_memory: externalBytes, heap_size_limit: limit, total_physical_size: held } = getHeapStatistics();
  return { externalBytes, heapRoomBytes: Math.max(0, limit - held) };
}

function obey({ host, stopHeart }: Running, message: Order): void {
  const [port] = message.ports ?? [];
  if (message.kind === 'peer') return host.connectPeer(message.index, toPort(port as MessagePort));
  if (message.kind === 'route') return host.route(message.address, message.index);
  if (message.kind === 'store') return host.reconnectStore(toPort(port as MessagePort));
  void host.stop().then(() => {
    stopHeart();
    report({ kind: 'stopped' });
    control.close();
  });
}
