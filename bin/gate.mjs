/**
 * The gate before every script. It checks the version of Node.js before anything else is loaded, since a TypeScript
 * file or the SQLite addon ends an old one with a puzzling error, or a crash.
 *
 *   node bin/gate.mjs <script.ts> [arguments]     runs a script of this repository
 *   node bin/gate.mjs --exec <tool> [arguments]   runs an installed tool, see TOOL_PACKAGES
 *
 * Both run inside this process. Where this process is too old and the private Node.js 24 of the development dependencies
 * is installed, the gate starts over on that one.
 */
import { existsSync, readFileSync } from 'fs';
import { join, resolve } from 'path';
import { fileURLToPath } from 'url';

import { modulesPath, passGate, refuse, rootPath, runScript } from './start.mjs';

const TOOL_PACKAGES = {
  attw: '@arethetypeswrong/cli',
  oxfmt: 'oxfmt',
  oxlint: 'oxlint',
  publint: 'publint',
  tsc: 'typescript',
  vitest: 'vitest',
};

passGate(fileURLToPath(import.meta.url), (args) => {
  const isTool = args[0] === '--exec';
  const name = args[isTool ? 1 : 0];
  if (!name)
    return refuse('Usage: node bin/gate.mjs <script.ts> [arguments], or node bin/gate.mjs --exec <tool> [arguments].');
  const path = isTool ? findTool(name) : resolve(name);
  if (!path) return;
  if (!existsSync(path))
    return refuse(`'${path}' does not exist. Run scripts through npm, for example 'npm run demo'.`);
  runScript(path, args.slice(isTool ? 2 : 1));
});

function findTool(name) {
  const packageName = TOOL_PACKAGES[name];
  if (!packageName) {
    refuse(`The gate knows no tool '${name}'. It knows ${Object.keys(TOOL_PACKAGES).join(', ')}.`);
    return undefined;
  }
  const packagePath = join(modulesPath, packageName);
  if (!existsSync(packagePath)) {
    refuse(`'${name}' is not installed. Run 'npm install' in ${rootPath}.`);
    return undefined;
  }
  const bin = JSON.parse(readFileSync(join(packagePath, 'package.json'), 'utf8')).bin;
  return join(packagePath, typeof bin === 'string' ? bin : bin[name]);
}
