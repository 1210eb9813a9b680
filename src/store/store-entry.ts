/** The store thread: opens the store main names, then serves whoever main connects. Started by main, one per system. */
import { parentPort } from 'node:worker_threads';
import { createRealEnv } from '../env.ts';
import { assertNever } from '../errors.ts';
import { encodeError } from '../thread/error-codec.ts';
import { toPort } from '../thread/port.ts';
import { openStore } from './open-store.ts';
import type { StoreCommand, StoreOptions, StoreReport } from './protocol.ts';
import { StoreWriter } from './writer.ts';

const env = createRealEnv();
const channel = parentPort;
let writer: StoreWriter | undefined;
/** Commands are obeyed one after the other, except that a drain does not hold up the rest. */
let previous: Promise<void> = Promise.resolve();

function report(message: StoreReport): void {
  channel?.postMessage(message);
}

function log(text: string, error: unknown): void {
  report({ kind: 'log', level: 'error', fields: { error: encodeError(error) }, text });
}

async function obey(command: StoreCommand): Promise<void> {
  switch (command.kind) {
    case 'open':
      return open(command.options);
    case 'connect':
      return void writer?.connect(command.client, toPort(command.port));
    case 'drain':
      return void drain(command.client);
    case 'close':
      return close();
    default:
      return assertNever(command);
  }
}

async function open(options: StoreOptions): Promise<void> {
  try {
    writer = new StoreWriter(await openStore(options), env, report);
    report({ kind: 'opened' });
  } catch (error) {
    report({ kind: 'failed', error: encodeError(error) });
    channel?.close();
  }
}

async function drain(client: string): Promise<void> {
  await writer?.drain(client);
  report({ kind: 'drained', client });
}

async function close(): Promise<void> {
  try {
    await writer?.close();
  } catch (error) {
    log('The store was closed with commits that could not be saved. They were never acknowledged', error);
  }
  report({ kind: 'closed' });
  channel?.close();
}

channel?.on('message', (command: StoreCommand) => {
  previous = previous
    .then(() => obey(command))
    .catch((error: unknown) => log('The store thread could not obey a command', error));
});
