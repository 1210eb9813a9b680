/** Carries out the faults of a run with a broker. Each leaves the world well again. */
import { setTimeout as sleep } from 'node:timers/promises';
import { assertNever } from '../../src/errors.ts';
import type { Fault, Side, Way } from './broker-plan.ts';
import { describeFault } from './broker-plan.ts';
import type { FaultMark } from './broker-times.ts';
import type { NatsProxy, ProxyDirection } from './nats-proxy.ts';
import type { NatsServer } from './nats-server.ts';

/** What can go wrong. */
export interface BrokerWorld {
  readonly server: NatsServer;
  readonly proxy: NatsProxy;
  /** Kills a system, waits, and starts it again on its store; resolves when it is up. */
  readonly restartSystem: (side: Side, downMs: number) => Promise<void>;
}

/** Bytes flow all the time, so a connection that is to be torn after some of them is, soon. */
const TEAR_TIMEOUT_MS = 5000;

/** Resolves when it is over. `beganAt`: what is published from then on meets the world as it is afterwards. */
export async function carryOut(fault: Fault, world: BrokerWorld): Promise<Omit<FaultMark, 'isAwaited'>> {
  let beganAt = Date.now();
  await perform(fault, world, () => void (beganAt = Date.now()));
  return { kind: fault.kind, name: describeFault(fault), beganAt, overAt: Date.now() };
}

/** Kills the server; `whileDown` is done before it starts again. */
export async function killServer(
  { server }: BrokerWorld,
  begun: () => void,
  whileDown: () => Promise<unknown>,
): Promise<void> {
  await server.kill();
  begun();
  await whileDown();
  await server.launch();
}

async function perform(fault: Fault, world: BrokerWorld, begun: () => void): Promise<void> {
  const { server, proxy } = world;
  switch (fault.kind) {
    case 'kill':
      return killServer(world, begun, () => sleep(fault.downMs));
    case 'freeze':
      await server.pause();
      await sleep(fault.forMs);
      return server.resume();
    case 'cut':
      return proxy.cut();
    case 'refuse':
      await proxy.refuse();
      proxy.cut();
      await sleep(fault.forMs);
      return proxy.accept();
    case 'tear':
      await Promise.race([proxy.cutAfterBytes(fault.afterBytes, fault.way), sleep(TEAR_TIMEOUT_MS)]);
      return;
    case 'stall':
      proxy.stall(toDirection(fault.way));
      await sleep(fault.forMs);
      return proxy.flow();
    case 'delay':
      proxy.delay(fault.delayMs);
      await sleep(fault.forMs);
      return proxy.delay(0);
    case 'end':
      return world.restartSystem(fault.side, fault.downMs);
    default:
      return assertNever(fault);
  }
}

function toDirection(way: Way): ProxyDirection | undefined {
  return way === 'both' ? undefined : way;
}
