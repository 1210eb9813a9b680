/** A definitions module that breaks the rule: it exports another version in worker threads. */
import { isMainThread } from 'node:worker_threads';
import { createMachine } from 'xstate';
import { defineActor } from '../../src/index.ts';

export const shifty = defineActor('shifty', createMachine({}), { version: isMainThread ? 1 : 2 });
