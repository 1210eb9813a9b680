/** Before the tests of a project: the NATS servers are found or fetched once, outside of every test's time. */
import { findNatsServers } from './nats-binary.ts';

/** Says loudly what cannot be had. Tests that need it fail with the same words; the others run. */
export async function setup(): Promise<void> {
  for (const search of await findNatsServers()) {
    if ('problem' in search) console.error(`\n${search.problem}\nTests on NATS ${search.wanted} will fail.\n`);
    else if (search.remark) console.error(`\n${search.remark}\n`);
  }
}
