/**
 * Second entry: what tests of machines and of Troupe itself need. Time is an input: a simulated Env moves only when it is
 * told to, and its randomness comes from a seed.
 */
export { createRandom } from './testing/random.ts';
export { forEachSeed } from './testing/seeds.ts';
export type { SeedOptions } from './testing/seeds.ts';
export { createSimulatedEnv } from './testing/simulated-env.ts';
export type { SimulatedEnv, SimulatedEnvOptions } from './testing/simulated-env.ts';
export type { PendingTimer } from './testing/simulated-time.ts';
export { testSystem } from './testing/test-system.ts';
export type { LogLine, TestClock, TestSystem, TestSystemOptions, Unresolved } from './testing/test-system.ts';
