/** `checkVersions` for users: which definitions, and which store. */
import { Definitions } from '../actor/definitions.ts';
import { openStore } from '../store/open-store.ts';
import type { StoreClient } from '../store/store-client.ts';
import type { Store } from '../store/store.ts';
import { loadModules } from '../thread/load-modules.ts';
import { builtinModule } from './builtin.ts';
import { checkVersions as check } from './check-versions.ts';
import type { VersionReport } from './check-versions.ts';
import { resolveOptions } from './options.ts';
import type { SystemOptions } from './options.ts';

/** What to check against what. */
export type CheckVersionsOptions = Pick<SystemOptions, 'actors' | 'store'>;

/**
 * A dry run before a deploy, without a system: reads every actor of a store that lives or is held, runs `migrate` steps on copies, and tells who would
 * not fit. No actor is changed; a store that an older Troupe wrote gets today's tables. While a system holds the store, check a copy made by
 * `system.backup()`.
 * @throws {TroupeError} ERR_OPTIONS_INVALID, ERR_DEFINITION_MODULE, ERR_DEFINITION_DUPLICATE, ERR_STORE_LOCKED, ERR_STORE_NEWER, ERR_STORE_OPEN.
 */
export async function checkVersions(options: CheckVersionsOptions): Promise<VersionReport> {
  const { store: url, synchronous } = resolveOptions({ ...options, threads: 0 });
  const definitions = await loadDefinitions(options.actors);
  const store = await openStore({ url, synchronous });
  try {
    return await check(toReads(store), definitions);
  } finally {
    await store.close();
  }
}

/**
 * The definitions of modules, with the built-in ones.
 * @throws {TroupeError} ERR_OPTIONS_INVALID, ERR_DEFINITION_MODULE, ERR_DEFINITION_DUPLICATE, ERR_DEFINITION_INVALID.
 */
export async function loadDefinitions(actors: SystemOptions['actors']): Promise<Definitions> {
  const { modules, definitions: given } = resolveOptions({ actors, store: 'memory:', threads: 0 });
  const definitions = new Definitions();
  await loadModules([builtinModule(), ...modules], definitions);
  for (const definition of given) definitions.add(definition, 'checkVersions({ actors })');
  definitions.assertReplacements();
  return definitions;
}

function toReads(store: Store): Pick<StoreClient, 'call'> {
  const call = (method: keyof Store, ...args: readonly unknown[]): unknown =>
    (store[method] as (...args: unknown[]) => unknown).apply(store, [...args]);
  return { call: call as never };
}
