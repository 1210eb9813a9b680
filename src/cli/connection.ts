/** How a command comes to its server: the options all commands share. */
import { Option } from 'commander';
import type { Command } from 'commander';
import { createRealEnv } from '../env.ts';
import { isTroupeError } from '../errors.ts';
import type { NatsClient, NatsOptions } from '../nats/client.ts';
import { reasonOf } from '../nats/faults.ts';
import { connectNats } from '../nats/nats-client.ts';
import { createLogger } from '../observe/logger.ts';
import { Refusal } from './refusal.ts';

/** The options, as commander gives them. */
export interface ConnectionFlags {
  readonly nats: string;
  readonly namespace: string;
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
  readonly creds?: string;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsFirst?: boolean;
}

const CONNECT_TIMEOUT_MS = 3000;

/** Adds the options to a command. What must not be seen in a list of processes can come from the environment. */
export function addConnectionOptions(command: Command): Command {
  const url = new Option('--nats <url>', 'server, or several with commas between them').env('NATS_URL');
  return command
    .addOption(url.default('nats://127.0.0.1:4222'))
    .option('--namespace <name>', 'namespace of the systems', 'default')
    .addOption(new Option('--user <name>', 'user').env('NATS_USER'))
    .addOption(new Option('--password <text>', 'password').env('NATS_PASSWORD'))
    .addOption(new Option('--token <text>', 'token').env('NATS_TOKEN'))
    .addOption(new Option('--creds <file>', 'credentials file').env('NATS_CREDS'))
    .addOption(new Option('--tls-ca <file>', 'certificates of the authorities to trust').env('NATS_CA'))
    .addOption(new Option('--tls-cert <file>', 'certificate of this client').env('NATS_CERT'))
    .addOption(new Option('--tls-key <file>', 'key of that certificate').env('NATS_KEY'))
    .option('--tls-first', 'speak TLS before the server has said a word');
}

/** Connects. @throws {Refusal} when no server answers, or it does not let one in. */
export async function openClient(flags: ConnectionFlags, name: string): Promise<NatsClient> {
  const log = createLogger(() => {}, {});
  try {
    return await connectNats(toNatsOptions(flags, name), { env: createRealEnv(), log });
  } catch (error) {
    throw toRefusal(error);
  }
}

/** The advice of the port is for those who write programs. */
function toRefusal(error: unknown): unknown {
  if (!isTroupeError(error)) return error;
  const { servers } = error.details;
  const where = Array.isArray(servers) ? servers.join(', ') : '';
  const reason = reasonOf(error.cause);
  if (error.code === 'ERR_NATS_UNAVAILABLE')
    return new Refusal(`No NATS server answers at ${where}: ${reason}. Start one, or name another with --nats.`, {
      cause: error,
    });
  if (error.code === 'ERR_NATS_AUTH')
    return new Refusal(
      `The NATS server at ${where} does not accept the credentials: ${reason}. Give --user and --password, --token or --creds.`,
      { cause: error },
    );
  return new Refusal(error.message.replace(/^createSystem: option '([^']+)'/, toFlag), { cause: error });
}

const FLAGS: Readonly<Record<string, string>> = {
  'nats.servers': '--nats',
  'nats.servers.0': '--nats',
  'nats.credentialsFile': '--creds',
  'nats.tls.caFile': '--tls-ca',
  'nats.tls.certFile': '--tls-cert',
  'nats.tls.keyFile': '--tls-key',
};

function toFlag(_match: string, option: string): string {
  return `Option '${FLAGS[option] ?? option.replace(/^nats\./, '--')}'`;
}

/** What the port to NATS takes. @param name how the connection is called on the server */
export function toNatsOptions(flags: ConnectionFlags, name: string): NatsOptions {
  const { user, password, token, creds: credentialsFile } = flags;
  const tls = toTls(flags);
  return {
    servers: flags.nats.split(',').map((url) => url.trim()),
    namespace: flags.namespace,
    name,
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
    ...(user !== undefined && { user }),
    ...(password !== undefined && { password }),
    ...(token !== undefined && { token }),
    ...(credentialsFile !== undefined && { credentialsFile }),
    ...(tls && { tls }),
  };
}

function toTls({ tlsCa, tlsCert, tlsKey, tlsFirst }: ConnectionFlags): NatsOptions['tls'] {
  const tls = {
    ...(tlsCa !== undefined && { caFile: tlsCa }),
    ...(tlsCert !== undefined && { certFile: tlsCert }),
    ...(tlsKey !== undefined && { keyFile: tlsKey }),
    ...(tlsFirst && { handshakeFirst: true }),
  };
  return Object.keys(tls).length > 0 ? tls : undefined;
}
