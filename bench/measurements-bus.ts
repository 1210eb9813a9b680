/** The measurements of the bus: within one system, over a NATS server, and the limits of both. */
import {
  benchJetDelivery,
  benchJetPublish,
  benchJetReplay,
  benchJetReplayAndSend,
  benchNatsRoundTrip,
} from './baselines-nats.ts';
import { benchHeard, benchManyHeard, benchReplay, benchReplayInto, benchScan, benchScanAndSend } from './bus.ts';
import type { Figure } from './measure.ts';
import {
  benchNatsActor,
  benchNatsCatchUp,
  benchNatsDrain,
  benchNatsHeard,
  benchNatsLocal,
  benchNatsManyHeard,
} from './nats.ts';

const TEN_THOUSAND = { count: 10_000, rounds: 10 };
const A_MILLION = { count: 1_000_000, rounds: 1 };

/** By their names. */
export const BUS_MEASUREMENTS: Readonly<Record<string, () => Promise<Figure>>> = {
  'bare-scan-10000': () => benchScan(TEN_THOUSAND),
  'bare-scan-and-send-10000': () => benchScanAndSend({ ...TEN_THOUSAND, rounds: 5 }),
  'nats-round-trip': () => benchNatsRoundTrip(10_000),
  'jet-publish-1': () => benchJetPublish({ inFlight: 1, count: 5_000, hasId: true }),
  'jet-publish-1-synced': () => benchJetPublish({ inFlight: 1, count: 2_000, hasId: true, sync: 'always' }),
  'jet-publish-512': () => benchJetPublish({ inFlight: 512, count: 50_000, hasId: true }),
  'jet-publish-512-bare': () => benchJetPublish({ inFlight: 512, count: 50_000, hasId: false }),
  'jet-publish-512-synced': () => benchJetPublish({ inFlight: 512, count: 20_000, hasId: true, sync: 'always' }),
  'jet-delivery-1': () => benchJetDelivery({ inFlight: 1, count: 3_000 }),
  'jet-delivery-64': () => benchJetDelivery({ inFlight: 64, count: 30_000 }),
  'jet-replay-10000': () => benchJetReplay(TEN_THOUSAND),
  'jet-replay-1000000': () => benchJetReplay(A_MILLION),
  'jet-replay-and-send-10000': () => benchJetReplayAndSend({ ...TEN_THOUSAND, rounds: 5 }),
  'bus-heard-1': () => benchHeard(2_000),
  'bus-heard-64': () => benchManyHeard(20_000),
  'bus-replay-10000': () => benchReplay(TEN_THOUSAND),
  'bus-replay-1000000': () => benchReplay(A_MILLION),
  'bus-replay-into-10000': () => benchReplayInto({ ...TEN_THOUSAND, rounds: 5 }),
  'nats-heard-1': () => benchNatsHeard(2_000),
  'nats-heard-64': () => benchNatsManyHeard(20_000),
  'nats-actor-1': () => benchNatsActor(1_000),
  'nats-local-1': () => benchNatsLocal(2_000),
  'nats-drain': () => benchNatsDrain(30_000),
  'nats-catch-up-10000': () => benchNatsCatchUp({ ...TEN_THOUSAND, rounds: 5 }),
};
