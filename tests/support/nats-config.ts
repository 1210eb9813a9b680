/** The configuration file of a test server, as a pure function of what a test asks for. */

/** A user of the account that tests work in. */
export interface NatsUser {
  readonly user: string;
  readonly password: string;
  /** Subjects; all of them where it is left out. */
  readonly permissions?: {
    readonly publish?: readonly string[];
    readonly subscribe?: readonly string[];
    /** May answer requests on inboxes that are not in `publish`. */
    readonly allowResponses?: boolean;
  };
}

/** Who may connect. A server with a token has no system user. */
export type NatsAuth = { readonly token: string } | { readonly users: readonly NatsUser[] };

export interface JetStreamLimits {
  /** @default 64 MiB */
  readonly maxMemoryBytes?: number;
  /** @default 1 GiB */
  readonly maxFileBytes?: number;
  /** When the server syncs, `always` for every message. Left out of the file for servers before 2.10, which refuse it. */
  readonly syncInterval?: string;
}

export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
  /** The certificate is its own authority. */
  readonly caFile: string;
}

export interface NatsCluster {
  readonly name: string;
  readonly port: number;
  /** Of all its servers, this one too. */
  readonly ports: readonly number[];
}

/** All that goes into the file. */
export interface NatsSettings {
  readonly version: string;
  readonly name: string;
  readonly port: number;
  readonly monitorPort: number;
  readonly storeDir: string;
  /** @default true */
  readonly jetstream?: boolean | JetStreamLimits;
  readonly maxPayloadBytes?: number;
  readonly auth?: NatsAuth;
  readonly tls?: TlsFiles;
  readonly cluster?: NatsCluster;
  /** Lines of the server's own language, put last. */
  readonly config?: string;
}

/** The user of the system account on every server without a token: it may ask `$SYS.REQ.SERVER.PING.VARZ`. */
export const SYSTEM_USER = { user: 'system', password: 'system' } as const;

const DEFAULT_USER: NatsUser = { user: 'anyone', password: 'anyone' };
const quote = (text: string | number): string => JSON.stringify(text);
const subjects = (allowed: readonly string[]): string => `[${allowed.map(quote).join(', ')}]`;

/** Writes the file. Everything listens on this machine alone. */
export function toNatsConfig(settings: NatsSettings): string {
  const { name, port, monitorPort, maxPayloadBytes, tls, cluster, config = '' } = settings;
  const lines = [
    `server_name: ${quote(name)}`,
    `listen: ${quote(`127.0.0.1:${port}`)}`,
    `http: ${quote(`127.0.0.1:${monitorPort}`)}`,
    maxPayloadBytes && `max_payload: ${maxPayloadBytes}`,
    jetStreamLine(settings),
    ...authLines(settings),
    tls && `tls { cert_file: ${quote(tls.certFile)}, key_file: ${quote(tls.keyFile)} }`,
    cluster && clusterLine(cluster),
    config,
  ];
  return `${lines.filter(Boolean).join('\n')}\n`;
}

function jetStreamLine({ jetstream = true, storeDir, version }: NatsSettings): string | undefined {
  if (jetstream === false) return undefined;
  const { maxMemoryBytes = 2 ** 26, maxFileBytes = 2 ** 30, syncInterval } = jetstream === true ? {} : jetstream;
  const sync =
    syncInterval !== undefined && takesSyncInterval(version) ? `, sync_interval: ${quote(syncInterval)}` : '';
  const limits = `max_memory_store: ${maxMemoryBytes}, max_file_store: ${maxFileBytes}`;
  return `jetstream { store_dir: ${quote(storeDir)}, ${limits}${sync} }`;
}

/** Whether a server knows `sync_interval`. */
export function takesSyncInterval(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 2 || (major === 2 && minor >= 10);
}

function authLines({ auth, jetstream = true }: NatsSettings): readonly string[] {
  if (auth && 'token' in auth) return [`authorization { token: ${quote(auth.token)} }`];
  const users = auth?.users ?? [DEFAULT_USER];
  const enabled = jetstream === false ? '' : 'jetstream: enabled, ';
  return [
    'accounts {',
    `  SYS { users: [${userLine(SYSTEM_USER)}] }`,
    `  TESTS { ${enabled}users: [${users.map(userLine).join(', ')}] }`,
    '}',
    'system_account: SYS',
    ...(auth ? [] : [`no_auth_user: ${quote(DEFAULT_USER.user)}`]),
  ];
}

function userLine({ user, password, permissions }: NatsUser): string {
  return `{ user: ${quote(user)}, password: ${quote(password)}${permissions ? `, ${permissionsOf(permissions)}` : ''} }`;
}

function permissionsOf({ publish, subscribe, allowResponses }: NonNullable<NatsUser['permissions']>): string {
  const parts = [
    publish && `publish: ${subjects(publish)}`,
    subscribe && `subscribe: ${subjects(subscribe)}`,
    allowResponses && 'allow_responses: true',
  ];
  return `permissions: { ${parts.filter(Boolean).join(', ')} }`;
}

function clusterLine({ name, port, ports }: NatsCluster): string {
  const routes = ports.map((each) => quote(`nats://127.0.0.1:${each}`)).join(', ');
  return `cluster { name: ${quote(name)}, listen: ${quote(`127.0.0.1:${port}`)}, routes: [${routes}] }`;
}
