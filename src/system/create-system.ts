/** Starts a system: options, definitions, threads, recovery. The only place that picks adapters. */
import { typeOf } from '../actor/address.ts';
import type { Address } from '../actor/address.ts';
import { Definitions } from '../actor/definitions.ts';
import { checkSeams } from '../cell/xstate-seams.ts';
import { createRealEnv } from '../env.ts';
import type { Env } from '../env.ts';
import { createSink } from '../observe/log.ts';
import { createLogger } from '../observe/logger.ts';
import type { Logger } from '../observe/logger.ts';
import { createInlineLauncher } from '../thread/inline-launcher.ts';
import { loadModules } from '../thread/load-modules.ts';
import { Routes } from '../thread/routes.ts';
import { createThreadLauncher } from '../thread/thread-launcher.ts';
import { encodeError } from '../thread/error-codec.ts';
import { builtinModule } from './builtin.ts';
import { connectEngine } from './nats.ts';
import type { NatsEngine } from './nats.ts';
import { resolveOptions } from './options.ts';
import type { ResolvedOptions, SystemOptions } from './options.ts';
import { createPool } from './pool.ts';
import { System } from './system.ts';
import { readRssBytes } from './thread-monitor.ts';
import type { MonitorLimits } from './thread-monitor.ts';
import { Threads } from './threads.ts';

/**
 * Starts a system and recovers what its store holds.
 * @throws {TroupeError} ERR_OPTIONS_INVALID, ERR_DEFINITION_MODULE, ERR_DEFINITION_DUPLICATE, ERR_DEFINITION_DIFFERS,
 * ERR_XSTATE_UNSUPPORTED, ERR_STORE_LOCKED, ERR_STORE_NEWER, ERR_STORE_OPEN, ERR_THREAD_START, and with `nats` ERR_NATS_UNAVAILABLE, ERR_NATS_AUTH,
 * ERR_NATS_JETSTREAM, ERR_NATS_STREAM. Nothing is left running then.
 */
export async function createSystem(options: SystemOptions): Promise<System> {
  const resolved = resolveOptions(options);
  const { modules: own, threads: threadCount, inlineHosts, log: level, maxLiveActors: maxLive, openStore } = resolved;
  checkSeams();
  const env = options.env ?? createRealEnv();
  const log = createLogger(createSink(level), { component: 'system' });
  const boot = env.randomId();
  const definitions = new Definitions();
  const modules = [builtinModule(), ...own];
  await loadModules(modules, definitions);
  for (const definition of resolved.definitions) definitions.add(definition, 'createSystem({ actors })');
  definitions.assertReplacements();
  const isInline = threadCount === 0;
  const workers = isInline ? inlineHosts : threadCount;
  const routes = new Routes(workers, definitions);
  const pool = createPool(threadCount);
  const nats = await connectNatsEngine(resolved, env, log);
  const system = new System({ env, log, boot, definitions, routes, options: resolved, pool, nats });
  const launcher = isInline
    ? createInlineLauncher({ env, definitions, openStore })
    : createThreadLauncher({
        env,
        maxHeapMb: resolved.maxThreadHeapMb,
        loadMs: startMsOf(resolved),
        spareLost: resolved.spareThread ? (error) => logSpareLost(log, error) : undefined,
      });
  const threads = new Threads(
    {
      env,
      log,
      launcher,
      boot,
      workers,
      modules,
      prints: definitions.prints(),
      store: { url: resolved.store, synchronous: resolved.synchronous, maxFanOut: resolved.maxFanOut },
      routes,
      maxLive,
      limits: isInline ? undefined : toLimits(resolved, definitions),
      rise: (store) => store.call('rise', env.now()),
    },
    {
      entry: (entry, index) => system.take(entry, index),
      replaced: (index, moved) => system.repeatFor(index, moved),
      announce: system.announce,
      storeTrouble: (trouble) => system.storeTrouble(trouble),
    },
  );
  try {
    await threads.start();
    await begin(system, threads);
  } catch (error) {
    await nats?.client.close();
    throw error;
  }
  return system;
}

async function begin(system: System, threads: Threads): Promise<void> {
  try {
    await system.begin(threads);
    threads.keepSpare();
  } catch (error) {
    await threads.terminate();
    throw error;
  }
}

function connectNatsEngine(options: ResolvedOptions, env: Env, log: Logger): Promise<NatsEngine> | undefined {
  const { nats, topicRetentionMs: keepMs } = options;
  return nats === undefined ? undefined : connectEngine(nats, { env, log, keepMs });
}

function logSpareLost(log: Logger, error: unknown): void {
  const fields = { component: 'threads', error: encodeError(error) };
  log.warn('the thread in reserve is lost; the next that ends is replaced more slowly', fields);
}

const MEGABYTE = 1024 * 1024;

/** What threads may do, as main watches it. */
function toLimits(options: ResolvedOptions, definitions: Definitions): MonitorLimits {
  const { beatMs, hangMs, maxThreadBufferMb } = options;
  const hangMsOf = (address: string): number | undefined => definitions.hangMsOf(typeOf(address as Address));
  const startMs = startMsOf(options);
  return { beatMs, hangMs, startMs, hangMsOf, maxBufferBytes: maxThreadBufferMb * MEGABYTE, readRssBytes };
}

/** Least time a thread gets to load and start. */
const MIN_START_MS = 30_000;

/** A thread that loads cannot beat: it gets more time than a turn. */
function startMsOf({ hangMs }: ResolvedOptions): number {
  return Math.max(MIN_START_MS, 4 * hangMs);
}
