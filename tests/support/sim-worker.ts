/** A thread that runs some of the seeds of a simulation. */
import { parentPort, workerData } from 'node:worker_threads';
import { addResult, emptyTotals, runChecked } from './sim-run.ts';

/** Which seeds: every `stride`-th from `from` on, below `end`. */
export interface SimWork {
  readonly from: number;
  readonly end: number;
  readonly stride: number;
  readonly isTwice: boolean;
}

const { from, end, stride, isTwice } = workerData as SimWork;
const totals = emptyTotals();
for (let seed = from; seed < end; seed += stride) addResult(totals, await runChecked(seed, isTwice));
parentPort?.postMessage(totals);
