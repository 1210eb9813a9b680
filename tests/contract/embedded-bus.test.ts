import { openOverMemory, openOverSqlite } from '../support/embedded-bus.ts';
import { busContract } from './bus.ts';

busContract('embedded, memory', openOverMemory, { runs: 15 });
busContract('embedded, sqlite', openOverSqlite, { runs: 3 });
