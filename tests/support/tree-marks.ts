/** What outlives a thread: whether a fault has happened already, and when. One small file per fault. */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Names the folder for this process and its threads. */
export const MARKS_VARIABLE = 'TROUPE_TREE_MARKS';

function fileOf(id: string, suffix = ''): string {
  return join(process.env[MARKS_VARIABLE] ?? '/nowhere', `${id}${suffix}`);
}

/** Notes that a fault happens now. */
export function mark(id: string): void {
  appendFileSync(fileOf(id), `${Date.now()}\n`);
}

/** When a fault happened, each time, in milliseconds since the epoch. */
export function marksOf(id: string): readonly number[] {
  if (!existsSync(fileOf(id))) return [];
  return readFileSync(fileOf(id), 'utf8').trim().split('\n').map(Number);
}

/** Ends a fault that happens until the runtime has said whose it is. */
export function endFault(id: string): void {
  writeFileSync(fileOf(id, '.over'), '');
}

export function isFaultOver(id: string): boolean {
  return existsSync(fileOf(id, '.over'));
}
