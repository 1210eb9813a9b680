import { createMemoryStore } from '../../src/store/memory/memory-store.ts';
import { storeContract } from './store.ts';

storeContract('memory', () => ({ open: async (limits) => createMemoryStore(limits), clean: async () => undefined }), {
  durable: false,
  says: { survives: 'nothing', shares: 'nothing', packsHistory: false },
});
