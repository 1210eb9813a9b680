/**
 * The folder of a run: its store, the copy of its document, and `run.json`, which says what the run is about. Writing
 * `run.json` is what begins a run: before it nothing of the new run counts, after it a resume finds everything it needs.
 * Only files of these names are ever removed.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, mkdir, open, readdir, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { Refusal, toLine } from './options.ts';

const runSchema = z.object({
  madeBy: z.literal('troupe demo'),
  /** Names the run's session and group in the store. */
  id: z.string().regex(/^[a-f0-9]{8}$/),
  title: z.string(),
  sha256: z.string().regex(/^[a-f0-9]{64}$/),
  bytes: z.int(),
  lengthWords: z.int(),
  paceMs: z.int(),
  /** The reviewer misses its first turn. */
  isSlow: z.boolean().default(false),
  /** Of a run with --chaos. */
  seed: z.int().nullable().default(null),
  out: z.string().nullable(),
  /** Of a run with --nats. It may hold a password, as the file is for its owner alone. */
  nats: z.string().nullable().default(null),
});

/** What a run is about. */
export type Run = z.infer<typeof runSchema>;

const COPY = /^document-[a-f0-9]{64}\.txt$/;
const MARK = /^fault-([a-f0-9]{8})-\d+$/;
const DRAFT = /^(?:document-[a-f0-9]{64}\.txt|run\.json)\.\d+\.tmp$/;

/** The folder of the demo's data. */
export class Folder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** URL of the run's store. */
  get storeUrl(): string {
    return `sqlite:${this.storePath}`;
  }

  get storePath(): string {
    return join(this.path, 'digest-demo.db');
  }

  /** What went wrong in the runtime, as JSON lines. */
  get logPath(): string {
    return join(this.path, 'demo.log');
  }

  copyPath(sha256: string): string {
    return join(this.path, `document-${sha256}.txt`);
  }

  /** Where the run notes which of its faults have struck: each adds its number. */
  marksPath(runId: string): string {
    return join(this.path, `fault-${runId}-`);
  }

  /** Makes the folder. @throws {Refusal} when it cannot be one. */
  async prepare(): Promise<void> {
    try {
      await mkdir(this.path, { recursive: true, mode: 0o700 });
      await access(this.path, constants.W_OK);
      await readdir(this.path);
    } catch (cause) {
      throw this.#refuse(`cannot be used (${codeOf(cause)}). Name a folder that can be written with --data.`, cause);
    }
  }

  /** What the last run is about; `undefined` when there was none. @throws {Refusal} when that cannot be told. */
  async readRun(): Promise<Run | undefined> {
    try {
      return runSchema.parse(JSON.parse(await readFile(this.#runPath, 'utf8')));
    } catch (cause) {
      if (['ENOENT', 'ENOTDIR'].includes(codeOf(cause))) return undefined;
      const isForeign = cause instanceof SyntaxError || cause instanceof z.ZodError;
      const problem = isForeign ? "holds a 'run.json' that is not the demo's" : `cannot be used (${codeOf(cause)})`;
      throw this.#refuse(`${problem}. Name another folder with --data.`, cause);
    }
  }

  /** Begins a run: the copy of its document, then its description. Each is whole or not there. */
  async begin(run: Run, text: string): Promise<void> {
    await writeWhole(this.copyPath(run.sha256), text);
    await writeWhole(this.#runPath, `${JSON.stringify(run, null, 2)}\n`);
    await this.#removeOthers(run);
  }

  get #runPath(): string {
    return join(this.path, 'run.json');
  }

  async #removeOthers(run: Run): Promise<void> {
    const kept = basename(this.copyPath(run.sha256));
    const isLeft = (name: string): boolean =>
      (COPY.test(name) && name !== kept) || DRAFT.test(name) || (MARK.exec(name)?.[1] ?? run.id) !== run.id;
    for (const name of (await readdir(this.path)).filter(isLeft)) await rm(join(this.path, name));
  }

  #refuse(problem: string, cause?: unknown): Refusal {
    return new Refusal(`The folder '${toLine(this.path)}' ${problem}`, { cause });
  }
}

/** Hash of the copy of a text. That of its file may differ: a byte order mark is not copied. */
export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Writes a file so that whoever looks sees the old one or all of the new one, also after a crash. */
export async function writeWhole(path: string, text: string, mode = 0o600): Promise<void> {
  const draft = `${path}.${process.pid}.tmp`;
  try {
    const file = await open(draft, 'w', mode);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

/**
 * Checks that the digest can be written to `out`, before any work is done. Returns the file itself when it is a link.
 * @throws {Refusal} when it cannot.
 */
export async function checkOut(out: string, source: string | undefined): Promise<string> {
  const refuse = (problem: string, cause?: unknown): Refusal =>
    new Refusal(`Cannot write the digest to '${toLine(out)}': ${problem}. Name another file with --out.`, { cause });
  try {
    const target = await realpath(out).catch(() => out);
    const known = await stat(target).catch(() => undefined);
    if (known?.isDirectory()) throw refuse('it is a folder');
    // A link such as /dev/stdout may lead to a regular file, which is somebody else's.
    if ((known && !known.isFile()) || /^\/(?:dev|proc)\//.test(out)) throw refuse('it is not a regular file');
    if (source !== undefined && known && target === (await realpath(source))) throw refuse('it is the document itself');
    if (!(await stat(dirname(target))).isDirectory()) throw refuse('its folder is a file');
    await access(dirname(target), constants.W_OK);
    if (known) await access(target, constants.W_OK);
    return target;
  } catch (cause) {
    if (cause instanceof Refusal) throw cause;
    throw refuse(codeOf(cause) === 'ENOENT' ? 'its folder does not exist' : `the system says ${codeOf(cause)}`, cause);
  }
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : 'unreadable';
}
