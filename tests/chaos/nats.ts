/**
 * The broker harness: `npm run chaos:nats -- --kills N --seed S`. A real NATS server behind a proxy, two systems that share a namespace, each in
 * a process of its own, and foreign clients; the server is killed (SIGKILL) and started again `kills` times under load, connections are cut, torn,
 * stalled and slowed, the server is frozen, the systems are killed. In the end a checker judges what every receiver got. A server that is killed keeps
 * what it acknowledged, since the system has its writes; the loss of power is another matter and not tested here.
 * The last line is JSON. Exit code 0: the promises held; 1: they did not; 2: usage.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { judgeBroker } from '../support/broker-check.ts';
import type { BrokerVerdict } from '../support/broker-check.ts';
import { planFaults } from '../support/broker-plan.ts';
import { describeFindings, isGoodOutcome, toBrokerSummary } from '../support/broker-report.ts';
import { BrokerRun } from '../support/broker-run.ts';
import type { Drain } from '../support/broker-run.ts';
import { parseNumberOptions, runScript } from '../support/chaos-options.ts';
import { createChaosRandom } from '../support/chaos-random.ts';
import { startProxy } from '../support/nats-proxy.ts';
import { startNatsServer } from '../support/nats-server.ts';

const OPTIONS = {
  kills: { usual: 10, from: 1, to: 10_000, text: 'times the server is killed' },
  seed: { usual: 1, from: 0, to: 4_294_967_295, text: 'seed of all random choices' },
  rate: { usual: 200, from: 2, to: 10_000, text: 'events per second that both systems publish together' },
  threads: { usual: 1, from: 1, to: 16, text: 'worker threads of each system' },
  old: { usual: 0, from: 0, to: 1, text: '1: server 2.9.10, which Debian 12 has, in place of the newest' },
} as const;

type Options = { readonly [K in keyof typeof OPTIONS]: number };

/** Beyond this time per kill something hangs that should not. */
const MOST_MS_PER_KILL = 60_000;
const MOST_MS_BESIDE = 300_000;

async function run(options: Options): Promise<number> {
  const startedAt = performance.now();
  const { kills, seed, rate: perSecond, threads } = options;
  endAfter(MOST_MS_BESIDE + kills * MOST_MS_PER_KILL);
  const folder = mkdtempSync(join(tmpdir(), 'troupe-broker-'));
  await using server = await startNatsServer({ version: options.old === 1 ? '2.9.10' : 'newest' });
  await using proxy = await startProxy(server.port, { seed });
  const versions = { server: server.version, node: process.versions.node };
  console.log(`seed ${seed}, ${kills} kills of server ${server.version}, files in ${folder}`);
  const random = createChaosRandom(seed);
  const steps = planFaults(kills, random);
  const say = (line: string): void => console.log(`${secondsSince(startedAt)} s: ${line}`);
  const broker = new BrokerRun({ world: { server, proxy }, random, seed, folder, threads, perSecond, say });
  const { verdict, drain } = await perform(broker, () => broker.suffer(steps));
  const seconds = secondsSince(startedAt);
  const { faults, findings, foreign } = broker;
  const outcome = { seed, verdict, drain, faults, findings, foreign, versions, seconds };
  const isGood = isGoodOutcome(outcome);
  if (isGood) rmSync(folder, { recursive: true, force: true });
  else console.log(describeFindings(outcome));
  console.log(
    `load of the machine: ${loadavg()
      .map((each) => each.toFixed(1))
      .join(', ')}`,
  );
  console.log(JSON.stringify(toBrokerSummary(outcome)));
  return isGood ? 0 : 1;
}

async function perform(
  broker: BrokerRun,
  suffer: () => Promise<void>,
): Promise<{ verdict: BrokerVerdict | undefined; drain: Drain | undefined }> {
  let [verdict, drain]: [BrokerVerdict | undefined, Drain | undefined] = [undefined, undefined];
  try {
    await broker.start();
    if (broker.findings.length === 0) await suffer();
    drain = await broker.drain();
    verdict = judgeBroker(await broker.finish());
  } catch (error) {
    broker.fail(error);
  } finally {
    await broker.abandon();
  }
  return { verdict, drain };
}

function endAfter(ms: number): void {
  setTimeout(() => {
    console.log(`FINDING stuck: the run did not end within ${ms} ms`);
    console.log(JSON.stringify({ ok: false }));
    process.exit(1);
  }, ms).unref();
}

function secondsSince(startedAt: number): number {
  return Math.round((performance.now() - startedAt) / 100) / 10;
}

await runScript(() => run(parseNumberOptions(OPTIONS, process.argv.slice(2))));
// Whatever is left open, such as a socket of a client that waits, is of no use any more.
process.exit();
