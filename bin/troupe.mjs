#!/usr/bin/env node
/** The command `troupe`: the sources in the repository, what was built of them in the package. */
import { existsSync } from 'fs';
import { join } from 'path';
import { fileURLToPath } from 'url';

import { passGate, refuse, rootPath, runScript } from './start.mjs';

passGate(fileURLToPath(import.meta.url), (args) => {
  const paths = ['src/cli/troupe.ts', 'dist/src/cli/troupe.js'].map((path) => join(rootPath, path));
  const path = paths.find((candidate) => existsSync(candidate));
  if (path) runScript(path, args);
  else refuse(`'${paths[1]}' does not exist. Install the package anew.`);
});
