import * as z from 'zod/mini';
import { Variables } from './variables.ts';

/** Settings of every function behind the HTTP API, in addition to its own. */
export const HttpEnv = z.pick(Variables, { BASE_PATH: true });
