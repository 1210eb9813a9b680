/** A definitions module that can only be imported on the main thread. */
import { isMainThread } from 'node:worker_threads';
import { createMachine } from 'xstate';
import { defineActor } from '../../src/index.ts';

if (!isMainThread) throw new Error('no window here');

export const homebody = defineActor('homebody', createMachine({}));
