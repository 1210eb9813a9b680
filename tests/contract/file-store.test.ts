import { openFileStore } from '../../src/store/file/file-store.ts';
import { tempStoreFile } from '../support/store-files.ts';
import { storeContract } from './store.ts';

for (const synchronous of ['full', 'normal'] as const) {
  storeContract(
    `file, synchronous ${synchronous}`,
    () => {
      const temp = tempStoreFile();
      return {
        open: async (limits) => openFileStore({ folder: temp.file, synchronous, ...limits }),
        clean: async () => temp.clean(),
      };
    },
    {
      durable: true,
      says: {
        survives: synchronous === 'full' ? 'power-loss' : 'process-kill',
        shares: 'nothing',
        packsHistory: false,
      },
    },
  );
}
