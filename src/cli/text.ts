/** Text that came from elsewhere, made fit for a terminal. Pure. */

const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\uFF01-\uFF60]/u;
const ADDED = /\p{M}/u;

/** Text on one line, without what would move the cursor, change colours or turn the direction of writing. */
export function toLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+/gu, ' ').trim();
}

/** JSON on one line that means the same, with characters that cannot be seen written as their code. */
export function toSafeJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(UNSEEN, toEscape);
}

/** At most so many columns of a text; three dots stand for the rest. */
export function shorten(text: string, columns: number): string {
  let used = 0;
  let fitting = '';
  for (const character of text) {
    used += widthOf(character);
    if (used < columns) fitting += character;
    else if (used > columns) return `${fitting}…`;
  }
  return text;
}

/** A number of bytes in the unit that suits it. */
export function toSize(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  const step = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const amount = bytes / 1024 ** step;
  return `${step === 0 || Number.isInteger(amount) ? amount : amount.toFixed(1)} ${units[step]}`;
}

/** A span of time in a unit that suits it: days from two of them on. */
export function toSpan(ms: number): string {
  const [unit, unitMs] = SPANS.find(([, , leastMs]) => ms >= leastMs) ?? ['ms', 1];
  const amount = ms / unitMs;
  return `${Number.isInteger(amount) ? amount : amount.toFixed(1)} ${unit}`;
}

/** Milliseconds of a span such as `10m`; undefined when it is none. */
export function parseSpan(text: string): number | undefined {
  const [, amount, unit] = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)$/.exec(text) ?? [];
  return unit === undefined ? undefined : Number(amount) * (UNIT_MS[unit] ?? Number.NaN);
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SPANS: ReadonlyArray<readonly [unit: string, unitMs: number, leastMs: number]> = [
  ['days', 86_400_000, 172_800_000],
  ['h', 3_600_000, 3_600_000],
  ['min', 60_000, 60_000],
  ['s', 1000, 1000],
];

function widthOf(character: string): number {
  if (ADDED.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

function toEscape(unit: string): string {
  return [...Array(unit.length).keys()]
    .map((at) => String.raw`\u${unit.charCodeAt(at).toString(16).padStart(4, '0')}`)
    .join('');
}
