import * as z from 'zod/mini';
import { Variables } from './variables.ts';

/** What every function behind the HTTP API may be told, beside its own environment. */
export const HttpEnv = z.pick(Variables, { BASE_PATH: true });
