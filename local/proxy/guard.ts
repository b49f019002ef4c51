import type { IncomingHttpHeaders } from 'node:http';

/** An answer that ends a request before it reaches a service. */
export type Refusal = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|\[::1\]|(?:[a-z0-9-]+\.)*localhost)(?::\d+)?$/iu;

/**
 * Refuses requests of web pages. A page of another origin can post to this machine. A page whose host name resolves to
 * this machine (DNS rebinding) can also read the answer. AWS clients send no `Origin`, and send the configured host
 * name as `Host`.
 */
export function foreignness({ host = '', origin }: IncomingHttpHeaders): Refusal | undefined {
  const isOwn = origin === undefined || origin.toLowerCase() === `http://${host.toLowerCase()}`;
  if (LOOPBACK.test(host) && isOwn) return undefined;
  const message = LOOPBACK.test(host)
    ? `Web pages of another origin (${origin}) may not call this stack.`
    : `This stack answers for 127.0.0.1 and localhost only, not for ${host === '' ? 'a request without Host' : host}.`;
  return {
    status: 403,
    headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-errortype': 'AccessDeniedException' },
    body: JSON.stringify({ __type: 'com.amazon.coral.service#AccessDeniedException', message, Message: message }),
  };
}

const QUERY_SENTENCE =
  'This client uses the query protocol, but the local stack supports only the JSON protocol: use the AWS CLI 2.13.33 ' +
  '(of version 1: 1.29.82), boto3 1.28.82, or later.';

/** Tells an SQS client without the JSON protocol which version it needs, in the format that it can read. */
export function queryProtocolRefusal(headers: IncomingHttpHeaders, body: Buffer, url = '/'): Refusal | undefined {
  const isForm = (headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded');
  const isQuery = isForm ? /(?:^|&)Action=/u.test(body.toString('utf8')) : /[?&]Action=/u.test(url);
  if (!isQuery) return undefined;
  return {
    status: 400,
    headers: { 'content-type': 'text/xml' },
    body:
      '<ErrorResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/"><Error><Type>Sender</Type>' +
      `<Code>UnsupportedProtocol</Code><Message>${QUERY_SENTENCE}</Message></Error>` +
      '<RequestId>00000000-0000-0000-0000-000000000000</RequestId></ErrorResponse>',
  };
}
