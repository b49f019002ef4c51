import { timingSafeEqual } from 'node:crypto';
import * as z from 'zod/mini';
import { ORIGIN_SECRET_HEADER } from './names.ts';
import { Variables } from './variables.ts';

/** Settings of every function behind the HTTP API, in addition to its own. */
export const HttpEnv = z.pick(Variables, { BASE_PATH: true, ORIGIN_SECRET: true, PUBLIC_HOST: true });

/** Whether a request came the way that all must come: through CloudFront, where it is in front. */
export function cameThrough(
  { ORIGIN_SECRET: expected }: z.infer<typeof HttpEnv>,
  headers: Readonly<Record<string, string | undefined>>,
): boolean {
  if (expected === undefined) return true;
  const [sent, secret] = [Buffer.from(headers[ORIGIN_SECRET_HEADER] ?? ''), Buffer.from(expected)];
  return sent.length === secret.length && timingSafeEqual(sent, secret);
}
