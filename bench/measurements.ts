/** Every measurement by its name. Each runs in a process of its own; counts are such that it takes a few seconds at most. */
import {
  benchAt,
  benchBytesPerMessage,
  benchFork,
  benchRecordedMessage,
  benchRecordedSend,
  benchWholeBytesPerMessage,
} from './history.ts';
import { benchCoalescedAsk, benchOneWay, benchRoundTrip } from './baselines-port.ts';
import { benchBareRecover, benchWholeSave } from './baselines-state.ts';
import { benchBareWriter, benchUnbatched } from './baselines-store.ts';
import { benchBareAsk, benchBareCreate, benchBareRestore, benchBareSend } from './baselines-xstate.ts';
import { benchBareExit, benchBareReplacement, benchBareTerminate, benchBareTimer } from './baselines-thread.ts';
import { benchAppendSend, benchDeltaSave, benchDeltaSend } from './delta.ts';
import { benchSilence, benchThreadEnd } from './detect.ts';
import { benchBareHeap, benchHeap } from './heap.ts';
import { benchSleepingHeap, benchWake } from './hibernate.ts';
import { benchBeats, benchWatch } from './idle.ts';
import type { Figure } from './measure.ts';
import { benchHistoryBytes, benchPackingDelay } from './packing.ts';
import type { LoopOf, PackedBy } from './packing.ts';
import { BUS_MEASUREMENTS } from './measurements-bus.ts';
import { benchBlocked, benchLoopDelay } from './pool.ts';
import type { By } from './pool.ts';
import { benchRecover } from './recover.ts';
import { benchReplacement, benchRestart } from './restart.ts';
import { SNAPSHOT_SIZES_KB } from './rows-pool.ts';
import { benchDurableSend, benchPipeline } from './send.ts';
import { benchCreate, benchCreateMany, benchSpawn } from './spawn.ts';
import { benchRestore, benchSay } from './sessions.ts';
import { benchStoreWriter } from './store.ts';
import { benchLiveCrowd, benchStoredCrowd } from './stored.ts';
import { benchPublish, benchPublishMany } from './topics.ts';
import { benchLateness } from './timers.ts';
import { benchAsk, benchTell } from './volatile.ts';

type Measurements = Readonly<Record<string, () => Figure | Promise<Figure>>>;

/** The physical limits. */
const BASELINES: Measurements = {
  'unbatched-full': () => benchUnbatched({ commits: 3_000 }),
  'bare-writer-1': () => benchBareWriter({ inFlight: 1, commits: 4_000 }),
  'bare-writer-64': () => benchBareWriter({ inFlight: 64, commits: 40_000 }),
  'bare-send-1-actor': () => benchBareSend({ actors: 1, sends: 500_000 }),
  'bare-send-10000': () => benchBareSend({ actors: 10_000, sends: 500_000 }),
  'bare-ask': () => benchBareAsk({ actors: 64, asks: 100_000 }),
  'bare-create': () => benchBareCreate(20_000),
  'bare-restore': () => benchBareRestore(20_000),
  'bare-heap': () => benchBareHeap(10_000),
  'port-round-trip': () => benchRoundTrip(20_000),
  'port-clone-64': () => benchOneWay('clone', 500_000),
  'port-json-64': () => benchOneWay('json', 500_000),
  'port-ask-64': () => benchCoalescedAsk(200_000),
  'bare-recover-10000': () => benchBareRecover(10_000),
  'whole-save-1000': () => benchWholeSave({ messages: 1_000, count: 300 }),
};

