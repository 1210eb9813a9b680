/**
 * Topics and patterns: NATS subjects. Tokens of visible characters joined by dots; in patterns `*` stands for one token, and
 * `>` at the end for one or more. `agent:*` is accepted and means `agent.*`. Pure.
 */
import { TroupeError } from '../errors.ts';
import { SYSTEM_TOPICS } from '../supervision/events.ts';

/** Longest topic or pattern, in characters. */
const MAX_TOPIC_CHARS = 255;

/** Most tokens of a topic or pattern. */
const MAX_TOPIC_TOKENS = 32;

/** No spaces, control, format or broken characters, no wildcards, nothing JSON would escape. */
const TOKEN = /^[^\p{Cc}\p{Cf}\p{Cs}\p{Z}.*>"\\]+$/u;

type Kind = 'topic' | 'pattern';

/**
 * A topic to publish on, normalized. Those of the runtime are refused: it does not ask here.
 * @throws {TroupeError} ERR_TOPIC_INVALID.
 */
export function parseTopic(text: unknown): string {
  const topic = normalize(text, 'topic');
  const tokens = tokensOf(topic, 'topic');
  if (tokens[0] === SYSTEM_TOPICS)
    throw invalid('topic', topic, `begins with '${SYSTEM_TOPICS}', where only the runtime publishes`);
  for (const token of tokens) {
    if (token === '*' || token === '>')
      throw invalid('topic', topic, `has the wildcard '${token}'; those are for subscriptions`);
    assertToken(token, topic, 'topic');
  }
  return topic;
}

/**
 * A pattern to subscribe to, normalized.
 * @throws {TroupeError} ERR_TOPIC_INVALID.
 */
export function parsePattern(text: unknown): string {
  const pattern = normalize(text, 'pattern');
  const tokens = tokensOf(pattern, 'pattern');
  for (const [index, token] of tokens.entries()) {
    if (token === '>' && index < tokens.length - 1) throw invalid('pattern', pattern, "has '>' before its end");
    if (token !== '*' && token !== '>') assertToken(token, pattern, 'pattern');
  }
  return pattern;
}

/** True for a topic of the runtime. */
export function isOfRuntime(topic: string): boolean {
  return topic.startsWith(`${SYSTEM_TOPICS}.`);
}

/**
 * True when a topic fits a pattern, both normalized. What the runtime says is for those who name it: `>` does not mean it, `system.>` does.
 */
export function matchesPattern(pattern: string, topic: string): boolean {
  const wanted = pattern.split('.');
  if (isOfRuntime(topic) && wanted[0] !== SYSTEM_TOPICS) return false;
  const tokens = topic.split('.');
  for (const [index, token] of wanted.entries()) {
    if (token === '>') return tokens.length > index;
    if (index >= tokens.length || (token !== '*' && token !== tokens[index])) return false;
  }
  return wanted.length === tokens.length;
}

function normalize(text: unknown, what: Kind): string {
  if (typeof text !== 'string')
    throw invalid(what, describeOther(text), `is of type ${typeOf(text)} instead of a string`);
  if (text.length > MAX_TOPIC_CHARS)
    throw invalid(what, shorten(text), `has ${text.length} characters, more than ${MAX_TOPIC_CHARS}`);
  if (text === '') throw invalid(what, text, 'is empty');
  return text.replaceAll(':', '.');
}

function tokensOf(text: string, what: Kind): readonly string[] {
  const tokens = text.split('.');
  if (tokens.length > MAX_TOPIC_TOKENS)
    throw invalid(what, shorten(text), `has ${tokens.length} tokens, more than ${MAX_TOPIC_TOKENS}`);
  return tokens;
}

function assertToken(token: string, text: string, what: Kind): void {
  if (token === '') throw invalid(what, text, 'has an empty token');
  if (!TOKEN.test(token)) throw invalid(what, text, `has the token '${show(token)}', which ${faultOf(token)}`);
}

function faultOf(token: string): string {
  if (/[*>]/.test(token)) return 'mixes a wildcard with other characters; a wildcard is a token of its own';
  if (/["\\]/.test(token)) return 'has a quote or a backslash';
  return /\p{Z}/u.test(token) ? 'has a space' : 'has a character that cannot be seen';
}

function invalid(what: Kind, text: string, why: string): TroupeError {
  const example = what === 'topic' ? "'task.completed'" : "'task.*' or 'session.>'";
  return new TroupeError(
    'ERR_TOPIC_INVALID',
    `The ${what} '${show(text)}' ${why}. Use tokens joined by dots, such as ${example}.`,
    { details: { [what]: text } },
  );
}

/** A text for a message: characters that cannot be seen are written as their code. */
function show(text: string): string {
  const toCode = (character: string): string => `\\u{${character.codePointAt(0)?.toString(16)}}`;
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, toCode);
}

function shorten(text: string): string {
  return `${text.slice(0, 60)}…`;
}

function typeOf(value: unknown): string {
  return value === null ? 'null' : typeof value;
}

/** Objects have no text to show; asking them for one may even fail. */
function describeOther(value: unknown): string {
  return typeof value === 'object' && value !== null ? '[object]' : String(value);
}
