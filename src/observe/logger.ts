/** What the runtime logs through. Threads log to main, and main to one pino (src/observe/log.ts). */

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'fatal'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** `component` is always there; `address` (of an actor) and `correlation` (the id of the event behind it all) where they apply. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Where log lines go. */
export type LogSink = (level: LogLevel, fields: LogFields, text: string) => void;

export interface Logger {
  debug(text: string, fields?: LogFields): void;
  info(text: string, fields?: LogFields): void;
  warn(text: string, fields?: LogFields): void;
  error(text: string, fields?: LogFields): void;
  fatal(text: string, fields?: LogFields): void;
  /** The same logger with more fields on every line. */
  with(fields: LogFields): Logger;
}

/** Makes a logger over a sink. */
export function createLogger(sink: LogSink, bound: LogFields): Logger {
  const at =
    (level: LogLevel) =>
    (text: string, fields?: LogFields): void =>
      sink(level, fields ? { ...bound, ...fields } : bound, text);
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    fatal: at('fatal'),
    with: (fields) => createLogger(sink, { ...bound, ...fields }),
  };
}
