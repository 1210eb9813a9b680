/** The built-in group: agents in conversation, round-robin. */
import { z } from 'zod';
import { MAX_MEMBERS, MIN_MEMBERS, groupMachine } from '../machines/group.ts';
import { defineActor } from '../src/actor/define.ts';
import { metadataSchema } from './schemas.ts';

const memberSchema = z.object({
  type: z.string(),
  key: z.string(),
  name: z.string().min(1).max(256),
  skill: z.string().min(1).max(256),
});

export const group = defineActor('group', groupMachine, {
  version: 1,
  input: z.object({
    topic: z.string().max(10_000),
    members: z.array(memberSchema).min(MIN_MEMBERS).max(MAX_MEMBERS),
    shared: metadataSchema.default({}),
    maxRounds: z.int().min(1).max(1_000_000),
    turnDeadlineMs: z.int().min(1).max(86_400_000).default(30_000),
  }),
  events: {
    START: z.object({}),
    SAY: z.object({ author: z.string().min(1).max(256), text: z.string().max(1_000_000) }),
    SHARE: z.object({ shared: metadataSchema }),
    'MEMBER.ADD': z.object({ member: memberSchema }),
    'MEMBER.REMOVE': z.object({ address: z.string() }),
    END: z.object({}),
    'TURN.DONE': z.object({
      member: z.string(),
      turn: z.int(),
      text: z.string(),
      shared: metadataSchema.optional(),
      isOver: z.boolean().optional(),
    }),
    'TURN.FAILED': z.object({ member: z.string(), turn: z.int(), message: z.string() }),
  },
  meta: ({ topic, members }) => ({ topic: topic.slice(0, 200), members: members.length }),
  // Members could not answer while the system was down.
  timers: { turn: 'remaining' },
  history: { keep: 1000 },
});
