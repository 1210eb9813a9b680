/** The one pino of a process. Worker threads log to main, main logs here. Secrets are redacted by key. */
import pino from 'pino';
import type { LogLevel, LogSink } from './logger.ts';

const REDACTED = ['password', 'token', 'secret', 'authorization', 'apiKey'];

/**
 * A sink that writes JSON lines to standard error, from `level` on; `silent` writes nothing; a function takes them itself,
 * and what it throws is kept from the code that logs.
 */
export function createSink(level: LogLevel | 'silent' | LogSink): LogSink {
  if (typeof level === 'function') return guard(level);
  if (level === 'silent') return () => {};
  const paths = REDACTED.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]);
  const logger = pino({ level, redact: paths, base: { pid: process.pid } }, pino.destination({ fd: 2, sync: true }));
  return (at, fields, text) => logger[at](fields, text);
}

/** Logging must not break what it tells about: the first failure is said on standard error, the others are dropped. */
function guard(sink: LogSink): LogSink {
  let isTold = false;
  const fail = (error: unknown): void => {
    if (isTold) return;
    isTold = true;
    process.stderr.write(`Troupe: the function in option 'log' failed and lines are lost: ${toText(error)}\n`);
  };
  return (level, fields, text) => {
    try {
      const result: unknown = sink(level, fields, text);
      if (result instanceof Promise) result.catch(fail);
    } catch (error) {
      fail(error);
    }
  };
}

function toText(error: unknown): string {
  try {
    return String(error).replaceAll(/\s+/g, ' ');
  } catch {
    return 'a value that has no text';
  }
}
