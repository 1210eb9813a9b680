/** Imports the modules that export definitions; every thread does, main included. */
import type { Definitions } from '../actor/definitions.ts';
import { TroupeError } from '../errors.ts';

/**
 * Imports modules and adds the definitions they export.
 * @throws {TroupeError} ERR_DEFINITION_MODULE when one cannot be imported or exports no definition;
 * ERR_DEFINITION_DUPLICATE when two definitions share a type.
 */
export async function loadModules(urls: readonly string[], definitions: Definitions): Promise<void> {
  for (const url of urls) {
    const exports = await importModule(url);
    if (definitions.addModule(exports, url) > 0) continue;
    throw new TroupeError(
      'ERR_DEFINITION_MODULE',
      `Module '${url}' exports no definition. Export what defineActor() returns, by name.`,
      { details: { module: url } },
    );
  }
}

async function importModule(url: string): Promise<Record<string, unknown>> {
  try {
    return (await import(url)) as Record<string, unknown>;
  } catch (cause) {
    throw new TroupeError(
      'ERR_DEFINITION_MODULE',
      `Module '${url}' could not be imported: ${cause instanceof Error ? cause.message : String(cause)}. It must load in every thread without side effects.`,
      { cause, details: { module: url } },
    );
  }
}
