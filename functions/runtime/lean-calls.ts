import type {
  __Client as SdkClient,
  DynamoDBClientResolvedConfig,
  GetItemCommandOutput,
} from '@aws-sdk/client-dynamodb';
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import * as z from 'zod/mini';
import { leanSigner, type SignerSettings } from './lean-signature.ts';

/** The calls of usual work, by the prefix of their `x-amz-target`. Their requests and answers hold no times. */
const LEAN = {
  DynamoDB_20120810: new Set([
    ...['GetItem', 'BatchGetItem', 'Query', 'Scan', 'TransactGetItems'],
    ...['PutItem', 'UpdateItem', 'DeleteItem', 'BatchWriteItem', 'TransactWriteItems'],
  ]),
  AmazonSQS: new Set(['SendMessage', 'SendMessageBatch']),
};

const SIGNED_FOR = { DynamoDB_20120810: 'dynamodb', AmazonSQS: 'sqs' } as const;

/** What nobody reads here, and what `leanCalls` does itself. */
const NOT_NEEDED = [
  'loggerMiddleware',
  'getUserAgentMiddleware',
  'httpAuthSchemeMiddleware', // each service has one scheme
  'httpSigningMiddleware',
];

type Settings = SignerSettings &
  Pick<DynamoDBClientResolvedConfig, 'httpAuthSchemes' | 'requestHandler' | 'apiVersion'>;
type Metadata = Pick<GetItemCommandOutput, '$metadata'>;
/** What the SDK's steps know of a call. */
type Call = { readonly commandName?: string; readonly endpointV2?: { readonly url: URL } };
type SignedRequest = Parameters<Settings['httpAuthSchemes'][number]['signer']['sign']>[0];

const isRequest = (value: unknown): value is SignedRequest =>
  typeof value === 'object' && value !== null && 'headers' in value;

/** An answer that has come as a stream, with a status of success. */
const isSuccess = (value: unknown): value is { readonly statusCode: number; readonly body: Readable } =>
  typeof value === 'object' &&
  value !== null &&
  'statusCode' in value &&
  value.statusCode === 200 &&
  'body' in value &&
  value.body instanceof Readable;

/**
 * Makes the usual calls of a client cost a fourth of their CPU. The SDK's commands, retries, timeouts, correction of
 * the clock, credentials and errors stay. A lean call skips the SDK's walk along the schemas of requests and answers,
 * which for these calls only encodes bytes. It also skips the search for the endpoint, once the first call has found
 * it. Other calls, and answers without success, go through all steps of the SDK.
 */
export function leanCalls<Input extends object, Output extends Metadata, Config extends Settings>(
  client: SdkClient<object, Input, Output, Config>,
  service: keyof typeof LEAN,
  signer = leanSigner(client.config, SIGNED_FOR[service]),
): void {
  const { middlewareStack, config } = client;
  const Answer = z.custom<Output>();
  type Args = { readonly input: Input; readonly request: unknown };
  const afterSerializing = new WeakMap<object, (args: Args) => Promise<{ response: unknown; output: Output }>>();
  const sending = new WeakMap<object, (args: Args) => Promise<{ response: unknown }>>();
  const answered = new WeakMap<object, unknown>();
  let endpoint: URL | undefined;

  for (const name of NOT_NEEDED) middlewareStack.remove(name);

  const leanRequest = (
    next: (args: { input: Input }) => Promise<{ response: unknown; output: Output }>,
    context: Call,
  ) => {
    const goOn = afterSerializing.get(context);
    const operation = operationOf(context.commandName);
    if (goOn === undefined || !LEAN[service].has(operation)) return next;
    return async (args: { input: Input }) => {
      endpoint ??= context.endpointV2?.url;
      if (endpoint === undefined) return next(args);
      return goOn({ ...args, request: requestOf(endpoint, `${service}.${operation}`, args.input) });
    };
  };
  middlewareStack.add(leanRequest, { step: 'initialize', priority: 'low', name: 'lean-request' });
  middlewareStack.addRelativeTo(leanRequest, {
    ...{ relation: 'before', toMiddleware: 'serializerMiddleware' }, // where the first call knows the endpoint
    name: 'first-lean-request',
  });
  middlewareStack.add(
    (next, context) => {
      afterSerializing.set(context, next);
      return next;
    },
    { step: 'build', priority: 'high', name: 'after-serializing' },
  );

  const [scheme] = config.httpAuthSchemes;
  config.signer = async () => signer; // the SDK makes one for each call
  middlewareStack.add(
    (next, context) => async (args) => {
      if (scheme === undefined || !isRequest(args.request)) return next(args);
      const properties = { config, context }; // in which the scheme notes how far the clock is off
      const request = await scheme.signer.sign(args.request, {}, properties);
      try {
        const answer = await next({ ...args, request });
        scheme.signer.successHandler?.(answer.response, properties);
        return answer;
      } catch (error) {
        if (error instanceof Error) scheme.signer.errorHandler?.(properties)(error);
        throw error;
      }
    },
    { step: 'finalizeRequest', priority: 'low', name: 'lean-signature' },
  );

  middlewareStack.add(
    (next, context) => {
      const send = sending.get(context);
      if (send === undefined || !LEAN[service].has(operationOf(context.commandName))) return next;
      return async (args) => {
        const { response } = await send(args);
        if (isSuccess(response)) return { response, output: Answer.parse(await read(response)) };
        const again = { ...args };
        answered.set(again, response);
        return next(again);
      };
    },
    { step: 'deserialize', priority: 'high', name: 'lean-answer' },
  );
  middlewareStack.add(
    (next, context) => {
      sending.set(context, next);
      return async (args) => (answered.has(args) ? { response: answered.get(args) } : next(args));
    },
    { step: 'deserialize', priority: 'low', name: 'answered' },
  );
}

