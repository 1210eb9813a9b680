/** Where the built-in definitions are; every thread loads them before the user's. */
import { extname } from 'node:path';

/** URL of the module that exports session, agent, group and versions. */
export function builtinModule(): string {
  const isSource = extname(import.meta.url) === '.ts';
  return new URL(isSource ? '../../actors/index.ts' : '../../actors/index.js', import.meta.url).href;
}
