/** Where a NATS server can be had without root, in the order in which the places are tried. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Servers the bus is tested on: the newest, and the one that Debian 12 ships. */
export const NATS_VERSIONS = ['newest', '2.9.10'] as const;
export type NatsVersion = (typeof NATS_VERSIONS)[number];

/** A place to get a server from. */
export interface NatsSource {
  readonly name: string;
  /** Puts the server somewhere into an empty folder and resolves with its path. */
  fetch(folder: string): Promise<string>;
}

const APT_HELPER = '/usr/lib/apt/apt-helper';
const POOL = 'http://deb.debian.org/debian/pool/main/n/nats-server';
const RELEASES = 'https://github.com/nats-io/nats-server/releases/download';
const FETCH_TIMEOUT_MS = 30_000;

/** The release that the word `newest` stands for. Known before it is fetched, so that the cache can be looked up. */
export const NEWEST = '2.15.1';

/** Packages of the Debian archive with their checksums, from its signed index. */
const PACKAGES: Record<NatsVersion, { readonly version: string; readonly sha256: Readonly<Record<string, string>> }> = {
  newest: {
    version: `${NEWEST}-1`,
    sha256: {
      amd64: '31ef4ceaa84e8248d449e508472e3770c17c3695cb5cb0ee96e03912724ea884',
      arm64: '68923b614b6b5594bbd63ffdce7258c2155ec448fb4cb7efd099bf9273eca128',
    },
  },
  '2.9.10': {
    version: '2.9.10-1+b3',
    sha256: {
      amd64: '9f69ebb6f612e652382fde175622160dcd81fd97f2356f5da80bb5c3f48513dd',
      arm64: '7748c8906ffbaf4f08018c61eeeb5f5e57b4f7bd5307415a802450141b0ee8cd',
    },
  },
};
const RELEASED: Record<NatsVersion, string> = { newest: 'v2.12.1', '2.9.10': 'v2.9.10' };

/** The places for a version. The release comes before apt's own choice, which on an old system is an old server. */
export function sourcesOf(wanted: NatsVersion): readonly NatsSource[] {
  return [pinnedPackage(wanted), release(wanted), aptPackage()];
}

function pinnedPackage(wanted: NatsVersion): NatsSource {
  const { version, sha256 } = PACKAGES[wanted];
  const arch = process.arch === 'x64' ? 'amd64' : process.arch;
  const url = `${POOL}/nats-server_${version}_${arch}.deb`;
  return {
    name: `Debian package ${url}`,
    fetch: async (folder) => {
      const checksum = sha256[arch];
      if (process.platform !== 'linux' || !checksum) throw new Error(`no package for ${process.platform} ${arch}`);
      const file = join(folder, 'nats-server.deb');
      await download(url, file);
      assertChecksum(file, checksum);
      return unpackDeb(file, folder);
    },
  };
}

function aptPackage(): NatsSource {
  return {
    name: 'apt-get download nats-server',
    fetch: async (folder) => {
      await run('apt-get', ['download', 'nats-server'], folder);
      const deb = readdirSync(folder).find((name) => name.endsWith('.deb'));
      if (!deb) throw new Error('apt-get left no package');
      return unpackDeb(join(folder, deb), folder);
    },
  };
}

function release(wanted: NatsVersion): NatsSource {
  const name = `nats-server-${RELEASED[wanted]}-${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
  const url = `${RELEASES}/${RELEASED[wanted]}/${name}.tar.gz`;
  return {
    name: `release ${url}`,
    fetch: async (folder) => {
      const file = join(folder, 'release.tar.gz');
      await downloadPlainly(url, file);
      await run('tar', ['-xf', file], folder);
      return join(folder, name, 'nats-server');
    },
  };
}

/** Through apt where there is one: it knows the proxies and mirrors of the machine. */
async function download(url: string, file: string): Promise<void> {
  if (!existsSync(APT_HELPER)) return downloadPlainly(url, file);
  const limits = ['-o', 'Acquire::http::Timeout=15', '-o', 'Acquire::Retries=1'];
  await run(APT_HELPER, [...limits, 'download-file', url, file]);
}

async function downloadPlainly(url: string, file: string): Promise<void> {
  const response = await fetch(url, { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) }).catch((error: Error) => {
    throw new Error(error.cause instanceof Error ? error.cause.message : error.message, { cause: error });
  });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  writeFileSync(file, Buffer.from(await response.arrayBuffer()));
}

/** @throws {Error} when a file is not the one that was pinned. */
export function assertChecksum(file: string, sha256: string): void {
  const found = createHash('sha256').update(readFileSync(file)).digest('hex');
  if (found !== sha256) throw new Error(`its sha256 is ${found}, not ${sha256}: another file than the pinned one`);
}

/** Unpacks the server of a Debian package. @param hasDpkg false uses ar and tar, as on systems of another family */
export async function unpackDeb(
  deb: string,
  folder: string,
  hasDpkg = existsSync('/usr/bin/dpkg-deb'),
): Promise<string> {
  if (hasDpkg) await run('dpkg-deb', ['-x', deb, folder]);
  else {
    await run('ar', ['x', deb], folder);
    const data = readdirSync(folder).find((name) => name.startsWith('data.tar'));
    if (!data) throw new Error(`'${deb}' holds no data.tar`);
    await run('tar', ['-xf', data], folder);
  }
  const path = ['usr/sbin', 'usr/bin'].map((bin) => join(folder, bin, 'nats-server')).find((file) => existsSync(file));
  if (!path) throw new Error(`'${deb}' holds no nats-server`);
  return path;
}

async function run(command: string, args: readonly string[], cwd?: string): Promise<void> {
  try {
    await promisify(execFile)(command, args, { timeout: 2 * FETCH_TIMEOUT_MS, ...(cwd && { cwd }) });
  } catch (error) {
    const said = String((error as { stderr?: string }).stderr ?? '').match(/^E: .*$/m)?.[0];
    throw new Error(said ?? (error as Error).message.trim(), { cause: error });
  }
}
