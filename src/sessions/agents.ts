/** State that agents keep in a session, with the words of a Map. */
import type { session } from '../../actors/session.ts';
import type { Json } from '../state/json.ts';
import type { ActorRef } from '../system/ref.ts';
import { unlessOver } from './over.ts';

/** What agents keep in one session, by agent id: 1 to 256 characters. */
export interface SessionAgents {
  /** The state of an agent; undefined when it keeps none. */
  get(agent: string): Promise<Json | undefined>;
  /** Sets it. Resolves when that is durable. @throws {TroupeError} ERR_EVENT_INVALID, ERR_NOT_JSON, ERR_SESSION_EXPIRED, ERR_SESSION_NOT_FOUND. */
  set(agent: string, state: Json): Promise<void>;
  has(agent: string): Promise<boolean>;
  /** False when it kept none. Resolves when that is durable. @throws {TroupeError} as `set` */
  delete(agent: string): Promise<boolean>;
  /** Every agent that keeps something, with its state. */
  list(): Promise<ReadonlyMap<string, Json>>;
}

/** The agents of a session. */
export function createSessionAgents(id: string, ref: ActorRef<typeof session>): SessionAgents {
  const list = async () => new Map(Object.entries((await unlessOver(id, ref.snapshot())).context.agents));
  return {
    get: async (agent) => (await list()).get(agent),
    set: (agent, state) => unlessOver(id, ref.send({ type: 'AGENT.STATE', agent, state })),
    has: async (agent) => (await list()).has(agent),
    delete: (agent) => unlessOver(id, ref.ask({ type: 'AGENT.DELETE', agent })),
    list,
  };
}
