/** Where threads start: the only place that knows a file extension. Source runs as .ts, the build as .js. */
import { extname } from 'node:path';
import { setFlagsFromString } from 'node:v8';

/** Calls after which V8 would compile a wrapper; none comes so far. */
const NEVER = 2 ** 30;

// Node strips types in WebAssembly, in every thread that loads a .ts file. Where one thread ends while another compiles its wrappers, V8 of
// Node 24 now and then frees the code of a module that is gone, and the process with it (WasmEngine::FreeDeadCode, SIGSEGV).
setFlagsFromString(`--wasm-wrapper-tiering-budget=${NEVER}`);

/** URL of a thread's entry beside this file. */
export function entryUrl(
  name: 'worker-entry' | '../store/store-entry' | '../store/backup/backup-entry' | '../pool/pool-entry',
): URL {
  return new URL(`./${name}${extname(import.meta.url)}`, import.meta.url);
}
