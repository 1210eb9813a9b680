/** Actors of the runs that are cut off at every system call: one says what it is told to, another hears of it. */
import { emit, setup } from 'xstate';
import { z } from 'zod';
import { append, defineActor, tell } from '../../src/index.ts';
import type { Effect } from '../../src/index.ts';

/** Who hears. */
export const LISTENER = 'listener/l';

const types = { events: {} as { type: 'SAY' | 'HEARD'; id: string }, emitted: {} as Effect };

const speakerMachine = setup({ types }).createMachine({
  on: {
    SAY: {
      actions: [
        emit(({ event: { id } }) => append({ id })),
        emit(({ event: { id } }) => tell(LISTENER, { type: 'HEARD', id } as { type: string })),
      ],
    },
  },
});

const listenerMachine = setup({ types }).createMachine({
  on: { HEARD: { actions: emit(({ event: { id } }) => append({ id })) } },
});

export const speaker = defineActor('speaker', speakerMachine, { events: { SAY: z.object({ id: z.string() }) } });
export const listener = defineActor('listener', listenerMachine, { events: { HEARD: z.object({ id: z.string() }) } });