/** Ours, durable. */
const DURABLE: Measurements = {
  'store-writer-1': () => benchStoreWriter({ inFlight: 1, commits: 4_000 }),
  'store-writer-64': () => benchStoreWriter({ inFlight: 64, commits: 40_000 }),
  'durable-send-1': () => benchDurableSend({ inFlight: 1, sends: 3_000, actors: 64 }),
  'durable-send-64': () => benchDurableSend({ inFlight: 64, sends: 40_000, actors: 1_000 }),
  'durable-pipeline-64': () => benchPipeline({ inFlight: 64, sends: 20_000, actors: 1_000 }),
  'spawn-100': () => benchSpawn({ children: 100, count: 200 }),
  'spawn-10000': () => benchSpawn({ children: 10_000, count: 200 }),
  'create-1000': () => benchCreate({ existing: 1_000, count: 500 }),
  'create-10000': () => benchCreate({ existing: 10_000, count: 500 }),
  'create-64': () => benchCreateMany(10_000),
  heap: () => benchHeap(10_000),
  'recover-10000': () => benchRecover(10_000),
  'delta-send-10': () => benchDeltaSend({ messages: 10, count: 1_000 }),
  'delta-send-100': () => benchDeltaSend({ messages: 100, count: 1_000 }),
  'delta-send-1000': () => benchDeltaSend({ messages: 1_000, count: 1_000 }),
  'delta-send-10000': () => benchDeltaSend({ messages: 10_000, count: 1_000 }),
  'delta-save-10': () => benchDeltaSave({ messages: 10, count: 2_000 }),
  'delta-save-1000': () => benchDeltaSave({ messages: 1_000, count: 2_000 }),
  'delta-save-10000': () => benchDeltaSave({ messages: 10_000, count: 2_000 }),
  'append-send-10': () => benchAppendSend({ messages: 10, count: 1_000 }),
  'append-send-10000': () => benchAppendSend({ messages: 10_000, count: 1_000 }),
  'stored-10': () => benchStoredCrowd({ actors: 10, sends: 40_000 }),
  'stored-1000': () => benchStoredCrowd({ actors: 1_000, sends: 40_000 }),
  'stored-100000': () => benchStoredCrowd({ actors: 100_000, sends: 40_000 }),
  'live-10': () => benchLiveCrowd({ actors: 10, sends: 40_000 }),
  'live-10000': () => benchLiveCrowd({ actors: 10_000, sends: 40_000 }),
};

/** Ours, of topics, hibernation and actors that are not stored. */
const FEATURES: Measurements = {
  'publish-actor': () => benchPublish({ by: 'actor', count: 1_000 }),
  'publish-host': () => benchPublish({ by: 'host', count: 1_000 }),
  'publish-64': () => benchPublishMany(20_000),
  'late-after': () => benchLateness({ by: 'after', actors: 1_000, withinMs: 3_000 }),
  'late-schedule': () => benchLateness({ by: 'schedule', actors: 1_000, withinMs: 3_000 }),
  wake: () => benchWake(1_000),
  'sleeping-heap': () => benchSleepingHeap(10_000),
  'tell-thread': () => benchTell({ threads: 1, actors: 10_000, tells: 500_000 }),
  'tell-thread-plain': () => benchTell({ threads: 1, actors: 10_000, tells: 500_000, isPlain: true }),
  'tell-inline': () => benchTell({ threads: 0, actors: 10_000, tells: 500_000 }),
  'ask-thread-1': () => benchAsk({ threads: 1, actors: 64, asks: 10_000, inFlight: 1 }),
  'ask-thread-64': () => benchAsk({ threads: 1, actors: 1_000, asks: 100_000, inFlight: 64 }),
  'ask-inline-1': () => benchAsk({ threads: 0, actors: 64, asks: 20_000, inFlight: 1 }),
};

/** Histories, and conversations on disk. */
const HISTORY: Measurements = {
  'recorded-send-1': () => benchRecordedSend({ inFlight: 1, sends: 2_000, actors: 100 }),
  'recorded-send-64': () => benchRecordedSend({ inFlight: 64, sends: 40_000, actors: 1_000 }),
  'recorded-message-10': () => benchRecordedMessage({ messages: 10, count: 1_000 }),
  'recorded-message-100': () => benchRecordedMessage({ messages: 100, count: 1_000 }),
  'recorded-message-1000': () => benchRecordedMessage({ messages: 1_000, count: 1_000 }),
  'recorded-message-10000': () => benchRecordedMessage({ messages: 10_000, count: 1_000 }),
  'message-bytes-10000': () => benchBytesPerMessage(10_000, false),
  'recorded-bytes-10000': () => benchBytesPerMessage(10_000, true),
  'whole-bytes-10000': () => benchWholeBytesPerMessage(10_000),
  at: () => benchAt(500),
  fork: () => benchFork(200),
  'sleeping-heap-100000': () => benchSleepingHeap(100_000),
};

