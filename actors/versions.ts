/** The built-in value with versions. */
import { z } from 'zod';
import { versionsMachine } from '../machines/versions.ts';
import { defineActor } from '../src/actor/define.ts';
import { jsonSchema } from './schemas.ts';

const MAX_KEPT = 1_000_000;

export const versions = defineActor('versions', versionsMachine, {
  version: 1,
  input: z.object({
    value: jsonSchema,
    /** Versions that stay: once there are a quarter more, the oldest go. 1 to 1,000,000. @default 100 */
    keep: z.int().min(1).max(MAX_KEPT).default(100),
    token: z.string(),
  }),
  asks: {
    PUT: {
      input: z.object({ value: jsonSchema, base: z.int().min(1).optional() }),
      reply: z.object({ version: z.int(), isConflict: z.boolean() }),
    },
  },
  meta: ({ version }) => ({ version }),
});
