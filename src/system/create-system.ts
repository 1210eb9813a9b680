/** Starts a system: options, definitions, threads, recovery. The only place that picks adapters. */
import { Definitions } from '../actor/definitions.ts';
import { checkSeams } from '../cell/xstate-seams.ts';
import { createRealEnv } from '../env.ts';
import { createSink } from '../observe/log.ts';
import { createLogger } from '../observe/logger.ts';
import { createInlineLauncher } from '../thread/inline-launcher.ts';
import { loadModules } from '../thread/load-modules.ts';
import { createThreadLauncher } from '../thread/thread-launcher.ts';
import { encodeError } from '../thread/error-codec.ts';
import { builtinModule } from './builtin.ts';
import { resolveOptions } from './options.ts';
import type { SystemOptions } from './options.ts';
import { System } from './system.ts';
import { Threads } from './threads.ts';

/**
 * Starts a system and recovers what its store holds.
 * @throws {TroupeError} ERR_OPTIONS_INVALID, ERR_DEFINITION_MODULE, ERR_DEFINITION_DUPLICATE, ERR_DEFINITION_DIFFERS,
 * ERR_XSTATE_UNSUPPORTED, ERR_STORE_LOCKED, ERR_STORE_NEWER, ERR_STORE_OPEN, ERR_THREAD_START. Nothing is left running then.
 */
export async function createSystem(options: SystemOptions): Promise<System> {
  const {
    modules: own,
    store,
    threads: workers,
    synchronous,
    log: level,
    recoverEveryMs,
    idRetentionMs,
  } = resolveOptions(options);
  checkSeams();
  const env = options.env ?? createRealEnv();
  const log = createLogger(createSink(level), { component: 'system' });
  const boot = env.randomId();
  const definitions = new Definitions();
  const modules = [builtinModule(), ...own];
  await loadModules(modules, definitions);
  const system = new System({ env, log, boot, definitions, recoverEveryMs, idRetentionMs });
  const launcher = workers === 0 ? createInlineLauncher({ env, definitions }) : createThreadLauncher();
  const threads = new Threads(
    {
      env,
      log,
      launcher,
      boot,
      workers: Math.max(1, workers),
      modules,
      prints: definitions.prints(),
      store: { url: store, synchronous },
    },
    {
      entry: (entry) => system.take(entry),
      replaced: (index) => system.repeatFor(index),
      storeTrouble: (error) =>
        error
          ? log.error('the store cannot save; work is kept and tried again', {
              component: 'store',
              error: encodeError(error),
            })
          : log.info('the store saves again', { component: 'store' }),
    },
  );
  await threads.start();
  try {
    await system.begin(threads);
  } catch (error) {
    await threads.terminate();
    throw error;
  }
  return system;
}
