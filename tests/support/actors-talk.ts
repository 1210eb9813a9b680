/** Agents for tests of groups: one that speaks, one that fails, one that takes its time, one that ends the conversation. */
import { setTimeout as sleep } from 'node:timers/promises';
import { defineAgent } from '../../actors/agent.ts';

export const speaker = defineAgent('speaker', {
  skills: {
    speak: ({ name, turn }) => ({ text: `${name}:${turn.turn}`, shared: { last: name } }),
    fail: ({ name }) => {
      throw new Error(`${name} has lost the thread`);
    },
    ponder: async ({ signal }) => {
      await sleep(600_000, undefined, { signal });
      return { text: 'at last' };
    },
    conclude: ({ name }) => ({ text: `${name} concludes`, isOver: true }),
  },
});
