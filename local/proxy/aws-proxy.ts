import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { readBody } from '../http/read-body.ts';
import { parseJson } from '../json.ts';
import { type Access, isAllowed, type Statement } from './policy.ts';
import { accessesOf, type AwsOperation, isWrite, operationOf } from './aws-operation.ts';
import { foreignness, queryProtocolRefusal } from './guard.ts';
import type { Upstream, UpstreamAnswer } from './upstream.ts';
import { upstreamOf } from './upstream.ts';

/** A function as the proxy knows it: its access key and its role's permissions. */
export type Caller = { readonly role: string; readonly accessKeyId: string; readonly policy: readonly Statement[] };

/** An AWS call that was answered or refused, for tests that count calls. */
export type ObservedCall = {
  /** The function's role, or `operator` for a key that belongs to no function. */
  readonly caller: string;
  readonly operation: string;
  readonly accesses: readonly Access[];
  readonly status: number;
  /** The request's JSON as the caller sent it. */
  readonly body: string;
  /** DynamoDB's `ConsumedCapacity`, if the caller or `countsCapacity` asked for it. A failed condition reports none. */
  readonly consumedCapacity?: unknown;
  /** The number of messages that a receive returned; 0 for an empty poll. */
  readonly received?: number;
  readonly milliseconds: number;
};

/**
 * A disturbance of a function's calls to the database or to the queues. A share of them, 0 to 1, fails with the named
 * error, and all are delayed.
 */
export type Disturbance = {
  readonly error: string;
  readonly share: number;
  readonly longestDelayMs: number;
  readonly service?: 'dynamodb' | 'sqs'; // dynamodb if omitted
};

export type AwsProxy = {
  readonly endpoint: string;
  /** Connects the engines. Earlier calls are refused. */
  connect(engines: { readonly dynamodbEndpoint: string; readonly sqsEndpoint: string }): void;
  /** Registers functions by their access keys. Each may then do only what its role allows. */
  allow(callers: readonly Caller[]): void;
  /** Starts a disturbance, or ends it with undefined. */
  disturb(role: string, disturbance: Disturbance | undefined): void;
  /** Calls the listener after each successful write, with the table's name. */
  onWrite(listener: (tableName: string) => void): void;
  stop(): Promise<void>;
};

export type ProxyOptions = {
  readonly region: string;
  readonly accountId: string;
  /** Handles requests that are not JSON calls, such as Lambda's Invoke. Returns true if it handled the request. */
  readonly handleOther: (
    request: IncomingMessage,
    response: ServerResponse,
    body: Buffer,
    // returns a refusal if the caller's role does not allow the access
    judge: (access: Access) => UpstreamAnswer | undefined,
  ) => Promise<boolean>;
  readonly observe?: (call: ObservedCall) => void;
  /** Called with the permissions that a successful call of a function has used. */
  readonly onUse?: (role: string, accesses: readonly Access[]) => void;
  /** Called with the sentence of each refusal: who may not do what, and on what. */
  readonly onDenial?: ((sentence: string) => void) | undefined;
  /** Requests the capacity of every call, so callers receive it as well. */
  readonly countsCapacity?: boolean;
  /** Decides which calls are disturbed, and how long they are delayed. */
  readonly random?: () => number;
};

const OPERATOR = 'operator';
/** The engines write their own name in place of the region of an ARN. */
const ENGINE_STREAM_ARN = /arn:aws:dynamodb:(?:dynoxide|ddblocal):000000000000:/g;
const MAX_REMEMBERED_ITERATORS = 10_000;

const Iterator = z.object({ ShardIterator: z.string().optional(), NextShardIterator: z.string().nullish() });
const HasConsumedCapacity = z.object({ ConsumedCapacity: z.unknown() });
const Received = z.object({ Messages: z.array(z.unknown()).default([]) });

/**
 * One address in front of all engines. It recognizes each caller by its key and refuses calls that the caller's role
 * does not allow.
 */
