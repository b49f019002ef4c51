import type { DynamoDBClientResolvedConfig } from '@aws-sdk/client-dynamodb';
import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto';

export type SignerSettings = Pick<DynamoDBClientResolvedConfig, 'signer' | 'credentials' | 'region'>;
type Signer = Awaited<ReturnType<SignerSettings['signer']>>;

/** A proxy on the way may change these. */
const UNSIGNED = new Set(['user-agent', 'x-amzn-trace-id']);

const hmac = (key: KeyObject, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/**
 * Signs requests to `/` as the SDK's own signer does (AWS Signature Version 4), in a quarter of its time. It keeps the
 * key of a day as a key object. The SDK's signer has the key as bytes, which Node converts for each request.
 */
export function leanSigner({ credentials, region }: SignerSettings, signingName: string): Signer {
  let kept: { readonly of: string; readonly key: KeyObject } | undefined;
  const keyOf = (secret: string, parts: readonly string[]): KeyObject => {
    const of = [secret, ...parts].join('\n');
    if (kept?.of !== of) {
      const first = createSecretKey(`AWS4${secret}`, 'utf8');
      kept = { of, key: parts.reduce((key, part) => createSecretKey(hmac(key, part)), first) };
    }
    return kept.key;
  };

  return {
    async sign(request, { signingDate = new Date() } = {}) {
      const body: unknown = request.body;
      if (typeof body !== 'string' && !(body instanceof Uint8Array)) throw new Error('a body that cannot be signed');
      const { accessKeyId, secretAccessKey, sessionToken } = await credentials();
      const time = new Date(signingDate).toISOString().replaceAll(/[-:]|\.\d{3}/gu, '');
      const parts = [time.slice(0, 8), await region(), signingName, 'aws4_request'];
      const digest = hash('sha256', body);
      const headers = {
        ...request.headers,
        'x-amz-content-sha256': digest,
        'x-amz-date': time,
        ...(sessionToken !== undefined && { 'x-amz-security-token': sessionToken }),
      };
      const values = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
      const names = [...values.keys()].filter((name) => !UNSIGNED.has(name)).sort();
      const signed = names.join(';');
      const lines = names.map((name) => `${name}:${values.get(name)}\n`).join('');
      const scope = parts.join('/');
      const canonical = hash('sha256', `POST\n/\n\n${lines}\n${signed}\n${digest}`);
      const signature = hmac(keyOf(secretAccessKey, parts), `AWS4-HMAC-SHA256\n${time}\n${scope}\n${canonical}`);
      const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${signed}, Signature=${signature.toString('hex')}`;
      return { ...request, headers: { ...headers, authorization } };
    },
  };
}
