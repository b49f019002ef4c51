import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { LOCAL_ACCOUNT, LOCAL_REGION } from '../../local/local-stack.ts';

export const POLICY_FILE = join(import.meta.dirname, '..', '..', 'docs', 'operating', 'operator-policy.json');

/** The documented policy's statements, for the local stack. */
export function operatorPolicy(): readonly unknown[] {
  const text = readFileSync(POLICY_FILE, 'utf8')
    .replaceAll('STAGE', 'local')
    .replaceAll('REGION', LOCAL_REGION)
    .replaceAll('ACCOUNT', LOCAL_ACCOUNT);
  return z.object({ Statement: z.array(z.unknown()) }).parse(JSON.parse(text)).Statement;
}
