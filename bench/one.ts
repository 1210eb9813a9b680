/** Runs one measurement and prints it as JSON; the runner starts this in a process of its own. */
import { MEASUREMENTS } from './measurements.ts';

const name = process.argv[2] ?? '';
const run = Object.hasOwn(MEASUREMENTS, name) ? MEASUREMENTS[name] : undefined;
if (!run) throw new Error(`There is no measurement '${name}'. Known: ${Object.keys(MEASUREMENTS).join(', ')}.`);
process.stdout.write(`${JSON.stringify(await run())}\n`);
