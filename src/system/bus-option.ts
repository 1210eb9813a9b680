/** The option `bus` of createSystem: an object, or the file that holds one. */
import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeValue } from '../describe.ts';
import { TroupeError } from '../errors.ts';
import { readPolicies } from '../bus/policies-yaml.ts';
import { isPolicyFault, parseBusOptions } from '../bus/policies.ts';
import type { BusSettings } from '../bus/policies.ts';

/** What the option takes, and an example of it. */
export const BUS_ALLOWED =
  "Use an object such as { slowMs: 10, subscribers: { audit: { replay: 'full' } } }, or a file that holds one: new URL('./bus.yaml', import.meta.url), or its absolute path.";

/**
 * Checks the option and fills in defaults. A file is read at once.
 * @throws {TroupeError} ERR_OPTIONS_INVALID naming the key, what it is, and what is allowed; in a file, also where.
 */
export function resolveBus(bus: unknown = {}): BusSettings {
  if (typeof bus === 'string' || bus instanceof URL) return readPolicies(toPath(bus));
  const result = parseBusOptions(bus);
  if (!isPolicyFault(result)) return result;
  const path = ['bus', ...result.path].join('.');
  const allowed = result.path.length === 0 ? `is ${describeValue(bus)}. ${BUS_ALLOWED}` : result.why;
  throw invalid(path, `option '${path}' ${allowed}`);
}

function toPath(bus: string | URL): string {
  const isFileUrl = bus instanceof URL ? bus.protocol === 'file:' : bus.startsWith('file://');
  if (isFileUrl) return fileUrlToPath(bus);
  if (typeof bus === 'string' && isAbsolute(bus)) return bus;
  const why = typeof bus === 'string' && !bus.includes('://') ? 'a relative path' : 'no URL of a file';
  throw invalid('bus', `option 'bus' is ${describeValue(String(bus))}, ${why}. ${BUS_ALLOWED}`);
}

function fileUrlToPath(url: string | URL): string {
  try {
    return fileURLToPath(url);
  } catch (cause) {
    throw invalid('bus', `option 'bus' is ${describeValue(String(url))}, no URL of a file here. ${BUS_ALLOWED}`, cause);
  }
}

function invalid(path: string, text: string, cause?: unknown): TroupeError {
  return new TroupeError('ERR_OPTIONS_INVALID', `createSystem: ${text}`, { details: { path }, cause });
}
