import { PiscinaPool } from '../../src/pool/piscina-pool.ts';
import { poolContract } from './pool.ts';

poolContract('piscina', (options) => new PiscinaPool(options));
