/**
 * The process that is cut off at a system call: runs the load on a file and notes every acknowledgement, and its end.
 *
 * node io-child.ts FILE NOTES EVENTS THREADS
 */
import { openSync, writeSync } from 'node:fs';
import { runIoLoad } from './io-load.ts';

const [file = '', notes = '', events = '0', threads = '0'] = process.argv.slice(2);
const fd = openSync(notes, 'a');
// A plain write, which no fault is injected into, and which a kill does not take back.
const note = (line: string): void => void writeSync(fd, `${line}\n`);

try {
  await runIoLoad({ file, events: Number(events), threads: Number(threads), acknowledged: (id) => note(`ack ${id}`) });
  note('end');
} catch (error) {
  note(`failed ${(error as { code?: string }).code ?? String(error)}`);
}
