/** Finds the NATS servers that tests run on, or fetches them into the cache of the project. */
import { execFile } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { NATS_VERSIONS, NEWEST, sourcesOf } from './nats-download.ts';
import type { NatsSource, NatsVersion } from './nats-download.ts';

export { NATS_VERSIONS } from './nats-download.ts';
export type { NatsVersion } from './nats-download.ts';

/** A server on this machine. */
export interface NatsBinary {
  readonly path: string;
  /** As it says itself, for example '2.15.1'. */
  readonly version: string;
}

/** What the search looks at. */
export interface NatsSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cacheFolder: string;
  readonly sources: readonly NatsSource[];
}

/** What became of the search for one version. */
export type NatsSearch = { readonly wanted: NatsVersion } & (
  | { readonly found: NatsBinary; readonly remark?: string }
  | { readonly problem: string }
);

const CACHE = fileURLToPath(new URL('../../.cache/nats-server', import.meta.url));
const VARIABLE = 'TROUPE_NATS_SERVER';
const searches = new Map<NatsVersion, Promise<NatsBinary>>();

/**
 * A server: the one TROUPE_NATS_SERVER names, else that on PATH, else that of the cache, else one fetched into it. A
 * version that is asked for by number is taken only where it is that version. Searches once per process.
 * @throws {Error} naming every place that was tried, and why it failed
 */
export function findNatsServer(wanted: NatsVersion = 'newest'): Promise<NatsBinary> {
  const search =
    searches.get(wanted) ??
    searchNatsServer(wanted, { env: process.env, cacheFolder: CACHE, sources: sourcesOf(wanted) });
  searches.set(wanted, search);
  return search;
}

/** Searches for every version that contracts are tested on. A version that cannot be had is reported, not left out. */
export async function findNatsServers(): Promise<readonly NatsSearch[]> {
  const results = await Promise.allSettled(NATS_VERSIONS.map((wanted) => findNatsServer(wanted)));
  return results.map((result, index) => {
    const wanted = NATS_VERSIONS[index]!;
    if (result.status === 'rejected') return { wanted, problem: (result.reason as Error).message };
    const remark = remarkOn(wanted, result.value);
    return { wanted, found: result.value, ...(remark && { remark }) };
  });
}

function remarkOn(wanted: NatsVersion, { version, path }: NatsBinary): string | undefined {
  if (wanted !== 'newest' || version === NEWEST) return undefined;
  return `The newest NATS server that tests run on is ${version} ('${path}'), not ${NEWEST}.`;
}

/** The search itself, in given surroundings. */
export async function searchNatsServer(wanted: NatsVersion, surroundings: NatsSurroundings): Promise<NatsBinary> {
  const { env, cacheFolder } = surroundings;
  const tried: string[] = [];
  const named = env[VARIABLE] ? await probeNamed(env[VARIABLE]) : undefined;
  if (named && fits(wanted, named)) return named;
  if (named) tried.push(`${VARIABLE}='${named.path}': it is ${named.version}`);
  const onPath = await probeOnPath(env['PATH'] ?? '');
  if (onPath && fits(wanted, onPath)) return onPath;
  tried.push(onPath ? `PATH: '${onPath.path}' is ${onPath.version}` : 'PATH: no nats-server');
  const cached = await probe(cachedPath(cacheFolder, wanted === 'newest' ? NEWEST : wanted)).catch(() => undefined);
  if (cached) return cached;
  tried.push(`cache '${cacheFolder}': not there`);
  const fetched = (await fetchFirst(wanted, surroundings, tried)) ?? (await probeOtherCached(wanted, cacheFolder));
  if (fetched) return fetched;
  throw new Error(
    `No NATS server ${wanted} for the tests. Tried:\n${tried.map((line) => `  - ${line}`).join('\n')}\n` +
      `Set ${VARIABLE} to the path of a nats-server${wanted === 'newest' ? '' : ` ${wanted}`}, or put one on PATH.`,
  );
}

function fits(wanted: NatsVersion, { version }: NatsBinary): boolean {
  return wanted === 'newest' || wanted === version;
}

const cachedPath = (cacheFolder: string, version: string): string => join(cacheFolder, version, 'nats-server');

async function probeNamed(path: string): Promise<NatsBinary> {
  return probe(path).catch((error: unknown) => {
    throw new Error(
      `${VARIABLE} names '${path}', which is no NATS server that runs here (${(error as Error).message}). ` +
        `Set it to the path of a nats-server, or unset it and one is looked for.`,
      { cause: error },
    );
  });
}

async function probeOnPath(path: string): Promise<NatsBinary | undefined> {
  const files = path.split(delimiter).map((folder) => join(folder || '.', 'nats-server'));
  const file = files.find((candidate) => existsSync(candidate));
  return file ? probe(file).catch(() => undefined) : undefined;
}

/** What a file says its version is. @throws {Error} when it is no NATS server */
async function probe(path: string): Promise<NatsBinary> {
  accessSync(path, constants.X_OK);
  const { stdout } = await promisify(execFile)(path, ['--version'], { timeout: 10_000 });
  const version = /^nats-server: v(\d+\.\d+\.\d+\S*)/.exec(stdout)?.[1];
  if (!version) throw new Error(`'--version' printed '${stdout.trim().slice(0, 80)}'`);
  return { path, version };
}

/** Without a network, what an earlier run has fetched is better than nothing. */
async function probeOtherCached(wanted: NatsVersion, cacheFolder: string): Promise<NatsBinary | undefined> {
  if (wanted !== 'newest' || !existsSync(cacheFolder)) return undefined;
  const versions = readdirSync(cacheFolder).filter((name) => /^\d/.test(name));
  const newest = versions.toSorted((a, b) => b.localeCompare(a, 'en', { numeric: true }))[0];
  return newest === undefined ? undefined : probe(cachedPath(cacheFolder, newest)).catch(() => undefined);
}

async function fetchFirst(
  wanted: NatsVersion,
  { sources, cacheFolder }: NatsSurroundings,
  tried: string[],
): Promise<NatsBinary | undefined> {
  for (const source of sources) {
    try {
      const fetched = await fetchInto(cacheFolder, source);
      if (fits(wanted, fetched)) return fetched;
      tried.push(`${source.name}: it is ${fetched.version}`);
    } catch (error) {
      tried.push(`${source.name}: ${(error as Error).message}`);
    }
  }
  return undefined;
}

// Only a rename shows a server to others, so whoever fetches at the same time finds all of it or nothing.
async function fetchInto(cacheFolder: string, source: NatsSource): Promise<NatsBinary> {
  mkdirSync(cacheFolder, { recursive: true });
  const folder = mkdtempSync(join(cacheFolder, '.fetch-'));
  try {
    const fetched = await source.fetch(folder);
    chmodSync(fetched, 0o755);
    const { version } = await probe(fetched);
    const path = cachedPath(cacheFolder, version);
    mkdirSync(join(cacheFolder, version), { recursive: true });
    renameSync(fetched, path);
    return { path, version };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
