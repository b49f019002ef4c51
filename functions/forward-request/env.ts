import * as z from 'zod/mini';
import { Variables } from '../runtime/variables.ts';

export const ForwardRequestEnv = z.pick(Variables, { FUNCTION_NAME_PREFIX: true });
