/** What an actor died of, as data. Errors are thrown by anyone and of any kind; keeping one never fails. */
import { freezeJson, type Json } from './json.ts';

/** Errors become `{ name, message, code? }`; other values are kept if they are JSON, and named if they are not. */
export function encodeThrown(thrown: unknown): Json {
  if (!(thrown instanceof Error)) return encodeOther(thrown);
  const code = (thrown as { code?: unknown }).code;
  const hasCode = typeof code === 'string' || Number.isFinite(code);
  return Object.freeze({
    name: String(thrown.name),
    message: String(thrown.message),
    ...(hasCode && { code: code as string | number }),
  });
}

function encodeOther(thrown: unknown): Json {
  try {
    return freezeJson(thrown, 'The thrown value', '');
  } catch {
    const isObject = typeof thrown === 'object' && thrown !== null;
    const message = isObject ? Object.prototype.toString.call(thrown) : String(thrown as number | bigint | symbol);
    return Object.freeze({ name: 'Error', message });
  }
}
