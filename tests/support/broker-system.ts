/** One of the two systems of a run with a broker, over all its lives. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BrokerChild } from './broker-child.ts';
import { readLife } from './broker-history.ts';
import type { BrokerLine } from './broker-history.ts';
import type { Side } from './broker-plan.ts';
import type { Flow, SystemDump, SystemOrder } from './broker-protocol.ts';

export interface BrokerSystemOptions extends Pick<SystemOrder, 'url' | 'namespace' | 'threads' | 'perSecond' | 'seed'> {
  readonly side: Side;
  readonly folder: string;
  readonly cacheFolder: string;
  readonly onFlow: (flow: Flow, sentAt: number) => void;
}

/** A system whose process may be killed and started again on its store. */
export class BrokerSystem {
  readonly side: Side;
  readonly #options: BrokerSystemOptions;
  #child: BrokerChild | undefined;
  #life = 0;

  constructor(options: BrokerSystemOptions) {
    this.side = options.side;
    this.#options = options;
  }

  /** The process that runs. */
  get child(): BrokerChild {
    if (!this.#child) throw new Error(`System ${this.side} was not started.`);
    return this.#child;
  }

  /** Starts its next life. Resolves when it is up. */
  async start(): Promise<void> {
    const { side, folder, cacheFolder, onFlow, url, namespace, threads, perSecond, seed } = this.#options;
    this.#life++;
    const order: SystemOrder = {
      side,
      url,
      namespace,
      threads,
      perSecond,
      life: this.#life,
      storeFile: join(folder, `${side}.db`),
      historyFile: this.#historyOf(this.#life),
      dumpFile: this.#dumpFile,
      seed: seed + this.#life,
    };
    this.#child = new BrokerChild(order, cacheFolder, onFlow);
    await this.#child.up();
  }

  async restart(downMs: number): Promise<void> {
    await this.kill();
    await sleep(downMs);
    await this.start();
    this.child.go();
  }

  async kill(): Promise<void> {
    await this.#child?.kill();
  }

  /** The history of each of its lives. */
  lives(): readonly (readonly BrokerLine[])[] {
    return Array.from({ length: this.#life }, (_, i) => readLife(this.#historyOf(i + 1)));
  }

  /** What it wrote down when it finished; nothing when it did not come to that. */
  dump(): SystemDump {
    return existsSync(this.#dumpFile) ? (JSON.parse(readFileSync(this.#dumpFile, 'utf8')) as SystemDump) : {};
  }

  get #dumpFile(): string {
    return join(this.#options.folder, `${this.side}-dump.json`);
  }

  #historyOf(life: number): string {
    return join(this.#options.folder, `${this.side}-${life}.jsonl`);
  }
}
