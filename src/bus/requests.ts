/** What users subscribe with, checked and completed. Messages name the option, what was given, and what is allowed. */
import { TroupeError } from '../errors.ts';
import type { BusHandler, SubscribeOptions } from './bus.ts';
import { checkHandler, checkKeys, checkName, checkPriorities } from './checks.ts';
import { DEFAULT_HANDLER_TIMEOUT_MS } from './handler-run.ts';
import { checkWhole, parseReplay } from './replay-window.ts';
import type { Window } from './replay-window.ts';
import { checkRetries } from './retries.ts';
import type { Retries } from './retries.ts';
import { parsePattern } from './subjects.ts';
import type { Priority } from './topic-event.ts';

/** What of the log comes before live events: `default` where the subscription does not say. */
export type ReplayRequest = 'default' | { readonly window: Window | undefined };

/** What somebody subscribes with, checked. */
export interface SubscribeRequest {
  /** Normalized. */
  readonly pattern: string;
  readonly handler: BusHandler;
  readonly name: string | undefined;
  readonly queue: string | undefined;
  /** Undefined: all. */
  readonly priorities: readonly Priority[] | undefined;
  readonly replay: ReplayRequest;
  readonly timeoutMs: number;
  readonly retries: Retries;
}

const KEYS = ['name', 'queue', 'priorities', 'replay', 'handlerTimeoutMs', 'maxAttempts', 'backoff'];

const TIMEOUT_RANGE = [100, 86_400_000] as const;

/**
 * Checks what somebody subscribes with.
 * @throws {TroupeError} ERR_TOPIC_INVALID, ERR_OPTIONS_INVALID.
 */
export function toSubscribeRequest(pattern: unknown, handler: unknown, options: SubscribeOptions): SubscribeRequest {
  const parsed = parsePattern(pattern);
  checkKeys('subscribe', options, KEYS);
  const { name, queue, priorities, replay, handlerTimeoutMs = DEFAULT_HANDLER_TIMEOUT_MS } = options;
  assertOneName(options);
  assertDurable(parsed, options);
  return {
    pattern: parsed,
    handler: checkHandler(parsed, handler),
    name: name === undefined ? undefined : checkName(name),
    queue: queue === undefined ? undefined : checkName(queue, 'queue'),
    priorities: checkPriorities('subscribe', priorities),
    replay: replay === undefined ? 'default' : { window: parseReplay(replay) },
    timeoutMs: checkWhole('subscribe', 'handlerTimeoutMs', handlerTimeoutMs, TIMEOUT_RANGE),
    retries: checkRetries(options.maxAttempts, options.backoff),
  };
}

function assertOneName({ name, queue }: SubscribeOptions): void {
  if (name === undefined || queue === undefined) return;
  throw invalid(
    'queue',
    `Options 'name' and 'queue' of subscribe() are both given ('${String(name)}', '${String(queue)}'). A group keeps its place under its own name: leave 'name' out.`,
  );
}

/** What is skipped when it fails is never tried again. */
function assertDurable(pattern: string, options: SubscribeOptions): void {
  if (options.name !== undefined || options.queue !== undefined) return;
  const given = (['maxAttempts', 'backoff'] as const).find((option) => options[option] !== undefined);
  if (given === undefined) return;
  throw invalid(
    given,
    `Option '${given}' of subscribe('${pattern}') needs a name or a queue: without one an event that fails is skipped. Give it a name, or leave '${given}' out.`,
  );
}

function invalid(option: string, message: string): TroupeError {
  return new TroupeError('ERR_OPTIONS_INVALID', message, { details: { option } });
}
