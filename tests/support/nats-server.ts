/** Real NATS servers for tests: started, killed, frozen and started again on the same store. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findNatsServer } from './nats-binary.ts';
import type { NatsBinary, NatsVersion } from './nats-binary.ts';
import { NatsChild } from './nats-child.ts';
import { SYSTEM_USER, toNatsConfig } from './nats-config.ts';
import type { NatsCluster, NatsSettings, TlsFiles } from './nats-config.ts';
import { freePort } from './nats-port.ts';
import { connectRaw } from './nats-raw.ts';
import { createTestCertificate } from './nats-tls.ts';

const HEALTH_TIMEOUT_MS = 20_000;
const HEALTH_POLL_MS = 5;
const PORT_ATTEMPTS = 5;

/** What a test asks of a server. */
export interface NatsOptions extends Partial<Pick<NatsSettings, 'jetstream' | 'maxPayloadBytes' | 'auth' | 'config'>> {
  /** @default 'newest' */
  readonly version?: NatsVersion;
  /** Kept by `stop`. @default a folder of the server's own, which `stop` removes */
  readonly storeDir?: string;
  /** @default one that is free */
  readonly port?: number;
  /** True makes a certificate. */
  readonly tls?: boolean;
}

/** What may be another after a restart. */
export type NatsChanges = Pick<NatsOptions, 'version' | 'config' | 'jetstream' | 'maxPayloadBytes' | 'auth'>;

/** Where a server of a cluster stands in it. */
export interface NatsMember {
  readonly name: string;
  readonly port: number;
  readonly cluster: NatsCluster;
}

/** Starts a server and resolves when it accepts connections and JetStream answers. Use it with `await using`. */
export async function startNatsServer(options: NatsOptions = {}): Promise<NatsServer> {
  for (let attempt = 1; ; attempt++) {
    const server = await createNatsServer(options);
    try {
      await server.restart();
      return server;
    } catch (error) {
      await server.stop();
      const isTaken = server.log().includes('address already in use');
      if (!isTaken || options.port !== undefined || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

/** A server that is not started yet. */
export async function createNatsServer(options: NatsOptions, member?: NatsMember): Promise<NatsServer> {
  const binary = await findNatsServer(options.version);
  const port = member?.port ?? options.port ?? (await freePort());
  const monitorPort = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'troupe-nats-'));
  return new NatsServer({ binary, port, monitorPort, folder, options, ...(member && { member }) });
}

interface Start {
  readonly binary: NatsBinary;
  readonly port: number;
  readonly monitorPort: number;
  readonly folder: string;
  readonly options: NatsOptions;
  readonly member?: NatsMember;
}

/** A server with its port and its store, which outlive its processes. */
export class NatsServer implements AsyncDisposable {
  /** As it is known in its cluster. */
  readonly name: string;
  readonly port: number;
  readonly url: string;
  readonly monitorUrl: string;
  /** Of a server with TLS: its certificate, and the authority to trust. */
  readonly tls: TlsFiles | undefined;
  readonly storeDir: string;
  readonly #start: Start;
  #binary: NatsBinary;
  #options: NatsOptions;
  #child: NatsChild | undefined;
  #earlierLog = '';

  constructor(start: Start) {
    const { port, monitorPort, folder, options, binary } = start;
    this.#start = start;
    this.#binary = binary;
    this.#options = options;
    this.name = start.member?.name ?? 'test';
    this.port = port;
    this.url = `nats://127.0.0.1:${port}`;
    this.monitorUrl = `http://127.0.0.1:${monitorPort}`;
    this.tls = options.tls ? createTestCertificate(folder) : undefined;
    this.storeDir = options.storeDir ?? join(folder, 'store');
  }

  get version(): string {
    return this.#binary.version;
  }

  /** Of the process that runs, or ran last. */
  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#child?.isRunning ?? false;
  }

  /** All that its processes have said. */
  log(): string {
    return this.#earlierLog + (this.#child?.log ?? '');
  }

  /** Kills it with SIGKILL and resolves when it is gone. */
  async kill(): Promise<void> {
    await this.#child?.end('SIGKILL');
  }

  /** Ends it in good order, as an administrator would, and resolves when it is gone. Its store is kept. */
  async end(): Promise<void> {
    await this.#child?.end('SIGTERM');
  }

  /** Freezes it and resolves when it stands still: connections stay open and nothing is answered. */
  async pause(): Promise<void> {
    await this.#child?.freeze();
  }

  resume(): void {
    this.#child?.signal('SIGCONT');
  }

  /**
   * Starts it on the same port and store, after ending in good order what still runs. Resolves when it accepts connections
   * and JetStream answers.
   */
  async restart(changes: NatsChanges = {}): Promise<void> {
    await this.launch(changes);
    await this.healthy();
  }

  /** The first half of a restart: it accepts connections, JetStream may not be there yet. */
  async launch(changes: NatsChanges = {}): Promise<void> {
    await this.end();
    if (changes.version) this.#binary = await findNatsServer(changes.version);
    this.#options = { ...this.#options, ...changes };
    const configFile = this.#writeConfig();
    this.#earlierLog = this.log();
    this.#child = new NatsChild(this.#binary.path, configFile, this.#start.folder);
    await this.#child.ready();
  }

  /** Resolves when the server says that it is well, JetStream with all its streams included. */
  async healthy(): Promise<void> {
    const giveUpAt = performance.now() + HEALTH_TIMEOUT_MS;
    for (;;) {
      const answer = await askHealth(this.monitorUrl);
      if (answer === 'ok') return;
      if (!this.isRunning || performance.now() > giveUpAt)
        throw new Error(`The NATS server is not well: ${answer}. It said:\n${this.#child?.lastWords()}`);
      await sleep(HEALTH_POLL_MS);
    }
  }

  /** What the server reports to the user of the system account. Not with a token, and not with TLS. */
  async askSystem(what: 'VARZ' | 'JSZ' | 'CONNZ'): Promise<Readonly<Record<string, unknown>>> {
    await using raw = await connectRaw(this.url, SYSTEM_USER);
    const { text } = await raw.request(`$SYS.REQ.SERVER.PING.${what}`);
    return (JSON.parse(text) as { data: Record<string, unknown> }).data;
  }

  /** Ends it, and removes all it has written unless the test brought the folder. */
  async stop(): Promise<void> {
    // What it would still write is removed anyway.
    await (this.#options.storeDir === undefined ? this.kill() : this.end());
    rmSync(this.#start.folder, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #writeConfig(): string {
    const { port, monitorPort, folder, member } = this.#start;
    const { jetstream, maxPayloadBytes, auth, config } = this.#options;
    const file = join(folder, 'nats.conf');
    const asked = {
      ...(jetstream !== undefined && { jetstream }),
      ...(maxPayloadBytes !== undefined && { maxPayloadBytes }),
      ...(auth && { auth }),
      ...(config !== undefined && { config }),
      ...(this.tls && { tls: this.tls }),
      ...(member && { cluster: member.cluster }),
    };
    const where = { version: this.version, name: this.name, port, monitorPort, storeDir: this.storeDir };
    writeFileSync(file, toNatsConfig({ ...where, ...asked }));
    return file;
  }
}

async function askHealth(monitorUrl: string): Promise<string> {
  try {
    const response = await fetch(`${monitorUrl}/healthz`, { signal: AbortSignal.timeout(1_000) });
    const text = await response.text();
    return response.ok ? 'ok' : text;
  } catch (error) {
    return (error as Error).message;
  }
}
