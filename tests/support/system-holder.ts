/** A process that runs a system on a store file (`node system-holder.ts FILE`) until it is ended. */
import { createSystem } from '../../src/index.ts';

const system = await createSystem({ actors: [], threads: 1, store: `sqlite:${process.argv[2] ?? ''}` });
process.stdout.write('running\n');
process.stdin.on('end', () => void system.stop().then(() => process.exit(0)));
process.stdin.resume();
