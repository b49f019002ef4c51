import { gzipSync } from 'node:zlib';
import { gatewayPath } from '../../local/http/gateway-path.ts';

export type RequestDraft = {
  readonly method?: string;
  /** The path as a client sends it. */
  readonly path?: string;
  readonly query?: string;
  readonly key?: string | undefined;
  /** Text or bytes are sent unchanged, anything else as JSON. */
  readonly body?: unknown;
  readonly contentEncoding?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly isBase64Encoded?: boolean;
};

/** An API Gateway event, payload format 2.0. Bytes are base64 encoded, as on AWS. */
export function anHttpRequest({
  method = 'POST',
  path = '/ingest',
  query = '',
  key,
  body,
  contentEncoding,
  isBase64Encoded,
  headers = {},
}: RequestDraft = {}): object {
  const isBytes = body instanceof Uint8Array;
  const text = typeof body === 'string' ? body : isBytes ? '' : JSON.stringify(body);
  const encoded = isBytes ? Buffer.from(body).toString('base64') : text;
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: gatewayPath(path)?.rawPath,
    rawQueryString: query,
    headers: {
      'content-type': 'application/json',
      ...(key === undefined ? {} : { 'x-api-key': key }),
      ...(contentEncoding === undefined ? {} : { 'content-encoding': contentEncoding }),
      ...headers,
    },
    requestContext: { requestId: 'request-1', http: { method, path } },
    ...(body === undefined ? {} : { body: encoded }),
    isBase64Encoded: isBase64Encoded ?? isBytes,
  };
}

/** The same with its body compressed. */
export const aGzippedRequest = (draft: RequestDraft, body: string): object =>
  anHttpRequest({ ...draft, body: gzipSync(body), contentEncoding: 'gzip' });
