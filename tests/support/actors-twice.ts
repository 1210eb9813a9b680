/** A definitions module that defines a type twice. */
import { createMachine } from 'xstate';
import { defineActor } from '../../src/index.ts';

export const first = defineActor('twin', createMachine({}));
export const second = defineActor('twin', createMachine({ initial: 'a', states: { a: {} } }));
