/**
 * What the two ways in, `gate.mjs` and `troupe.mjs`, share: on a version of Node.js that will do they go on here, on an older
 * one they start over on the private Node.js 24 of the development dependencies, or say what to do. Read by old versions too.
 */
import { spawn } from 'child_process';
import { existsSync, realpathSync } from 'fs';
import { constants } from 'os';
import { dirname, join } from 'path';
import { fileURLToPath, pathToFileURL } from 'url';

import { checkNodeVersion, describeOldNode } from './node-version.mjs';

const EXIT_REFUSED = 2;

/** Folder of the repository, or of the installed package. */
export const rootPath = dirname(dirname(fileURLToPath(import.meta.url)));

/** Where the repository keeps what it depends on. */
export const modulesPath = join(rootPath, 'node_modules');

/** Calls `goOn` with the arguments where this Node.js will do, and starts `entryPath` over on the private one where not. */
export function passGate(entryPath, goOn) {
  const check = checkNodeVersion(process.version);
  if (check.isSupported) return goOn(process.argv.slice(2));
  const isRepository = existsSync(join(rootPath, 'tools', 'node'));
  const message = describeOldNode(check, process.execPath, isRepository ? rootPath : undefined);
  const privateNodePath = findPrivateNode();
  if (privateNodePath) startOver(privateNodePath, entryPath, message);
  else refuse(message);
}

/** Runs a script inside this process, so that signals and the exit code need no forwarding. */
export function runScript(path, args) {
  process.argv = [process.execPath, path].concat(args);
  // Every thread loads the same modules: compiled once, they start three times faster.
  import('module')
    .then(({ enableCompileCache }) => enableCompileCache && enableCompileCache())
    .then(() => import(pathToFileURL(path).href))
    .catch((error) => {
      console.error(error);
      process.exit(1);
    });
}

/** Says why nothing is done. */
export function refuse(message) {
  console.error(message);
  process.exitCode = EXIT_REFUSED;
}

/** The Node.js 24 that `tools/node` depends on, unless it is this very process. */
function findPrivateNode() {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const fileName = process.platform === 'win32' ? 'node.exe' : 'node';
  const path = join(modulesPath, `node-${platform}-${process.arch}`, 'bin', fileName);
  return existsSync(path) && realpathSync(path) !== realpathSync(process.execPath) ? path : undefined;
}

function startOver(nodePath, entryPath, message) {
  const child = spawn(nodePath, process.execArgv.concat(entryPath, process.argv.slice(2)), { stdio: 'inherit' });
  // Ctrl-C in a terminal reaches the child by itself; a second copy would count as the user's second Ctrl-C.
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  process.on('SIGHUP', () => child.kill('SIGHUP'));
  child.on('error', (error) => refuse(`${message} (${error.message})`));
  child.on('exit', (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : code));
}
