/** The one pino of a process. Worker threads log to main, main logs here. Secrets are redacted by key. */
import pino from 'pino';
import type { LogLevel, LogSink } from './logger.ts';

const REDACTED = ['password', 'token', 'secret', 'authorization', 'apiKey'];

/** A sink that writes JSON lines to standard error, from `level` on; `silent` writes nothing; a function takes them itself. */
export function createSink(level: LogLevel | 'silent' | LogSink): LogSink {
  if (typeof level === 'function') return level;
  if (level === 'silent') return () => {};
  const paths = REDACTED.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]);
  const logger = pino({ level, redact: paths, base: { pid: process.pid } }, pino.destination({ fd: 2, sync: true }));
  return (at, fields, text) => logger[at](fields, text);
}
