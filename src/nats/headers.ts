/** Headers of messages, as records. */
import type { NatsHeaders } from './client.ts';

/** What the library gives. */
interface ReadHeaders {
  keys(): string[];
  last(name: string): string;
}

/** Headers by names in lower case; of several values the last. */
export function fromHeaders(headers: ReadHeaders | undefined): NatsHeaders {
  if (!headers) return {};
  return Object.fromEntries(headers.keys().map((name) => [name.toLowerCase(), headers.last(name)]));
}
