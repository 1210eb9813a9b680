/** The parent's end of a child process of the kill harness. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { CHILD_WORDS } from './chaos-protocol.ts';
import type { ChildOrder, ChildWord } from './chaos-protocol.ts';

const CHILD_PATH = fileURLToPath(new URL('../chaos/kill-child.ts', import.meta.url));

/** One child: loads its modules at once, works when it is told, is killed or ends. */
export class ChaosChild {
  readonly #process: ChildProcess;
  readonly #said = new Map<ChildWord, PromiseWithResolvers<void>>();
  readonly #exit: Promise<string>;
  #log = '';

  /** `cacheFolder` keeps compiled code, which halves the time a child takes to come up. */
  constructor(cacheFolder: string) {
    for (const word of CHILD_WORDS) this.#said.set(word, quietResolvers());
    this.#process = spawn(process.execPath, [CHILD_PATH], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, NODE_COMPILE_CACHE: cacheFolder },
    });
    const { stdin, stdout, stderr } = this.#process;
    stdin?.on('error', () => undefined);
    if (stdout) createInterface({ input: stdout }).on('line', (line) => this.#said.get(line as ChildWord)?.resolve());
    stderr?.on('data', (text) => {
      this.#log = (this.#log + String(text)).slice(-20_000);
    });
    this.#exit = new Promise((resolve) => {
      this.#process.on('exit', (code, signal) => resolve(signal ?? `code ${code}`));
    });
    void this.#exit.then((how) => {
      for (const { reject } of this.#said.values())
        reject(new Error(`The child ended (${how}) before that.\n${this.#log}`));
    });
  }

  /** What it wrote to standard error, the end of it. */
  get log(): string {
    return this.#log;
  }

  /** Resolves with how it ended: a signal, or `code 0`. */
  get ended(): Promise<string> {
    return this.#exit;
  }

  obey(order: ChildOrder): void {
    this.#process.stdin?.end(`${JSON.stringify(order)}\n`);
  }

  /** Resolves when the child has said it; rejects when it ends before. */
  said(word: ChildWord): Promise<void> {
    return (this.#said.get(word) as PromiseWithResolvers<void>).promise;
  }

  /** `kill -9`. Resolves when the process is gone. */
  async kill(): Promise<string> {
    this.#process.kill('SIGKILL');
    return this.#exit;
  }
}

function quietResolvers(): PromiseWithResolvers<void> {
  const resolvers = Promise.withResolvers<void>();
  resolvers.promise.catch(() => undefined);
  return resolvers;
}
