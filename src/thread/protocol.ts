/**
 * What travels between main and the worker hosts, and between worker hosts. Entries of batches are JSON texts; control
 * messages that carry ports go over the thread's own channel.
 */
import type { Address } from '../actor/address.ts';
import type { DefinitionPrint } from '../actor/definitions.ts';
import type { Order, ScheduleCommand } from '../cell/items.ts';
import type { InboxKind } from '../store/store.ts';
import type { EncodedError } from './error-codec.ts';

/** Main to a worker host, in batches. `input` is present when the actor may be created from it. */
export type HostEntry =
  | {
      readonly k: 'send';
      readonly to: Address;
      readonly from: string;
      readonly n: number;
      readonly id?: string;
      readonly ifSeq?: number;
      readonly create?: { readonly input?: unknown };
      /** One of the two. */
      readonly event?: { readonly type: string };
      readonly command?: ScheduleCommand;
    }
  /** Sent and forgotten; the host gives back credit. */
  | {
      readonly k: 'tell';
      readonly to: Address;
      readonly create?: { readonly input?: unknown };
      readonly event: { readonly type: string };
    }
  | HintEntry
  | { readonly k: 'order'; readonly to: Address; readonly q: number; readonly order: Order }
  /** Asks for the committed state once everything sent before is committed. */
  | { readonly k: 'view'; readonly to: Address; readonly q: number; readonly create?: { readonly input?: unknown } }
  /** Asks for the state that is saved, answered at once; where there is none, with an error or not at all. */
  | { readonly k: 'view'; readonly to: Address; readonly q: number; readonly saved: 'or-fail' | 'or-wait' }
  /** Asks where the actor is in its life; answered at once. */
  | { readonly k: 'life'; readonly to: Address; readonly q: number }
  | { readonly k: 'watch'; readonly to: Address; readonly on: boolean }
  | { readonly k: 'wake'; readonly to: Address }
  /** A timer or a scheduled event of an actor is due. */
  | { readonly k: 'due'; readonly to: Address }
  /** Actors of a type that may be live at a time in this host, busy ones not counted. */
  | { readonly k: 'hot'; readonly type: string; readonly most: number };

/** A committed inbox row. */
export interface HintEntry {
  readonly k: 'hint';
  readonly to: Address;
  readonly from: Address;
  readonly pos: number;
  readonly prev: number;
  readonly kind: InboxKind;
  readonly id: string;
  readonly at: number;
  /** The row's text, raw. */
  readonly body: unknown;
}

/** A worker host to main, in batches. */
export type MainEntry =
  | {
      readonly k: 'ack';
      readonly to: Address;
      readonly n: number;
      readonly error?: EncodedError;
      readonly reply?: unknown;
    }
  | { readonly k: 'answer'; readonly q: number; readonly error?: EncodedError; readonly view?: unknown }
  | { readonly k: 'state'; readonly of: Address; readonly view: unknown }
  | { readonly k: 'reply'; readonly ask: string; readonly of: Address; readonly pos?: number; readonly value: unknown }
  | {
      readonly k: 'deliver';
      readonly channel: string;
      readonly of: Address;
      readonly id: string;
      readonly pos?: number;
      /** It is not stored: handed over now or never. */
      readonly once?: true;
      readonly payload: unknown;
    }
  /** From an actor that is not stored to one whose thread the host does not know. */
  | { readonly k: 'tell'; readonly to: Address; readonly event: { readonly type: string } }
  /** An actor that has a thread of its own is needed. */
  | { readonly k: 'wanted'; readonly of: Address }
  /** An actor that has a thread of its own has left it. */
  | { readonly k: 'vacant'; readonly of: Address }
  /** Something of an actor is due at a time, and no live cell watches for it. */
  | { readonly k: 'due'; readonly of: Address; readonly at: number }
  /** That many tells and hints of main have been taken. */
  | { readonly k: 'credit'; readonly n: number }
  | { readonly k: 'log'; readonly level: string; readonly fields: Record<string, unknown>; readonly text: string };

/** A worker host to another, in batches. `poke`: the receiver is told to read its inbox. */
export type PeerEntry =
  | HintEntry
  | { readonly k: 'poke'; readonly to: Address }
  | {
      readonly k: 'effect-send';
      readonly to: Address;
      readonly id: string;
      readonly q: string;
      readonly event: { readonly type: string };
    }
  /** From an actor that is not stored: at most once. */
  | { readonly k: 'tell'; readonly to: Address; readonly event: { readonly type: string } }
  /** That many hints, pokes and tells have been taken. */
  | { readonly k: 'credit'; readonly n: number }
  | { readonly k: 'effect-ack'; readonly q: string; readonly error?: EncodedError };

/** Main to a worker thread, over its own channel. */
export type HostCommand =
  /** Loads definitions, for a host that may be started later. */
  | { readonly kind: 'prepare'; readonly modules: readonly string[] }
  | { readonly kind: 'start'; readonly options: HostOptions }
  /** Ports travel along: `start` brings those to main and to the store, `peer` and `store` one each. */
  | { readonly kind: 'peer'; readonly index: number }
  | { readonly kind: 'route'; readonly address: Address; readonly index: number | undefined }
  | { readonly kind: 'store' }
  | { readonly kind: 'stop' };

/** A worker thread to main, over its own channel. */
export type HostReport =
  /** The definitions are loaded; no host runs. */
  | { readonly kind: 'prepared' }
  | { readonly kind: 'ready'; readonly prints: readonly DefinitionPrint[] }
  | { readonly kind: 'failed'; readonly error: EncodedError }
  | { readonly kind: 'stopped' };

/**
 * How a thread ended. `exit`: by itself; `error`: by an error nobody caught; `memory`: at its heap limit, or for its buffers; `hang`: it was
 * blocked, and main ended it; `order`: the host program ended it.
 */
export const THREAD_ENDS = ['exit', 'error', 'memory', 'hang', 'order'] as const;
export type ThreadEnd = (typeof THREAD_ENDS)[number];

/** Who was in a turn when a thread died, how it died, and how often the same turn has ended a thread in this boot. */
export interface Suspect {
  readonly address: Address;
  readonly what: string;
  readonly attempts: number;
  readonly end: ThreadEnd;
}

export interface HostOptions {
  readonly index: number;
  readonly workers: number;
  readonly boot: string;
  /** URLs of the definitions modules. */
  readonly modules: readonly string[];
  /** Shared memory the host writes its current turn to. */
  readonly beat: SharedArrayBuffer;
  /** Shared memory in which every host counts how long saves and restores take. */
  readonly latencies: SharedArrayBuffer;
  /** Time between two beats, in milliseconds. */
  readonly beatMs: number;
  /** Its actors are suspects: everything their effect functions do is marked. */
  readonly isOnProbation: boolean;
  readonly suspect?: Suspect;
  /** Time during which no system ran, on record for this store, in milliseconds. */
  readonly downtimeMs: number;
  /** Actors that may be live at a time, busy ones not counted. */
  readonly maxLive: number;
}
