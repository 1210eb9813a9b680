/**
 * Which Node.js Troupe runs on. This file and the gate are read by old versions too, so both keep to plain JavaScript
 * that Node.js 12 parses: no `node:` prefix, no `?.`, no top-level await.
 */

/** Oldest supported version: the first that strips types by default, and loads the SQLite addon safely. */
export const MINIMUM_NODE_VERSION = '22.18.0';

/** Compares a version such as `v20.20.2` with the oldest supported one. */
export function checkNodeVersion(version) {
  const found = toNumbers(version);
  const needed = toNumbers(MINIMUM_NODE_VERSION);
  return { isSupported: compare(found, needed) >= 0, found: version, needed: MINIMUM_NODE_VERSION };
}

/** One line: what was found, what is needed, what to do next. Without a `rootPath` it is about an installed package. */
export function describeOldNode(check, execPath, rootPath) {
  const advice = rootPath
    ? `Run 'npm install' in ${rootPath}, with its optional dependencies, to get a private Node.js 24, or install Node.js 24 yourself.`
    : 'Install Node.js 24, and run it again with that.';
  return `Troupe needs Node.js ${check.needed} or newer, but this is ${check.found} (${execPath}). ${advice}`;
}

function toNumbers(version) {
  return String(version)
    .replace(/^v/, '')
    .split(/[.-]/, 3)
    .map((part) => Number(part) || 0);
}

function compare(left, right) {
  for (let i = 0; i < right.length; i++) {
    const difference = (left[i] || 0) - right[i];
    if (difference !== 0) return difference;
  }
  return 0;
}
