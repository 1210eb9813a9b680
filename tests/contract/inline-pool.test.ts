import { InlinePool } from '../../src/pool/inline-pool.ts';
import { poolContract } from './pool.ts';

poolContract('inline', (options) => new InlinePool(options));
