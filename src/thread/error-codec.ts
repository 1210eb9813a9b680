/** Errors lose name and code over postMessage, so they cross threads, the wire and the store as plain data. */
import { ERROR_CATALOGUE, TroupeError } from '../errors.ts';
import type { ErrorCode, ErrorDetails } from '../errors.ts';

/** An error as plain JSON. */
export interface EncodedError {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly details?: ErrorDetails;
  readonly stack?: string;
  readonly cause?: EncodedError;
}

const MAX_CAUSES = 5;

/** Turns anything thrown into plain JSON. */
export function encodeError(error: unknown, depth = 0): EncodedError {
  if (!(error instanceof Error)) return { name: 'Error', message: describeThrown(error) };
  const { code, details } = error as { code?: unknown; details?: unknown };
  return {
    name: error.name,
    message: error.message,
    ...(typeof code === 'string' && { code }),
    ...(error instanceof TroupeError && { details: toPlain(details) }),
    ...(error.stack !== undefined && { stack: error.stack }),
    ...(error.cause !== undefined && depth < MAX_CAUSES && { cause: encodeError(error.cause, depth + 1) }),
  };
}

/** Rebuilds an error so that `instanceof`, `name` and `code` work again. */
export function decodeError(encoded: EncodedError): Error {
  const cause = encoded.cause ? decodeError(encoded.cause) : undefined;
  const error = isCatalogued(encoded.code)
    ? new TroupeError(encoded.code, encoded.message, { cause, ...(encoded.details && { details: encoded.details }) })
    : Object.assign(
        new Error(encoded.message, cause && { cause }),
        encoded.code !== undefined && { code: encoded.code },
      );
  if (!(error instanceof TroupeError)) error.name = encoded.name;
  if (encoded.stack !== undefined) error.stack = encoded.stack;
  return error;
}

function isCatalogued(code: string | undefined): code is ErrorCode {
  return code !== undefined && Object.hasOwn(ERROR_CATALOGUE, code);
}

function describeThrown(value: unknown): string {
  if (typeof value === 'string') return value;
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}

function toPlain(details: unknown): ErrorDetails {
  try {
    return JSON.parse(JSON.stringify(details ?? {})) as ErrorDetails;
  } catch {
    return {};
  }
}