/** Limits of noticing failures and recovering from them. */
const SUPERVISION_BASELINES: Measurements = {
  'bare-exit': () => benchBareExit(40),
  'bare-terminate': () => benchBareTerminate(20),
  'bare-timer': () => benchBareTimer({ ms: 4_000, spreadMs: 2_000, count: 50 }),
  'bare-replace': () => benchBareReplacement({ actors: 1_000, rounds: 10 }),
  'idle-beats-rare': () => benchBeats({ actors: 10_000, beatMs: 60_000 }),
  'unwatched-100': () => benchWatch({ agents: 100, isMonitoring: false }),
  'unwatched-10000': () => benchWatch({ agents: 10_000, isMonitoring: false }),
};

/** Noticing failures, recovering from them, and what the watch for them costs. */
const SUPERVISION: Measurements = {
  'detect-exit': () => benchThreadEnd({ by: 'EXIT', count: 40 }),
  'detect-hang': () => benchThreadEnd({ by: 'HANG', count: 20 }),
  'detect-external': () => benchSilence(50),
  restart: () => benchRestart(500),
  'replace-thread': () => benchReplacement({ actors: 1_000, rounds: 5 }),
  'idle-beats': () => benchBeats({ actors: 10_000, beatMs: 250 }),
  'watched-100': () => benchWatch({ agents: 100, isMonitoring: true }),
  'watched-10000': () => benchWatch({ agents: 10_000, isMonitoring: true }),
};

const COMPRESSORS: readonly By[] = ['nobody', 'inline', 'pool', 'libuv'];

/** Snapshots of each size by each compressor, and what they do to the event loop. */
const POOL: Measurements = Object.fromEntries([
  ...COMPRESSORS.flatMap((by) =>
    SNAPSHOT_SIZES_KB.map((kb) => {
      const count = Math.min(300, Math.max(30, Math.round(50_000 / kb)));
      return [`snapshot-${by}-${kb}`, () => benchBlocked({ by, bytes: kb * 1_024, count })] as const;
    }),
  ),
  ...COMPRESSORS.map((by) => {
    const measure = () => benchLoopDelay({ by, bytes: 1_048_576, count: 100, everyMs: 20 });
    return [`loop-delay-${by}`, measure] as const;
  }),
]);

/** Sessions with their messages: saved and restored, one by one and a hundred at once. */
const SESSIONS: Measurements = {
  'session-restore-100': () => benchRestore({ messages: 100, sessions: 200, inFlight: 1 }),
  'session-restore-1000': () => benchRestore({ messages: 1_000, sessions: 50, inFlight: 1 }),
  'session-restore-at-once': () => benchRestore({ messages: 100, sessions: 200, inFlight: 100 }),
  'session-save-100': () => benchSay({ messages: 100, sessions: 10, inFlight: 1 }, 2_000),
  'session-save-1000': () => benchSay({ messages: 1_000, sessions: 10, inFlight: 1 }, 2_000),
  'session-save-at-once': () => benchSay({ messages: 100, sessions: 100, inFlight: 100 }, 10_000),
};

const PACKED_BY: readonly PackedBy[] = ['nobody', 'inline', 'pool'];
const LOOPS: readonly LoopOf[] = ['main', 'actor'];

/** Histories at rest: their bytes, and what packing them does to event loops. */
const PACKING: Measurements = {
  'history-bytes-rows': () => benchHistoryBytes(false),
  'history-bytes-packed': () => benchHistoryBytes(true),
  ...Object.fromEntries(
    LOOPS.flatMap((loop) =>
      PACKED_BY.map((by) => [`packing-delay-${loop}-${by}`, () => benchPackingDelay(loop, by)] as const),
    ),
  ),
};

/** All of them. */
export const MEASUREMENTS: Measurements = {
  ...BASELINES,
  ...DURABLE,
  ...FEATURES,
  ...HISTORY,
  ...SUPERVISION_BASELINES,
  ...SUPERVISION,
  ...POOL,
  ...SESSIONS,
  ...PACKING,
  ...BUS_MEASUREMENTS,
};
