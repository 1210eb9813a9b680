/** The built-in session: a user's conversation. */
import { z } from 'zod';
import { sessionMachine } from '../machines/session.ts';
import { defineActor } from '../src/actor/define.ts';
import { jsonSchema, metadataSchema } from './schemas.ts';

export const session = defineActor('session', sessionMachine, {
  version: 1,
  input: z.object({
    user: z.string().min(1).max(256),
    title: z.string().max(1024).default(''),
    metadata: metadataSchema.default({}),
  }),
  events: {
    SAY: z.object({ text: z.string().max(1_000_000), author: z.string().min(1).max(256).default('user') }),
    'AGENT.STATE': z.object({ agent: z.string().min(1).max(256), state: jsonSchema }),
    METADATA: z.object({ metadata: metadataSchema }),
    'GROUP.OPEN': z.object({ key: z.string(), input: jsonSchema }),
  },
  asks: {
    DESCRIBE: {
      input: z.object({}),
      reply: z.object({ user: z.string(), title: z.string(), messages: z.int(), groups: z.array(z.string()) }),
    },
  },
  meta: ({ user, title }) => ({ user, title }),
});
