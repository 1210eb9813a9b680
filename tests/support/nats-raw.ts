/**
 * A NATS client over a plain socket and nothing else, as a newcomer in any language would write one from the description
 * of the protocol. It shows that actors can be driven without our library and without one of NATS.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';

export interface RawOptions {
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
  readonly name?: string;
}

export interface RawMessage {
  readonly subject: string;
  readonly reply: string | undefined;
  /** The header lines as they came, without the version line; '' when there are none. */
  readonly headers: string;
  /** What stands behind the version of the headers, for example '503' when nobody answers. */
  readonly status: string;
  readonly text: string;
}

export interface RawPublish {
  readonly reply?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface RawRequest extends Omit<RawPublish, 'reply'> {
  /** @default 2000 */
  readonly timeoutMs?: number;
}

type Deliver = (message: RawMessage) => void;

const CRLF = '\r\n';
const WAIT_MS = 2_000;

/** Connects and waits for the server's PONG. @throws {Error} with the words of the server when it refuses */
export async function connectRaw(url: string, options: RawOptions = {}): Promise<RawNats> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  await once(socket, 'connect');
  const raw = new RawNats(socket);
  const { user, password: pass, token: auth_token, name } = options;
  raw.write(
    `CONNECT ${JSON.stringify({ verbose: false, headers: true, no_responders: true, name, user, pass, auth_token })}`,
  );
  await raw.ping().catch((error: unknown) => {
    socket.destroy();
    throw error;
  });
  return raw;
}

/** One connection. What it has not been asked for it drops. */
export class RawNats implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #subscriptions = new Map<string, Deliver>();
  readonly #pongs: ((failure?: Error) => void)[] = [];
  readonly #errors: string[] = [];
  #info: Readonly<Record<string, unknown>> = {};
  #bytes = Buffer.alloc(0);
  #lastSid = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => this.#take(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => this.#failPongs());
  }

  /** What the server last said about itself. */
  get info(): Readonly<Record<string, unknown>> {
    return this.#info;
  }

  /** What the server complained of, in its words. */
  get errors(): readonly string[] {
    return this.#errors;
  }

  get isClosed(): boolean {
    return this.#socket.destroyed;
  }

  /** Writes lines of the protocol as they are, also wrong ones. */
  write(...lines: readonly string[]): void {
    this.#socket.write(lines.map((line) => line + CRLF).join(''));
  }

  /** Resolves when the server has read all that was written before. */
  ping(): Promise<void> {
    if (this.isClosed) return Promise.reject(this.#closed());
    const pong = new Promise<void>((resolve, reject) =>
      this.#pongs.push((failure) => (failure ? reject(failure) : resolve())),
    );
    this.write('PING');
    return withinMs(pong, WAIT_MS, 'no PONG');
  }

  /** Delivers what is published from now on. The function it returns ends that. */
  subscribe(subject: string, deliver: Deliver, queue?: string): () => void {
    const sid = String(++this.#lastSid);
    this.#subscriptions.set(sid, deliver);
    this.write(queue === undefined ? `SUB ${subject} ${sid}` : `SUB ${subject} ${queue} ${sid}`);
    return () => {
      this.#subscriptions.delete(sid);
      this.write(`UNSUB ${sid}`);
    };
  }

  /** Publishes with PUB, or with HPUB where there are headers. */
  publish(subject: string, text: string, { reply, headers }: RawPublish = {}): void {
    const to = reply === undefined ? subject : `${subject} ${reply}`;
    const textBytes = Buffer.byteLength(text);
    if (!headers) return this.write(`PUB ${to} ${textBytes}`, text);
    const lines = Object.entries(headers).map(([key, value]) => `${key}: ${value}${CRLF}`);
    const head = `NATS/1.0${CRLF}${lines.join('')}${CRLF}`;
    const headBytes = Buffer.byteLength(head);
    this.write(`HPUB ${to} ${headBytes} ${headBytes + textBytes}`, head + text);
  }

  /** Publishes with an inbox of its own and resolves with the first reply. @throws {Error} when nobody answers */
  async request(subject: string, text = '', { timeoutMs = WAIT_MS, headers }: RawRequest = {}): Promise<RawMessage> {
    const reply = `_INBOX.${randomBytes(8).toString('hex')}`;
    let end = (): void => undefined;
    const answer = new Promise<RawMessage>((resolve) => (end = this.subscribe(reply, resolve)));
    this.publish(subject, text, { reply, ...(headers && { headers }) });
    const message = await withinMs(answer, timeoutMs, `no reply from '${subject}'`).finally(end);
    if (message.status.startsWith('503')) throw new Error(`nobody answers on '${subject}'`);
    return message;
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.#socket.destroy();
    await once(this.#socket, 'close');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #take(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    for (let end = this.#bytes.indexOf(CRLF); end >= 0; end = this.#bytes.indexOf(CRLF)) {
      const line = this.#bytes.toString('utf8', 0, end);
      const [word = '', ...rest] = line.split(' ');
      const isMessage = word === 'MSG' || word === 'HMSG';
      const bodyEnd = isMessage ? end + 2 + Number(rest.at(-1)) : end;
      if (this.#bytes.length < bodyEnd + 2) return;
      const body = this.#bytes.subarray(end + 2, bodyEnd);
      this.#bytes = this.#bytes.subarray(bodyEnd + 2);
      if (isMessage) this.#deliver(word, rest, body);
      else this.#obey(word, line.slice(word.length + 1));
    }
  }

  #deliver(word: string, args: readonly string[], body: Buffer): void {
    const [subject = '', sid = ''] = args;
    const sizes = word === 'HMSG' ? 2 : 1;
    const reply = args.length > 2 + sizes ? args[2] : undefined;
    const headBytes = word === 'HMSG' ? Number(args.at(-2)) : 0;
    const [version = '', ...lines] = body.toString('utf8', 0, headBytes).trimEnd().split(CRLF);
    const text = body.toString('utf8', headBytes);
    const message = { subject, reply, headers: lines.join(CRLF), status: version.slice('NATS/1.0 '.length), text };
    this.#subscriptions.get(sid)?.(message);
  }

  #obey(word: string, rest: string): void {
    if (word === 'PING') this.write('PONG');
    else if (word === 'PONG') this.#pongs.shift()?.();
    else if (word === 'INFO') this.#info = JSON.parse(rest) as Record<string, unknown>;
    else if (word === '-ERR') this.#errors.push(rest);
  }

  #failPongs(): void {
    for (const pong of this.#pongs.splice(0)) pong(this.#closed());
  }

  #closed(): Error {
    return new Error(`the connection is closed; the server said ${this.#errors.join(', ') || 'nothing'}`);
  }
}

async function withinMs<T>(promise: Promise<T>, timeoutMs: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} within ${timeoutMs} ms`)), timeoutMs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
