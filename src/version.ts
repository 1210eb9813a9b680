/** Which Troupe this is. */
import { readFileSync } from 'node:fs';
import { extname } from 'node:path';

/** The version in the package of this code. */
export function troupeVersion(): string {
  const isSource = extname(import.meta.url) === '.ts';
  const text = readFileSync(new URL(isSource ? '../package.json' : '../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}
