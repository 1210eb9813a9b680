/** What a bus counts: since its system began, in this process, unless it says otherwise. */
import type { LatencySummary } from '../observe/histogram.ts';

/** Events in the log. */
export interface KeptEvents {
  readonly events: number;
  /** Characters of their data. */
  readonly chars: number;
  /** When the oldest came into the log, in milliseconds since the epoch; null when there is none. */
  readonly oldestAt: number | null;
  readonly newestAt: number | null;
  /** Position of the latest event there ever was. */
  readonly lastPos: number;
}

/** How far one subscription is. Those with a name or a group are listed as long as their place is kept. */
export interface SubscriberStats {
  readonly name?: string;
  readonly pattern: string;
  readonly queue?: string;
  /** Members of a group that are subscribed here; 1 for another subscription, 0 for one that is away. */
  readonly members: number;
  /** Events of the log, of all topics, it has not come to yet; of a group over NATS, messages for it on the server. */
  readonly behind: number;
  /** Events its handler was done with. */
  readonly handled: number;
  /** Attempts that failed. */
  readonly failed: number;
  /** Attempts after the first. */
  readonly redelivered: number;
  /** Events that fit its pattern, of whatever priority, and went by retention or were cleared before it came to them. */
  readonly missed: number;
  /** True while a handler whose time was up still runs, or a group waits for one event before it takes more. */
  readonly isStalled: boolean;
}

/** How a bus beside a NATS server stands with it. */
export interface NatsBusStats {
  readonly state: 'connected' | 'reconnecting' | 'closed';
  /** Name and version of the server, without what is secret. */
  readonly server: string;
  /** What goes out. `behind`: events that are still to be sent; `resent`: sent again after a failure. */
  readonly relay: {
    readonly sentSeq: number;
    readonly behind: number;
    readonly sent: number;
    readonly resent: number;
  };
  /** What comes in. `behind`: messages of the stream that are still to be read; `refused`: became dead letters of `bus/nats`. */
  readonly inlet: {
    readonly streamSeq: number;
    readonly behind: number;
    readonly received: number;
    readonly refused: number;
  };
}

/** From being published to being handled, by code or by an actor. Events that wait for their subscriber to begin do not count. */
export interface BusLatency extends LatencySummary {
  /** The same of the last minute, and up to ten seconds more. */
  readonly lastMinute: LatencySummary;
  /** The same of the last five minutes, and up to ten seconds more. */
  readonly lastFiveMinutes: LatencySummary;
}

/** Statistics of a bus. */
export interface BusStats {
  /** Events that came into the log, whoever published them, and are kept. */
  readonly published: number;
  /** Events handlers were done with, once per subscription. */
  readonly handled: number;
  /** Attempts that failed. */
  readonly failed: number;
  /** Attempts after the first. */
  readonly redelivered: number;
  /** Events that became dead letters of a subscription. */
  readonly buried: number;
  /** Events published in the last minute, per second. */
  readonly perSecond: number;
  /** From being published to being handled, by code or by an actor. */
  readonly latency: BusLatency;
  readonly kept: KeptEvents;
  readonly subscribers: readonly SubscriberStats[];
  readonly nats?: NatsBusStats;
}
