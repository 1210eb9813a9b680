/** The built-in session: a user's conversation. */
import { z } from 'zod';
import { sessionMachine } from '../machines/session.ts';
import { defineActor } from '../src/actor/define.ts';
import { toMeta } from '../src/sessions/metadata.ts';
import { jsonSchema, metadataSchema } from './schemas.ts';

const LEAST_MS = 1000;
const YEAR_MS = 31_536_000_000;
const IDLE_AFTER_MS = 1_800_000;
const EXPIRE_AFTER_MS = 86_400_000;

const MAX_KEPT = 1_000_000;

const agentSchema = z
  .string()
  .min(1)
  .max(256)
  .refine((agent) => agent !== '__proto__', 'is no name for an agent');

export const session = defineActor('session', sessionMachine, {
  version: 1,
  input: z.object({
    user: z.string().min(1).max(256),
    title: z.string().max(1024).default(''),
    metadata: metadataSchema.default({}),
    /** Time without activity after which the session is idle, in milliseconds. 1 second to 365 days. @default 1800000 */
    idleAfterMs: z.int().min(LEAST_MS).max(YEAR_MS).default(IDLE_AFTER_MS),
    /**
     * Time without activity after which it expires, in milliseconds. 1 second to 365 days; when it is the shorter one, the
     * session is never idle. @default 86400000
     */
    expireAfterMs: z.int().min(LEAST_MS).max(YEAR_MS).default(EXPIRE_AFTER_MS),
    /** Messages that stay in the history: once there are a quarter more, the oldest go. 1 to 1,000,000. @default all */
    keepMessages: z.int().min(1).max(MAX_KEPT).optional(),
  }),
  events: {
    SAY: z.object({ text: z.string().max(1_000_000), author: z.string().min(1).max(256).default('user') }),
    'AGENT.STATE': z.object({ agent: agentSchema, state: jsonSchema }),
    TRIM: z.object({ keep: z.int().min(1).max(MAX_KEPT) }),
    METADATA: z.object({ metadata: metadataSchema }),
    'GROUP.OPEN': z.object({ key: z.string(), input: jsonSchema }),
  },
  asks: {
    'AGENT.DELETE': { input: z.object({ agent: agentSchema }), reply: z.boolean() },
    DESCRIBE: {
      input: z.object({}),
      reply: z.object({ user: z.string(), title: z.string(), messages: z.int(), groups: z.array(z.string()) }),
    },
  },
  meta: ({ user, title, lifecycle, metadata }) => ({ ...toMeta(metadata), user, title, lifecycle }),
  // Nobody was there while the system was down, either.
  timers: { idle: 'deadline', expiry: 'deadline' },
  history: { keep: 1000 },
});
