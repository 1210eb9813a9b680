/** Attributes of CloudEvents that users give their events: which there may be, and their text. Pure. */
import { describeValue } from '../describe.ts';

/** Attributes every event has, and what CloudEvents keeps for itself. */
const TAKEN = ['specversion', 'id', 'source', 'type', 'time', 'datacontenttype', 'priority', 'data'];

const NAME_PATTERN = /^[a-z0-9]{1,20}$/;
const MAX_ATTRIBUTES = 32;
const MAX_CHARS = 1024;
const MAX_INTEGER = 0x7fff_ffff;

/** The text of attributes, undefined where there are none, or what is wrong with them. */
export type AttributesText = { readonly text: string | undefined } | { readonly fault: string };

/** JSON text of attributes. */
export function toAttributesText(value: unknown): AttributesText {
  if (value === undefined) return { text: undefined };
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { fault: `are ${describeValue(value)}. Pass an object such as { subject: 'order-7' }` };
  const entries = Object.entries(value);
  if (entries.length === 0) return { text: undefined };
  if (entries.length > MAX_ATTRIBUTES)
    return { fault: `are ${entries.length}, more than ${MAX_ATTRIBUTES}. Put the rest into the data` };
  for (const [name, one] of entries) {
    const fault = faultOfName(name) ?? faultOfValue(name, one);
    if (fault !== undefined) return { fault };
  }
  return { text: JSON.stringify(value) };
}

function faultOfName(name: string): string | undefined {
  if (TAKEN.includes(name)) return `have '${name}', which every event has of its own. Choose another name`;
  if (NAME_PATTERN.test(name)) return undefined;
  return `have the name ${describeValue(name)}. Use 1 to 20 characters of a-z 0-9`;
}

function faultOfValue(name: string, value: unknown): string | undefined {
  if (typeof value === 'boolean') return undefined;
  if (typeof value === 'string' && value.length <= MAX_CHARS) return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= -MAX_INTEGER - 1 && value <= MAX_INTEGER)
    return undefined;
  const allowed = `a string of at most ${MAX_CHARS} characters, a whole number of 32 bits, or a boolean`;
  return `have ${describeValue(value)} under '${name}'. Use ${allowed}`;
}
