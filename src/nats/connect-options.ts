/** Options of a connection in the words of @nats-io/transport-node. Part of the adapter `nats-client.ts`. */
import { readFile } from 'node:fs/promises';
import { credsAuthenticator, nkeyAuthenticator } from '@nats-io/transport-node';
import type { ConnectionOptions } from '@nats-io/transport-node';
import { TroupeError } from '../errors.ts';
import { reasonOf } from './faults.ts';
import type { ResolvedNatsOptions } from './options.ts';

/** Between two tries of a server; up to twice as long, so that many clients do not come at once. */
export const RECONNECT_MS = 250;

/** A connection that is silent is noticed after three of these. */
const PING_MS = 2000;

const encoder = new TextEncoder();

/** Reads what is named by paths, and says who we are in the words of the library. */
export async function toLibraryOptions(options: ResolvedNatsOptions): Promise<ConnectionOptions> {
  const { servers, credentials, name, connectTimeoutMs, tls } = options;
  return {
    servers: [...servers],
    name,
    timeout: connectTimeoutMs,
    reconnect: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_MS,
    reconnectJitter: RECONNECT_MS,
    reconnectJitterTLS: RECONNECT_MS,
    ignoreAuthErrorAbort: true,
    pingInterval: PING_MS,
    maxPingOut: 2,
    noAsyncTraces: true,
    ...(await toAuth(credentials)),
    ...(tls && { tls: await toTls(tls) }),
  };
}

async function toAuth(credentials: ResolvedNatsOptions['credentials']): Promise<Partial<ConnectionOptions>> {
  switch (credentials.kind) {
    case 'none':
      return {};
    case 'user':
      return { user: credentials.user, pass: credentials.password ?? '' };
    case 'token':
      return { token: credentials.token };
    case 'nkey':
      return { authenticator: nkeyAuthenticator(encoder.encode(credentials.seed)) };
    case 'file':
      return { authenticator: credsAuthenticator(await readOption('credentialsFile', credentials.path)) };
  }
}

async function toTls(tls: NonNullable<ResolvedNatsOptions['tls']>): Promise<NonNullable<ConnectionOptions['tls']>> {
  const read = async (field: 'caFile' | 'certFile' | 'keyFile'): Promise<string | undefined> => {
    const path = tls[field];
    return path === undefined ? undefined : (await readOption(`tls.${field}`, path)).toString('utf8');
  };
  const [ca, cert, key] = await Promise.all([read('caFile'), read('certFile'), read('keyFile')]);
  const { handshakeFirst } = tls;
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(handshakeFirst && { handshakeFirst }),
  };
}

async function readOption(option: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new TroupeError(
      'ERR_OPTIONS_INVALID',
      `createSystem: option 'nats.${option}' names '${path}', which cannot be read: ${reasonOf(cause)}. Correct the path or its permissions.`,
      { cause, details: { path: `nats.${option}` } },
    );
  }
}
