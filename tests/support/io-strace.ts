/** Runs a process under strace, which cuts it off at, or fails, one of its system calls. Linux only. */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { UsageError } from './chaos-options.ts';

/** Calls by which a store changes what is on the disk. Those that this machine does not know are left out by strace. */
export const CALLS = [
  'fsync',
  'fdatasync',
  'pwrite64',
  'pwritev',
  'ftruncate',
  'fallocate',
  'rename',
  'renameat',
  'renameat2',
  'unlink',
  'unlinkat',
  'mkdir',
  'mkdirat',
] as const;

/** The n-th call of one kind, as each thread counts for itself. */
export interface IoPoint {
  readonly call: (typeof CALLS)[number];
  readonly n: number;
}

/** @throws {UsageError} where there is no strace. */
export function assertStrace(): void {
  const { error, status } = spawnSync('strace', ['--version'], { stdio: 'ignore' });
  if (!error && status === 0) return;
  throw new UsageError(
    'strace is not on this machine, so no system call can be cut off. Install it (Linux only). npm run chaos:kill kills processes at random times without it.',
  );
}

/** Runs `node ARGS` with a fault at one point. True when the point was reached. */
export async function runWithFault(
  { call, n }: IoPoint,
  fault: 'signal=KILL' | 'error=EIO' | 'error=ENOSPC',
  { args, log }: { readonly args: readonly string[]; readonly log: string },
): Promise<boolean> {
  const inject = ['-e', `trace=?${call}`, '-e', `inject=?${call}:${fault}:when=${n}`];
  const strace = ['-f', '-qq', '-o', log, ...inject, process.execPath, ...args];
  const child = spawn('strace', strace, { stdio: ['ignore', 'inherit', 'inherit'] });
  await new Promise((resolve) => child.on('close', resolve));
  const said = readFileSync(log, 'utf8');
  return fault === 'signal=KILL' ? said.includes('killed by SIGKILL') : said.includes('(INJECTED)');
}
