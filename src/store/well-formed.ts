/**
 * Whether a commit can be written at all, asked before anything of it is. For adapters whose place would take any value;
 * SQLite asks its own types.
 */
import type { Adoption, Commit } from './store.ts';

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === 'string';
const isNumber: Check = (value) => typeof value === 'number' && Number.isFinite(value);
const isFlag: Check = (value) => typeof value === 'boolean';
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);

/** An object with these fields; what else it has is nobody's business. */
const shapeOf =
  (fields: Readonly<Record<string, Check>>): Check =>
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    Object.entries(fields).every(([name, check]) => check((value as Record<string, unknown>)[name]));

const isSum = shapeOf({ text: isText, checksum: isNumber });
const isId = shapeOf({ id: isText, reply: optional(isText) });

const REQUIRED = {
  address: isText,
  epoch: isNumber,
  seq: isNumber,
  at: isNumber,
  version: isNumber,
  status: isText,
} satisfies Partial<Record<keyof Commit, Check>>;

const OPTIONAL: Readonly<Record<Exclude<keyof Commit, keyof typeof REQUIRED>, Check>> = {
  isResent: isFlag,
  actor: shapeOf({ type: isText, parent: isText, meta: isText, spawned: optional(isNumber) }),
  state: shapeOf({ kind: (kind) => kind === 'snapshot' || kind === 'delta', text: isText, checksum: isNumber }),
  step: isSum,
  shape: isText,
  sum: isNumber,
  history: isSum,
  trimHistory: shapeOf({ beforeSeq: optional(isNumber), beforeAt: optional(isNumber) }),
  error: orNull(isText),
  marks: isText,
  supervision: orNull(isText),
  inFlight: orNull(isText),
  consumed: listOf(shapeOf({ sender: isText, pos: isNumber })),
  inbox: listOf(shapeOf({ receiver: isText, kind: isText, id: isText, text: isText })),
  log: listOf(isText),
  keepLog: isNumber,
  outbox: listOf(shapeOf({ kind: isText, id: isText, target: isText, boot: optional(isText), text: isText })),
  idempotency: listOf(isId),
  replies: listOf(isId),
  deadLetters: listOf(shapeOf({ id: isText, sender: isText, text: isText, error: isText, attempts: isNumber })),
  meta: isText,
  timers: orNull(isText),
  nextDue: orNull(isNumber),
  fired: listOf(shapeOf({ key: isText, pos: isNumber })),
  unschedule: listOf(isText),
  schedule: listOf(shapeOf({ key: isText, dueAt: isNumber, text: isText })),
  unsubscribe: listOf(isText),
  subscribe: listOf(shapeOf({ pattern: isText, event: isText })),
  publish: listOf(
    shapeOf({
      id: isText,
      topic: isText,
      priority: isText,
      text: isText,
      attributes: optional(isText),
      received: optional(shapeOf({ origin: isText, source: isText, time: isNumber })),
    }),
  ),
  place: shapeOf({ name: isText, pattern: isText, pos: isNumber }),
  isRemoval: isFlag,
};

/** What is wrong with a commit: the first field that cannot be written. */
export function misfitOf(commit: Commit): string | undefined {
  const fields = commit as unknown as Readonly<Record<string, unknown>>;
  for (const [name, check] of Object.entries(REQUIRED)) if (!check(fields[name])) return `'${name}' cannot be written`;
  for (const [name, value] of Object.entries(fields)) {
    const check = OPTIONAL[name as keyof typeof OPTIONAL] as Check | undefined;
    if (check && value !== undefined && !check(value)) return `'${name}' cannot be written`;
  }
  return undefined;
}

const isLogRow = shapeOf({ n: isNumber, at: isNumber, text: isText });
const isWaiting = shapeOf({ sender: isText, kind: isText, id: isText, text: isText });

/** What is wrong with an adoption. */
export function misfitOfAdoption({ commit, log = [], waiting = [] }: Adoption): string | undefined {
  if (commit.isRemoval === true || commit.seq !== 1 || !commit.actor) return 'it begins with no first commit';
  if (!log.every(isLogRow)) return "'log' cannot be written";
  return waiting.every(isWaiting) ? misfitOf(commit) : "'waiting' cannot be written";
}