export async function startAwsProxy(options: ProxyOptions): Promise<AwsProxy> {
  const { region, accountId, random = Math.random } = options;
  const ourStreamArn = `arn:aws:dynamodb:${region}:${accountId}:`;
  const writeListeners: ((tableName: string) => void)[] = [];
  const streamOfIterator = new Map<string, string>();
  const callers = new Map<string, Caller>();
  const disturbances = new Map<string, Disturbance>();
  const upstreams = new Map<AwsOperation['service'], Upstream>();
  const closers: (() => void)[] = [];
  let engineArn = ourStreamArn;

  const remember = (iterator: string, stream: string) => {
    streamOfIterator.delete(iterator);
    streamOfIterator.set(iterator, stream);
    const [oldest] = streamOfIterator.keys();
    if (streamOfIterator.size > MAX_REMEMBERED_ITERATORS && oldest !== undefined) streamOfIterator.delete(oldest);
  };

  const forward = async (operation: AwsOperation, target: string, body: string, signal: AbortSignal) => {
    const send = upstreams.get(operation.service);
    if (send === undefined) return failure(503, 'ServiceUnavailable', 'The engines are not connected yet');
    const asked = options.countsCapacity === true && COUNTED.has(operation.name) ? askingForCapacity(body) : body;
    const answer = await send(target, toEngine(operation, asked, ourStreamArn, engineArn), signal);
    const hasArns = operation.service !== 'sqs' && answer.body.includes(':000000000000:');
    if (operation.service === 'sqs') return { ...answer, body: withOurQueueUrls(answer.body) };
    if (!hasArns) return answer;
    engineArn = answer.body.match(ENGINE_STREAM_ARN)?.[0] ?? engineArn;
    const { 'x-amz-crc32': _stale, ...headers } = answer.headers;
    return { ...answer, headers, body: answer.body.replaceAll(ENGINE_STREAM_ARN, ourStreamArn) };
  };
  const withOurQueueUrls = (body: string) =>
    body.includes('QueueUrl')
      ? body.replaceAll(/"http:\/\/[^"/]+\/000000000000\//g, `"${endpoint}/${accountId}/`)
      : body;

  const disturbed = async ({ service }: AwsOperation, role: string | undefined) => {
    const disturbance = disturbances.get(role ?? OPERATOR);
    if (disturbance === undefined || service !== (disturbance.service ?? 'dynamodb')) return undefined;
    await sleep(random() * disturbance.longestDelayMs);
    return random() < disturbance.share ? failure(400, disturbance.error, 'Disturbed on purpose') : undefined;
  };

  const callerOf = ({ headers }: IncomingMessage) =>
    callers.get(/Credential=([^/,\s]+)\//.exec(headers.authorization ?? '')?.[1] ?? '');
  const judge = (request: IncomingMessage) => (access: Access) => {
    const caller = callerOf(request);
    if (caller === undefined) return undefined; // the operator
    const refused = refusalOf(caller, access.action, [access], options.onDenial);
    const status = refused?.status ?? 200;
    if (refused === undefined) options.onUse?.(caller.role, [access]);
    options.observe?.({
      caller: caller.role,
      operation: access.action,
      accesses: [access],
      status,
      body: '',
      milliseconds: 0,
    });
    return refused;
  };

  const answer = async (request: IncomingMessage, body: string, signal: AbortSignal): Promise<UpstreamAnswer> => {
    const target = z.string().optional().parse(request.headers['x-amz-target']);
    const operation = operationOf(target);
    if (target === undefined || operation === undefined) {
      return failure(400, 'UnknownOperationException', `No local service knows ${target ?? 'a call without a target'}`);
    }
    const begun = performance.now();
    const parsed = parseJson(body);
    if (parsed === undefined) return failure(400, 'SerializationException', 'The body is not JSON');

    const caller = callerOf(request);
    const accesses = accessesOf(operation, parsed, {
      region,
      accountId,
      streamOfIterator: (iterator) => streamOfIterator.get(iterator),
    });
    const refused = caller && refusalOf(caller, target, accesses, options.onDenial);
    const stopped = refused ?? (await disturbed(operation, caller?.role));
    const result = stopped ?? (await forward(operation, target, body, signal));

    if (result.status < 300) {
      if (caller !== undefined) options.onUse?.(caller.role, accesses ?? []);
      if (operation.service === 'streams') {
        const stream = accesses?.[0]?.resource;
        const { data } = Iterator.safeParse(parseJson(result.body));
        const iterator = data?.ShardIterator ?? data?.NextShardIterator;
        if (typeof iterator === 'string' && stream !== undefined) remember(iterator, stream);
      }
      if (isWrite(operation)) {
        const tables = new Set(accesses?.map(({ resource }) => resource.split('/')[1] ?? ''));
        for (const table of tables) for (const tell of writeListeners) tell(table);
      }
    }
    if (options.observe !== undefined) {
      const answered = parseJson(result.body);
      const capacity = HasConsumedCapacity.safeParse(answered);
      const isReceive = operation.service === 'sqs' && operation.name === 'ReceiveMessage';
      options.observe({
        caller: caller?.role ?? OPERATOR,
        operation: target,
        accesses: accesses ?? [],
        status: result.status,
        body,
        ...(capacity.success && { consumedCapacity: capacity.data.ConsumedCapacity }),
        milliseconds: performance.now() - begun,
        ...(isReceive && { received: Received.safeParse(answered).data?.Messages.length ?? 0 }),
      });
    }
    return result;
  };

  const server = createServer((request, response) => {
    const gone = new AbortController();
    response.once('close', () => {
      if (!response.writableFinished) gone.abort(); // otherwise the caller already has its answer
    });
    void readBody(request)
      .then(async (body = Buffer.alloc(0)) => {
        const refusal = foreignness(request.headers) ?? queryProtocolRefusal(request.headers, body, request.url);
        if (refusal === undefined && (await options.handleOther(request, response, body, judge(request)))) return;
        const { status, headers, body: text } = refusal ?? (await answer(request, body.toString('utf8'), gone.signal));
        response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(text) }).end(text);
      })
      .catch((error: unknown) => {
        if (gone.signal.aborted) return; // the caller is gone
        const { status, headers, body } = failure(500, 'InternalServerError', String(error));
        if (!response.headersSent) response.writeHead(status, headers);
        response.end(body);
      });
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = z.object({ port: z.number() }).parse(server.address());
  const endpoint = `http://127.0.0.1:${address.port}`;

  return {
    endpoint,
    connect(engines) {
      const dynamodb = upstreamOf(engines.dynamodbEndpoint, region);
      const sqs = upstreamOf(engines.sqsEndpoint, region);
      upstreams.set('dynamodb', dynamodb.send).set('streams', dynamodb.send).set('sqs', sqs.send);
      closers.push(dynamodb.close, sqs.close);
    },
    allow(added) {
      for (const caller of added) callers.set(caller.accessKeyId, caller);
    },
    disturb(role, disturbance) {
      if (disturbance === undefined) disturbances.delete(role);
      else disturbances.set(role, disturbance);
    },
    onWrite: (listener) => void writeListeners.push(listener),
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      for (const close of closers) close();
    },
  };
}

