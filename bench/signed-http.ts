import { createHash, createHmac } from 'node:crypto';
import { Agent } from 'node:http';
import { exchange } from '../local/aws-client.ts';
import { parseJson } from '../local/json.ts';

/** A request as it is signed: its headers have lower-case names. */
type Unsigned = { readonly headers: Readonly<Record<string, string>>; readonly body: string };

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/** Signs POSTs to `/` of one service (AWS Signature Version 4) with a secret. It keeps the key of a day. */
export function signatures(secret: string, region: string, service: string) {
  let kept: { readonly day: string; readonly key: Buffer } = { day: '', key: Buffer.alloc(0) };
  return ({
    headers,
    body,
  }: Unsigned): { readonly scope: string; readonly signed: string; readonly signature: string } => {
    const time = headers['x-amz-date'] ?? '';
    const day = time.slice(0, 8);
    if (kept.day !== day) {
      const key = [region, service, 'aws4_request'].reduce(hmac, hmac(`AWS4${secret}`, day));
      kept = { day, key };
    }
    const names = Object.keys(headers).sort();
    const signed = names.join(';');
    const lines = names.map((name) => `${name}:${headers[name]}\n`).join('');
    const scope = `${day}/${region}/${service}/aws4_request`;
    const request = ['POST', '/', '', lines, signed, sha256(body)].join('\n');
    const signature = hmac(kept.key, `AWS4-HMAC-SHA256\n${time}\n${scope}\n${sha256(request)}`).toString('hex');
    return { scope, signed, signature };
  };
}

/** Sends calls of DynamoDB with `node:http` alone: the least that a call costs. */
export function signedHttp(endpoint: string): {
  readonly call: (operation: string, body: string) => Promise<unknown>;
  close(): void;
} {
  const agent = new Agent({ keepAlive: true });
  const { host, hostname, port } = new URL(endpoint);
  const signatureOf = signatures('bench', 'us-east-1', 'dynamodb');
  return {
    async call(operation, body) {
      const headers = {
        'content-type': 'application/x-amz-json-1.0',
        host,
        'x-amz-date': new Date().toISOString().replaceAll(/[-:]|\.\d{3}/gu, ''),
        'x-amz-target': `DynamoDB_20120810.${operation}`,
      };
      const { scope, signed, signature } = signatureOf({ headers, body });
      const authorization = `AWS4-HMAC-SHA256 Credential=bench/${scope}, SignedHeaders=${signed}, Signature=${signature}`;
      const sent = { ...headers, authorization, 'content-length': Buffer.byteLength(body) };
      const answer = await exchange({ agent, hostname, port, method: 'POST', path: '/', headers: sent }, body);
      if (answer.status !== 200) throw new Error(`${operation} answered ${answer.status} ${answer.body}`);
      return parseJson(answer.body);
    },
    close: () => agent.destroy(),
  };
}
