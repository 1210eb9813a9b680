/** The end of the run at which the process of one of its systems is held. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Flow, SystemLook, SystemOrder, SystemWish, SystemWord } from './broker-protocol.ts';

const CHILD_PATH = fileURLToPath(new URL('../chaos/nats-child.ts', import.meta.url));
const MOST_LOG_CHARS = 20_000;
const ANSWER_TIMEOUT_MS = 60_000;

type OnFlow = (flow: Flow, sentAt: number) => void;

/** One life of a system. */
export class BrokerChild {
  readonly #process: ChildProcess;
  readonly #onFlow: OnFlow;
  readonly #waiting = new Map<SystemWord['t'], PromiseWithResolvers<SystemWord>>();
  readonly #ended: Promise<string>;
  #log = '';
  #end: string | undefined;

  /** Starts the process, which loads its modules and then works on its order. `cacheFolder` keeps compiled code. */
  constructor(order: SystemOrder, cacheFolder: string, onFlow: OnFlow) {
    this.#onFlow = onFlow;
    this.#process = spawn(process.execPath, [CHILD_PATH], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, NODE_COMPILE_CACHE: cacheFolder },
    });
    const { stdin, stdout, stderr } = this.#process;
    stdin?.on('error', () => undefined);
    if (stdout) createInterface({ input: stdout }).on('line', (line) => this.#take(JSON.parse(line) as SystemWord));
    stderr?.on('data', (text) => (this.#log = (this.#log + String(text)).slice(-MOST_LOG_CHARS)));
    this.#ended = new Promise((resolve) => this.#process.on('exit', (code, how) => resolve(how ?? `code ${code}`)));
    void this.#ended.then((how) => this.#noteEnd(how));
    this.#write(order);
  }

  /** The end of what it wrote to standard error. */
  get log(): string {
    return this.#log;
  }

  /** Begins its load. */
  go(): void {
    this.#write('go');
  }

  /** Resolves when it is ready for its load. */
  async up(): Promise<void> {
    await this.#said('up');
  }

  /** Stops its load. */
  async halt(): Promise<void> {
    await this.#ask('halt', 'halted');
  }

  /** Lets it write its dump and stop. */
  async finish(): Promise<void> {
    await this.#ask('finish', 'over');
  }

  async look(): Promise<SystemLook> {
    const word = await this.#ask('look', 'look');
    return (word as SystemWord & { readonly t: 'look' }).look;
  }

  /** `kill -9`. Resolves when the process is gone. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#ended;
  }

  #ask(wish: SystemWish, answer: SystemWord['t']): Promise<SystemWord> {
    this.#write(wish);
    return this.#said(answer);
  }

  async #said(answer: SystemWord['t']): Promise<SystemWord> {
    if (this.#end !== undefined) throw new Error(this.#end);
    const waiting = Promise.withResolvers<SystemWord>();
    this.#waiting.set(answer, waiting);
    const late = setTimeout(
      () =>
        waiting.reject(new Error(`The system did not say '${answer}' within ${ANSWER_TIMEOUT_MS} ms.\n${this.#log}`)),
      ANSWER_TIMEOUT_MS,
    );
    return waiting.promise.finally(() => clearTimeout(late));
  }

  #take(word: SystemWord): void {
    if (word.t === 'flow') return this.#onFlow(word.flow, word.sentAt);
    this.#waiting.get(word.t)?.resolve(word);
  }

  #noteEnd(how: string): void {
    this.#end = `The system has ended (${how}).\n${this.#log}`;
    for (const { promise, reject } of this.#waiting.values()) {
      promise.catch(() => undefined);
      reject(new Error(this.#end));
    }
  }

  #write(line: SystemOrder | SystemWish): void {
    this.#process.stdin?.write(`${JSON.stringify(line)}\n`);
  }
}
