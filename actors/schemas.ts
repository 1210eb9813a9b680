/** Schemas the built-in definitions share. */
import { z } from 'zod';
import type { Json } from '../src/state/json.ts';

/** Any JSON; what is not is named with its path when it is encoded. */
export const jsonSchema = z.custom<Json>((value) => value !== undefined, 'must be JSON');

/** A flat record of JSON values. */
export const metadataSchema = z.record(z.string().max(256), jsonSchema);
