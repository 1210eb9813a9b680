import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { tempStoreFile } from '../support/store-files.ts';
import { storeContract } from './store.ts';

for (const synchronous of ['full', 'normal'] as const) {
  storeContract(
    `sqlite, synchronous ${synchronous}`,
    () => {
      const temp = tempStoreFile();
      return {
        open: async (limits) => openSqliteStore({ file: temp.file, synchronous, ...limits }),
        clean: async () => temp.clean(),
      };
    },
    {
      durable: true,
      says: { survives: synchronous === 'full' ? 'power-loss' : 'process-kill', shares: 'reads', packsHistory: true },
    },
  );
}
