/** Options of the NATS engine: checked, with defaults, and without secrets where they are shown. */
import { z } from 'zod';
import { describeValue } from '../describe.ts';
import { TroupeError } from '../errors.ts';
import type { NatsOptions, NatsStreamOptions, NatsTls } from './client.ts';

const NAMESPACE = /^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/;
const DAY_MS = 86_400_000;
const DEFAULT_PORT = '4222';

/** Ways to say who one is. More than one of them contradict each other. */
const WAYS = ['user', 'token', 'credentialsFile', 'nkeySeed'] as const;

/** Options with everything filled in. Credentials of a URL have moved to where they belong. */
export interface ResolvedNatsOptions {
  /** As `nats://host:port`, without credentials. */
  readonly servers: readonly string[];
  readonly namespace: string;
  readonly credentials: NatsCredentials;
  readonly tls: NatsTls | undefined;
  readonly name: string;
  readonly connectTimeoutMs: number;
  readonly required: boolean;
  /** Undefined: what nobody else serves. */
  readonly actors?: boolean | readonly string[] | undefined;
  readonly stream: Required<Omit<NatsStreamOptions, 'maxBytes'>> & { readonly maxBytes: number | undefined };
}

/** Who one is, in one way. */
export type NatsCredentials =
  | { readonly kind: 'none' }
  | { readonly kind: 'user'; readonly user: string; readonly password: string | undefined }
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'nkey'; readonly seed: string };

const text = z.string().min(1);

const schema = z.strictObject({
  servers: z.union([text, z.array(text).min(1)]),
  namespace: z.string().regex(NAMESPACE).default('default'),
  user: text.optional(),
  password: z.string().optional(),
  token: text.optional(),
  credentialsFile: text.optional(),
  nkeySeed: z
    .string()
    .regex(/^SU[A-Z2-7]{56}$/)
    .optional(),
  tls: z
    .strictObject({
      caFile: text.optional(),
      certFile: text.optional(),
      keyFile: text.optional(),
      handshakeFirst: z.boolean().optional(),
    })
    .optional(),
  name: text.default('troupe'),
  connectTimeoutMs: z.int().min(100).max(600_000).default(5000),
  required: z.boolean().default(true),
  actors: z.union([z.boolean(), z.array(text)]).optional(),
  stream: z
    .strictObject({
      replicas: z.int().min(1).max(5).default(1),
      storage: z.enum(['file', 'memory']).default('file'),
      maxBytes: z.int().min(1).optional(),
      duplicateWindowMs: z.int().min(1000).max(DAY_MS).default(120_000),
      update: z.boolean().default(false),
    })
    .prefault({}),
});

/** What each option takes, and an example of it. */
const ALLOWED: Readonly<Record<keyof NatsOptions, string>> = {
  servers: "Use 'nats://HOST:PORT', 'tls://HOST:PORT', or a list of them: servers: 'nats://127.0.0.1:4222'.",
  namespace: "Use 1 to 32 characters of A-Z a-z 0-9 _ - that start with a letter or digit: namespace: 'shop'.",
  user: "Use a name, beside a password: user: 'agent'.",
  password: 'Use a text, beside a user.',
  token: 'Use a text that is not empty.',
  credentialsFile: "Use the path of a credentials file: credentialsFile: '/etc/nats/agent.creds'.",
  nkeySeed: "Use the seed of a user nkey, 58 characters that begin with 'SU'.",
  tls: "Use paths of PEM files: tls: { caFile: 'ca.pem', certFile: 'client.pem', keyFile: 'client.key' }.",
  name: "Use a text that is not empty: name: 'shop-1'.",
  connectTimeoutMs: 'Use a whole number of milliseconds from 100 to 600000: connectTimeoutMs: 5000.',
  required: 'Use true or false: required: true.',
  actors: "Use true, false or a list of types: actors: ['session'].",
  stream:
    "Use { replicas: 1 to 5, storage: 'file' or 'memory', maxBytes: 1 or more, duplicateWindowMs: 1000 to 86400000, update: true or false }.",
};

/** Options whose value is shown to nobody. */
const SECRET: ReadonlySet<string> = new Set(['password', 'token', 'nkeySeed', 'servers']);

/**
 * Checks the options and fills in what is left out.
 * @throws {TroupeError} ERR_OPTIONS_INVALID naming the option and what is allowed, never a secret.
 */
