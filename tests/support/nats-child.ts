/** One run of a NATS server process, which never outlives the process that started it. */
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const START_TIMEOUT_MS = 20_000;
const END_TIMEOUT_MS = 5_000;

// Reads from a pipe that nobody writes to: it ends when this process does, however that happens.
const GUARD = 'read -r _; kill -9 "$1" 2>/dev/null; rm -rf "$2"';

/** A running server, or one that has ended. */
export class NatsChild {
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown>;
  #log = '';

  /** @param folder removed, should this process end before the server */
  constructor(path: string, configFile: string, folder: string) {
    this.#process = spawn(path, ['-c', configFile], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#log += text));
    this.#ended = once(this.#process, 'close');
    const guard = startGuard(this.pid, folder);
    void this.#ended.finally(() => guard.kill('SIGKILL')).catch(() => undefined);
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** What it has said since it started. */
  get log(): string {
    return this.#log;
  }

  /** Resolves when it listens. @throws {Error} with its last words when it ends instead */
  async ready(): Promise<void> {
    const said = new Promise<boolean>((resolve) => {
      this.#process.stderr?.on('data', () => this.#log.includes('Server is ready') && resolve(true));
    });
    const late = AbortSignal.timeout(START_TIMEOUT_MS);
    const isReady = await Promise.race([said, this.#ended.then(() => false), once(late, 'abort').then(() => false)]);
    if (isReady) return;
    await this.end('SIGKILL');
    throw new Error(`The NATS server did not start. It said:\n${this.lastWords()}`);
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Resolves when it stands still: a signal takes its time to reach every thread, and until then they go on. */
  async freeze(): Promise<void> {
    this.signal('SIGSTOP');
    while (this.isRunning && !statesOf(this.pid).every((state) => state === 'T')) await sleep(1);
  }

  /** Resolves when it is gone. One that does not go by itself is killed. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    if (!this.isRunning) return;
    this.signal(signal);
    // A stopped process obeys nothing but SIGKILL.
    if (signal === 'SIGTERM') this.signal('SIGCONT');
    const late = setTimeout(() => this.signal('SIGKILL'), END_TIMEOUT_MS);
    await this.#ended;
    clearTimeout(late);
  }

  lastWords(): string {
    return this.#log.trimEnd().split('\n').slice(-20).join('\n');
  }
}

/** What every thread of a process is doing, by the letters of `ps`: T stands still. */
function statesOf(pid: number): readonly string[] {
  const tasks = `/proc/${pid}/task`;
  if (!existsSync(tasks))
    return [execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).charAt(0)];
  return readdirSync(tasks).map((task) => {
    try {
      return readFileSync(`${tasks}/${task}/stat`, 'utf8').split(') ')[1]?.charAt(0) ?? '';
    } catch {
      return 'a thread that has just ended';
    }
  });
}

function startGuard(pid: number, folder: string): ChildProcess {
  const guard = spawn('sh', ['-c', GUARD, 'sh', String(pid), folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // Ctrl-C reaches this process and its group, which the guard has to outlive.
    detached: true,
  });
  guard.unref();
  (guard.stdin as unknown as { unref(): void }).unref();
  guard.stdin?.on('error', () => undefined);
  return guard;
}
