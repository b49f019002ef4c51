import { Agent, ClientRequest } from 'node:http';
import * as z from 'zod/mini';
import { authorizationOf } from '../aws-client.ts';
import { accessesOf, type AwsOperation, isWrite, operationOf } from '../proxy/aws-operation.ts';
import { type Access, isAllowed, type Statement } from '../proxy/policy.ts';

/** What a thread needs to call the engines without the proxy. */
export const DirectCalls = z.object({
  region: z.string(),
  accountId: z.string(),
  /** The port of the proxy, which the function's environment names as the address of all services. */
  proxyPort: z.number(),
  dynamodbEndpoint: z.string(),
  sqsEndpoint: z.string(),
  policy: z.array(z.custom<Statement>()),
  /** In memory that all threads share: 0 while every call has to go through the proxy. */
  mayBypass: z.custom<Int32Array>((value) => value instanceof Int32Array),
});
export type DirectCalls = z.infer<typeof DirectCalls>;

/** The permissions that a thread used for the first time, and the tables that it has written to. */
export const CallNews = z.object({
  used: z.array(z.object({ action: z.string(), resource: z.string() })),
  wrote: z.array(z.string()),
});
export type CallNews = z.infer<typeof CallNews>;

/** Calls whose requests and answers are the same with and without the proxy. */
const DIRECT: Readonly<Record<AwsOperation['service'], ReadonlySet<string>>> = {
  dynamodb: new Set([
    ...['GetItem', 'BatchGetItem', 'Query', 'Scan', 'TransactGetItems'],
    ...['PutItem', 'UpdateItem', 'DeleteItem', 'BatchWriteItem', 'TransactWriteItems'],
  ]),
  sqs: new Set(['SendMessage', 'SendMessageBatch']),
  streams: new Set(),
};

/**
 * Sends the calls of this thread's SDK clients to the engines instead of to the proxy, which would cost as much as the
 * call itself. A call that the function's role does not allow goes to the proxy, which refuses it. So do all calls
 * while `mayBypass` is 0.
 */
export function callDirectly(given: DirectCalls, tell: (news: CallNews) => void): void {
  const addRequest: unknown = Reflect.get(Agent.prototype, 'addRequest');
  if (typeof addRequest !== 'function') throw new Error("Node's Agent has no addRequest");
  const used = new Set<string>();
  const context = { ...given, streamOfIterator: () => undefined };
  const allowed = new Map<string, boolean>();
  const mayDo = (access: Access): boolean => {
    const key = `${access.action} ${access.resource}`;
    const isKnown = allowed.get(key) ?? isAllowed(given.policy, access);
    allowed.set(key, isKnown);
    return isKnown;
  };
  const addressOf = (endpoint: string) => {
    const { hostname: host, port } = new URL(endpoint);
    return { host, port };
  };
  const addresses = { dynamodb: addressOf(given.dynamodbEndpoint), sqs: addressOf(given.sqsEndpoint) };
  // The engines separate data by region, and accept only letters in a key.
  const caller = Object.entries(authorizationOf('local', given.region));

  /** What a call needs, if it may go to an engine now. */
  const directCall = (target: unknown, body: unknown) => {
    if (Atomics.load(given.mayBypass, 0) === 0 || typeof target !== 'string') return undefined;
    const operation = operationOf(target);
    if (operation === undefined) return undefined;
    if (!DIRECT[operation.service].has(operation.name)) return undefined;
    const text = typeof body === 'string' ? body : Buffer.from(z.instanceof(Uint8Array).parse(body)).toString('utf8');
    const parsed: unknown = JSON.parse(text);
    const accesses = accessesOf(operation, parsed, context);
    if (!accesses?.every(mayDo)) return undefined;
    return { operation, accesses };
  };
  const report = (operation: AwsOperation, accesses: readonly Access[]) => {
    const fresh = accesses.filter(({ action, resource }) => !used.has(`${action} ${resource}`));
    for (const { action, resource } of fresh) used.add(`${action} ${resource}`);
    const wrote = isWrite(operation) ? accesses.map(({ resource }) => resource.split('/')[1] ?? '') : [];
    if (fresh.length + wrote.length > 0) tell({ used: fresh, wrote: [...new Set(wrote)] });
  };

  // An agent gets a request before its body, which names the tables. So it is kept until the body is there.
  const route = function (this: Agent, request: unknown, options: { readonly port?: unknown }, ...rest: unknown[]) {
    const add = (address: object) =>
      void Reflect.apply(addRequest, this, [request, { ...options, ...address }, ...rest]);
    const target = request instanceof ClientRequest ? request.getHeader('x-amz-target') : undefined;
    if (!(request instanceof ClientRequest) || Number(options.port) !== given.proxyPort || target === undefined) {
      add({});
      return;
    }
    const { end } = request;
    Reflect.set(request, 'end', (...args: unknown[]) => {
      const call = directCall(target, args[0]);
      if (call === undefined) add({});
      else {
        for (const [name, value] of caller) request.setHeader(name, value);
        add(call.operation.service === 'sqs' ? addresses.sqs : addresses.dynamodb);
        request.once('response', ({ statusCode = 500 }) => {
          if (statusCode < 300) report(call.operation, call.accesses);
        });
      }
      Reflect.set(request, 'end', end);
      const result: unknown = Reflect.apply(end, request, args);
      return result;
    });
  };
  Reflect.set(Agent.prototype, 'addRequest', route);
}
