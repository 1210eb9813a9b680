/** A copy of what is being imported, in a file of its own: it is read twice, and whoever gives the lines can give them only once. */
import { mkdtemp, open, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where each piece is. */
interface Piece {
  readonly at: number;
  readonly bytes: number;
}

export class Spool {
  readonly #folder: string;
  readonly #file: FileHandle;
  readonly #pieces: Piece[] = [];
  #size = 0;

  private constructor(folder: string, file: FileHandle) {
    this.#folder = folder;
    this.#file = file;
  }

  /** An empty one that only this user can read. */
  static async create(): Promise<Spool> {
    const folder = await mkdtemp(join(tmpdir(), 'troupe-import-'));
    return new Spool(folder, await open(join(folder, 'lines'), 'wx+', 0o600));
  }

  async add(text: string): Promise<void> {
    const data = Buffer.from(text);
    await this.#file.writeFile(data);
    this.#pieces.push({ at: this.#size, bytes: data.length });
    this.#size += data.length;
  }

  /** The pieces as they were added. */
  async *read(): AsyncGenerator<string> {
    for (const { at, bytes } of this.#pieces) {
      const buffer = Buffer.alloc(bytes);
      await this.#file.read(buffer, 0, bytes, at);
      yield buffer.toString();
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