export function resolveNatsOptions(options: unknown): ResolvedNatsOptions {
  const parsed = schema.safeParse(typeof options === 'string' ? { servers: options } : options);
  if (!parsed.success) throw toError(options, parsed.error.issues[0]);
  const { user, password, token, credentialsFile, nkeySeed, servers: given, tls, stream, ...rest } = parsed.data;
  const urls = (typeof given === 'string' ? given.split(',') : given).map(parseServer);
  const [first] = urls;
  const withUser = urls.filter(({ username }) => username !== '');
  const [fromUrl] = withUser;
  if (withUser.some(({ username, password }) => username !== fromUrl?.username || password !== fromUrl.password))
    throw invalid('servers', 'has credentials that differ from one server to another; they are the same for all');
  const options_ = {
    user: user ?? (fromUrl?.password ? decodePart(fromUrl.username) : undefined),
    password: password ?? (fromUrl?.password ? decodePart(fromUrl.password) : undefined),
    token: token ?? (fromUrl && !fromUrl.password ? decodePart(fromUrl.username) : undefined),
    credentialsFile,
    nkeySeed,
  };
  const isTls = urls.some(({ protocol }) => protocol === 'tls:');
  if (!first) throw invalid('servers', 'is empty');
  return {
    ...rest,
    servers: urls.map(toAddress),
    credentials: toCredentials(options_),
    tls: checkTls(tls ? withoutUndefined(tls) : isTls ? {} : undefined),
    stream: { ...stream, maxBytes: stream.maxBytes },
  };
}

function parseServer(server: string): URL {
  const hasScheme = /^[a-z]+:\/\//i.test(server.trim());
  const url = URL.parse(hasScheme ? server.trim() : `nats://${server.trim()}`);
  if (!url || url.hostname === '') throw invalid('servers', 'has an entry that is no URL');
  if (url.protocol !== 'nats:' && url.protocol !== 'tls:') throw invalid('servers', `has the scheme '${url.protocol}'`);
  return url;
}

/** A user, password or token of a URL. */
function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw invalid('servers', "has credentials with a '%' that stands for nothing; write it as '%25'");
  }
}

const toAddress = ({ protocol, hostname, port }: URL): string => `${protocol}//${hostname}:${port || DEFAULT_PORT}`;

type CredentialOptions = Pick<NatsOptions, 'user' | 'password' | 'token' | 'credentialsFile' | 'nkeySeed'>;

function toCredentials(options: { readonly [K in keyof CredentialOptions]-?: string | undefined }): NatsCredentials {
  const given = WAYS.filter((way) => options[way] !== undefined);
  if (given.length > 1) throw invalid(given[1] ?? 'user', `contradicts '${given[0]}'; say who this is in one way`);
  const { user, password, token, credentialsFile: path, nkeySeed: seed } = options;
  if (user === undefined && password !== undefined) throw invalid('password', 'is given without a user');
  if (user !== undefined) return { kind: 'user', user, password };
  if (token !== undefined) return { kind: 'token', token };
  if (path !== undefined) return { kind: 'file', path };
  return seed === undefined ? { kind: 'none' } : { kind: 'nkey', seed };
}

function checkTls(tls: NatsTls | undefined): NatsTls | undefined {
  if (!tls || (tls.certFile === undefined) === (tls.keyFile === undefined)) return tls;
  throw invalid('tls', "has one of 'certFile' and 'keyFile', which go together");
}

type Defined<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

function withoutUndefined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as Defined<T>;
}

function toError(options: unknown, issue: z.core.$ZodIssue | undefined): TroupeError {
  if (issue?.code === 'unrecognized_keys') {
    const [key] = issue.keys;
    const path = ['nats', ...issue.path, key].join('.');
    return failure(path, 'is unknown', `Known options: ${Object.keys(ALLOWED).join(', ')}.`);
  }
  const [name, ...rest] = issue?.path ?? [];
  if (name === undefined)
    return failure('nats', `is ${describeValue(options)}`, "Pass a URL or options: nats: 'nats://127.0.0.1:4222'.");
  const isSecret = SECRET.has(String(name));
  const value = [name, ...rest].reduce<unknown>(
    (at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key],
    options,
  );
  const what = isSecret ? 'does not fit' : `is ${describeValue(value)}`;
  return failure(['nats', name, ...rest].join('.'), what, ALLOWED[name as keyof NatsOptions]);
}

function invalid(name: keyof NatsOptions, why: string): TroupeError {
  return failure(`nats.${name}`, why, ALLOWED[name]);
}

function failure(path: string, what: string, next: string): TroupeError {
  return new TroupeError('ERR_OPTIONS_INVALID', `createSystem: option '${path}' ${what}. ${next}`, {
    details: { path },
  });
}
