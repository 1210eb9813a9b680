/** State values: which states a machine is in. */

/** A name, or names by region. */
export type StateValueJson = string | { readonly [region: string]: StateValueJson };

/** The previous value when the new one says the same, for XState makes a new one on every turn; else the new, frozen. */
export function keepStateValue(previous: StateValueJson | undefined, value: StateValueJson): StateValueJson {
  if (typeof value === 'string') return value;
  return previous !== undefined && isSameValue(previous, value) ? previous : freezeValue(value);
}

function isSameValue(first: StateValueJson, second: StateValueJson): boolean {
  if (typeof first === 'string' || typeof second === 'string') return first === second;
  const keys = Object.keys(first);
  if (keys.length !== Object.keys(second).length) return false;
  return keys.every((key) => {
    const part = second[key];
    return part !== undefined && isSameValue(first[key] as StateValueJson, part);
  });
}

function freezeValue(value: StateValueJson): StateValueJson {
  if (typeof value === 'string') return value;
  for (const part of Object.values(value)) freezeValue(part);
  return Object.freeze(value);
}
