import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { SecretsOf } from '../../domain/hooks/hook-source.ts';

const FORM = /^sha256=(?<digest>[0-9a-f]{64})$/u;

/** A source has two secrets at most. In place of missing ones: nobody knows it, so nothing is signed with it. */
const NOBODYS = randomBytes(32);

/**
 * Whether a body is signed with a secret of its source. Unknown sources and wrong signatures take the same steps, so
 * that an answer's time tells neither.
 */
export async function isSigned(
  secretsOf: SecretsOf,
  source: Parameters<SecretsOf>[0],
  { body, signature }: { readonly body: Buffer; readonly signature: string | undefined },
): Promise<boolean> {
  const digest = FORM.exec(signature ?? '')?.groups?.digest;
  if (digest === undefined) return false;
  const sent = Buffer.from(digest, 'hex');
  const [secret, previous] = await secretsOf(source);
  const isBy = (key: string | Buffer) => timingSafeEqual(createHmac('sha256', key).update(body).digest(), sent);
  const matches = [secret, previous].map((key) => isBy(key ?? NOBODYS));
  return matches.includes(true);
}
