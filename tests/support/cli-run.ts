/** What users run, as processes of their own: the command `troupe`, from a folder of no importance, and the demo. */
import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const COMMAND = fileURLToPath(new URL('../../bin/troupe.mjs', import.meta.url));
const DEMO = fileURLToPath(new URL('../../actors/digest/demo.ts', import.meta.url));
const WAIT_MS = 60_000;

/** Variables that are about this run of the tests, or about the servers of whoever runs them. */
const OURS = /^(?:NATS_|npm_|INIT_CWD$|FORCE_COLOR$)/u;

/** How a process ended. */
export interface CliEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command to its end. */
export async function runCli(...args: readonly string[]): Promise<CliEnd> {
  await using cli = startCli(...args);
  // Without `await` it would be ended at once.
  return await cli.ended();
}

/** Starts the command. Use it with `await using`. */
export function startCli(...args: readonly string[]): CliRun {
  return new CliRun(COMMAND, args, tmpdir());
}

/** Starts the demo in a folder. Use it with `await using`. */
export function startDemo(folder: string, ...args: readonly string[]): CliRun {
  return new CliRun(DEMO, args, folder);
}

/** One process. */
export class CliRun implements AsyncDisposable {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #closed: Promise<unknown>;
  readonly #listeners = new Set<() => void>();
  stdout = '';
  stderr = '';

  constructor(script: string, args: readonly string[], cwd: string) {
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !OURS.test(name)));
    const child = spawn(process.execPath, [script, ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child = child;
    child.stdout.setEncoding('utf8').on('data', (text: string) => this.#take(() => (this.stdout += text)));
    child.stderr.setEncoding('utf8').on('data', (text: string) => this.#take(() => (this.stderr += text)));
    this.#closed = once(child, 'close').finally(() => this.#take(() => {}));
  }

  get lines(): readonly string[] {
    return this.stdout.split('\n').slice(0, -1);
  }

  /** Resolves when it has shown so many lines. */
  async shows(lines: number): Promise<void> {
    await this.#until(() => this.lines.length >= lines, `${lines} lines`);
  }

  /** Resolves when it has shown a text. */
  async prints(what: RegExp): Promise<void> {
    await this.#until(() => what.test(this.stdout), String(what));
  }

  /** Resolves when it has said something of its work. */
  async says(what: RegExp): Promise<void> {
    await this.#until(() => what.test(this.stderr), String(what));
  }

  async ended(): Promise<CliEnd> {
    await this.#until(() => this.child.exitCode !== null || this.child.signalCode !== null, 'its end');
    await this.#closed;
    return { code: this.child.exitCode, stdout: this.stdout, stderr: this.stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill('SIGKILL');
    await this.#closed;
  }

  #take(change: () => void): void {
    change();
    for (const listener of this.#listeners) listener();
  }

  async #until(isSo: () => boolean, what: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const story = (): string => `waited for ${what}\n--- stdout\n${this.stdout}\n--- stderr\n${this.stderr}`;
    const timer = setTimeout(() => reject(new Error(story())), WAIT_MS);
    const look = (): void => {
      if (isSo()) resolve();
      else if (this.child.exitCode !== null) reject(new Error(`it ended with ${this.child.exitCode}: ${story()}`));
    };
    this.#listeners.add(look);
    look();
    await promise.finally(() => {
      clearTimeout(timer);
      this.#listeners.delete(look);
    });
  }
}
