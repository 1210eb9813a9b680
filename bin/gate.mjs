/**
 * The gate before every script. It checks the version of Node.js before anything else is loaded, since a TypeScript
 * file or the SQLite addon ends an old one with a puzzling error, or a crash.
 *
 *   node bin/gate.mjs <script.ts> [arguments]     runs a script of this repository
 *   node bin/gate.mjs --exec <tool> [arguments]   runs an installed tool, see TOOL_PACKAGES
 *
 * Both run inside this process, so that signals and the exit code need no forwarding. Where this process is too old and
 * the private Node.js 24 of the development dependencies is installed, the gate starts over on that one.
 */
import { spawn } from 'child_process';
import { existsSync, readFileSync, realpathSync } from 'fs';
import { constants } from 'os';
import { dirname, join, resolve } from 'path';
import { fileURLToPath, pathToFileURL } from 'url';

import { checkNodeVersion, describeOldNode } from './node-version.mjs';

const EXIT_REFUSED = 2;
const TOOL_PACKAGES = {
  attw: '@arethetypeswrong/cli',
  oxfmt: 'oxfmt',
  oxlint: 'oxlint',
  publint: 'publint',
  tsc: 'typescript',
  vitest: 'vitest',
};
const gatePath = fileURLToPath(import.meta.url);
const rootPath = dirname(dirname(gatePath));
const modulesPath = join(rootPath, 'node_modules');

const check = checkNodeVersion(process.version);
if (check.isSupported) {
  runHere(process.argv.slice(2));
} else {
  const privateNodePath = findPrivateNode();
  if (privateNodePath) startOver(privateNodePath);
  else refuse(describeOldNode(check, process.execPath, rootPath));
}

function runHere(args) {
  const isTool = args[0] === '--exec';
  const scriptArgs = args.slice(isTool ? 2 : 1);
  const name = args[isTool ? 1 : 0];
  if (!name)
    return refuse('Usage: node bin/gate.mjs <script.ts> [arguments], or node bin/gate.mjs --exec <tool> [arguments].');
  const path = isTool ? findTool(name) : resolve(name);
  if (!path) return;
  if (!existsSync(path))
    return refuse(`'${path}' does not exist. Run scripts through npm, for example 'npm run demo'.`);
  process.argv = [process.execPath, path].concat(scriptArgs);
  // Every thread loads the same modules: compiled once, they start three times faster.
  import('module')
    .then(({ enableCompileCache }) => enableCompileCache && enableCompileCache())
    .then(() => import(pathToFileURL(path).href))
    .catch((error) => {
      console.error(error);
      process.exit(1);
    });
}

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

/** The Node.js 24 that `tools/node` depends on, unless it is this very process. */
function findPrivateNode() {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const fileName = process.platform === 'win32' ? 'node.exe' : 'node';
  const path = join(modulesPath, `node-${platform}-${process.arch}`, 'bin', fileName);
  return existsSync(path) && realpathSync(path) !== realpathSync(process.execPath) ? path : undefined;
}

function startOver(nodePath) {
  const child = spawn(nodePath, process.execArgv.concat(gatePath, process.argv.slice(2)), { stdio: 'inherit' });
  // Ctrl-C in a terminal reaches the child by itself; a second copy would count as the user's second Ctrl-C.
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  process.on('SIGHUP', () => child.kill('SIGHUP'));
  child.on('error', (error) => refuse(`${describeOldNode(check, process.execPath, rootPath)} (${error.message})`));
  child.on('exit', (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : code));
}

function refuse(message) {
  console.error(message);
  process.exitCode = EXIT_REFUSED;
}
