/** Entry of a worker thread: loads the definitions, runs a worker host, reports to main. */
import { parentPort } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { Definitions } from '../actor/definitions.ts';
import { checkSeams } from '../cell/xstate-seams.ts';
import { createRealEnv } from '../env.ts';
import { BeatWriter } from './beat.ts';
import { encodeError } from './error-codec.ts';
import { loadModules } from './load-modules.ts';
import { toPort } from './port.ts';
import type { HostCommand, HostOptions, HostReport } from './protocol.ts';
import { WorkerHost } from './worker-host.ts';

type WithPorts<T> = T extends unknown ? T & { readonly ports?: readonly MessagePort[] } : never;
type Incoming = WithPorts<HostCommand>;

const control = parentPort as MessagePort;
const early: Exclude<Incoming, { kind: 'start' }>[] = [];
let host: WorkerHost | undefined;

const report = (message: HostReport): void => control.postMessage(message);

control.on('message', (message: Incoming) => {
  if (message.kind === 'start') void start(message.options, message.ports ?? []);
  else if (host) obey(host, message);
  else early.push(message);
});

async function start(options: HostOptions, [main, store]: readonly MessagePort[]): Promise<void> {
  try {
    checkSeams();
    const definitions = new Definitions();
    await loadModules(options.modules, definitions);
    host = new WorkerHost({
      index: options.index,
      workers: options.workers,
      boot: options.boot,
      env: createRealEnv(),
      definitions,
      beat: new BeatWriter(options.beat),
      main: toPort(main as MessagePort),
      store: toPort(store as MessagePort),
      suspect: options.suspect,
      downtimeMs: options.downtimeMs,
      maxLive: options.maxLive,
    });
    for (const message of early.splice(0)) obey(host, message);
    report({ kind: 'ready', prints: definitions.prints() });
  } catch (error) {
    report({ kind: 'failed', error: encodeError(error) });
  }
}

function obey(running: WorkerHost, message: Exclude<Incoming, { kind: 'start' }>): void {
  const [port] = message.ports ?? [];
  if (message.kind === 'peer') return running.connectPeer(message.index, toPort(port as MessagePort));
  if (message.kind === 'route') return running.route(message.address, message.index);
  if (message.kind === 'store') return running.reconnectStore(toPort(port as MessagePort));
  void running.stop().then(() => {
    report({ kind: 'stopped' });
    control.close();
  });
}
