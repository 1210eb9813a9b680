/** Values as messages name them. */
const SHOWN_CHARS = 80;

/** A value as a message names it: with its type, and not longer than it needs to be known again. */
export function describeValue(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (Array.isArray(value)) return 'an array';
  switch (typeof value) {
    case 'string':
      return value.length <= SHOWN_CHARS
        ? `'${value}' (a string)`
        : `'${value.slice(0, SHOWN_CHARS)}…' (a string of ${value.length} characters)`;
    case 'object':
      return 'an object';
    case 'function':
      return 'a function';
    default:
      return `${String(value as number)} (a ${typeof value})`;
  }
}
