/** What has happened of a plan: a file for each fault, written just before it strikes, so that it strikes once in all threads and processes. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Chaos, Fault, FaultKind } from './plan.ts';

/** A fault that has struck. */
export interface Struck extends Fault {
  /** Its place in the plan. */
  readonly n: number;
  /** When, in milliseconds since the epoch. */
  readonly at: number;
}

/** Takes the next fault of a turn that is one of `kinds` and has not struck yet; whoever gets it lets it strike. */
export function takeFault({ faults, marks }: Chaos, turn: number, kinds: readonly FaultKind[]): Fault | undefined {
  const due = [...faults.entries()].filter(([, fault]) => fault.turn === turn && kinds.includes(fault.kind));
  return due.find(([n]) => leaveMark(`${marks}${n}`))?.[1];
}

/** Faults that have struck so far, in the order in which they did. */
export function readStruck({ faults, marks }: Chaos): readonly Struck[] {
  const struck = faults.flatMap((fault, n) => {
    const at = readMark(`${marks}${n}`);
    return at === undefined ? [] : [{ ...fault, n, at }];
  });
  return struck.sort((a, b) => a.at - b.at);
}

function leaveMark(path: string): boolean {
  try {
    writeFileSync(path, String(Date.now()), { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function readMark(path: string): number | undefined {
  try {
    // Empty for the instant between its making and its writing.
    return Number(readFileSync(path, 'utf8')) || undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