/** A refusal in AWS's form that names the missing permission; undefined if every access is allowed. */
function refusalOf(
  { role, policy }: Caller,
  target: string,
  accesses: readonly Access[] | undefined,
  onDenial: ProxyOptions['onDenial'],
) {
  const missing =
    accesses === undefined
      ? { action: target, resource: 'an unknown resource' }
      : accesses.find((access) => !isAllowed(policy, access));
  if (missing === undefined) return undefined;
  const { action, resource } = missing;
  const sentence = `${role} is not authorized to perform: ${action} on resource: ${resource}`;
  onDenial?.(sentence);
  return failure(400, 'AccessDeniedException', `${sentence} because its role has no policy for it`);
}

/** The DynamoDB operations that are billed. */
const COUNTED: ReadonlySet<string> = new Set([
  ...['GetItem', 'BatchGetItem', 'Query', 'Scan', 'TransactGetItems'],
  ...['PutItem', 'UpdateItem', 'DeleteItem', 'BatchWriteItem', 'TransactWriteItems'],
]);

const askingForCapacity = (body: string): string =>
  JSON.stringify({ ReturnConsumedCapacity: 'INDEXES', ...z.looseObject({}).parse(parseJson(body)) });

/** Rewrites the parts of a call that an engine expects in another form than AWS. */
function toEngine(operation: AwsOperation, body: string, ourArn: string, engineArn: string): string {
  if (operation.service === 'streams') return body.replaceAll(ourArn, engineArn);
  // With a data directory, fauxqs fails on a visibility timeout of 0 and loses the message.
  const isVisibilityChange = operation.name.startsWith('ChangeMessageVisibility');
  return isVisibilityChange ? body.replaceAll(/"VisibilityTimeout":\s*0(?=[,}\s])/g, '"VisibilityTimeout":1') : body;
}

function failure(status: number, type: string, message: string): UpstreamAnswer {
  const body = JSON.stringify({ __type: `com.amazon.coral.service#${type}`, message });
  return { status, headers: { 'content-type': 'application/x-amz-json-1.0' }, body };
}
