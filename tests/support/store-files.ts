/** Temporary store files. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder of its own with a file name in it that nothing has taken. */
export function tempStoreFile(): { readonly folder: string; readonly file: string; clean(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-store-'));
  return { folder, file: join(folder, 'store.db'), clean: () => rmSync(folder, { recursive: true, force: true }) };
}