const operationOf = (commandName = ''): string => commandName.replace(/Command$/u, '');

function requestOf(endpoint: URL, target: string, input: object) {
  const { protocol, hostname, port, pathname: path } = endpoint;
  const isTransaction = target.endsWith('.TransactWriteItems');
  // Without a token, a second try would find what the first one wrote, and fail.
  const body = isTransaction ? { ClientRequestToken: randomUUID(), ...input } : input;
  const headers = {
    'content-type': 'application/x-amz-json-1.0',
    'x-amz-target': target,
    ...(target.startsWith('AmazonSQS') && { 'x-amzn-query-mode': 'true' }), // errors have their older names as well
  };
  const address = { protocol, hostname, path, ...(port !== '' && { port: Number(port) }) };
  return { ...address, method: 'POST', query: {}, headers, body: JSON.stringify(body, encoded) };
}

async function read({ statusCode, body }: { readonly statusCode: number; readonly body: Readable }): Promise<object> {
  const chunks: Buffer[] = [];
  await new Promise<void>((resolve, reject) => {
    body.on('data', (chunk: Buffer) => chunks.push(chunk));
    body.on('error', reject);
    body.on('end', resolve);
  });
  const text = Buffer.concat(chunks).toString('utf8');
  const output: unknown = JSON.parse(text);
  if (typeof output !== 'object' || output === null) throw new Error(`expected an object, got ${text.slice(0, 100)}`);
  if (/"BS?"\s*:/u.test(text)) decode(output);
  return Object.assign(output, { $metadata: { httpStatusCode: statusCode } });
}

const base64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
const bytesOf = (text: string): Uint8Array => {
  const { buffer, byteOffset, byteLength } = Buffer.from(text, 'base64');
  return new Uint8Array(buffer, byteOffset, byteLength);
};
const isBytes = (value: unknown): value is Uint8Array => value instanceof Uint8Array;
const isText = (value: unknown): value is string => typeof value === 'string';

/** In JSON, bytes are Base64. Only the value of an attribute can hold bytes as `B`: a map, or a table, holds objects. */
function encoded(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if ('B' in value && isBytes(value.B)) return { B: base64(value.B) };
  if ('BS' in value && Array.isArray(value.BS) && value.BS.every(isBytes)) return { BS: value.BS.map(base64) };
  return value;
}

function decode(holder: object): void {
  const entries: readonly [string, unknown][] = Object.entries(holder);
  for (const [key, value] of entries) {
    if (key === 'B' && isText(value)) Reflect.set(holder, key, bytesOf(value));
    else if (key === 'BS' && Array.isArray(value) && value.every(isText)) Reflect.set(holder, key, value.map(bytesOf));
    else if (typeof value === 'object' && value !== null) decode(value);
  }
}
