import {
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  DescribeTableCommand,
  DynamoDBClient,
  GetItemCommand,
  ListTablesCommand,
  PutItemCommand,
  QueryCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { ListQueuesCommand, SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { createHash } from 'node:crypto';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { signatures } from '../../bench/signed-http.ts';
import { dynamodbClient, sqsClient } from '../../functions/runtime/aws-clients.ts';

let server: Server;
let tried = 0;
/** Accepts connections, and answers only this text. */
const answering = async (text: string): Promise<void> => {
  server = createServer((socket) => {
    tried += 1;
    socket.on('error', () => undefined).on('data', () => socket.write(text));
  });
  await listen();
};
async function listen(): Promise<void> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { readonly port: number };
  const endpoint = `http://127.0.0.1:${port}`;
  Object.assign(process.env, { AWS_ENDPOINT_URL_DYNAMODB: endpoint, AWS_ENDPOINT_URL_SQS: endpoint });
}
beforeEach(() => {
  tried = 0;
  Object.assign(process.env, {
    AWS_REGION: 'r',
    AWS_ACCESS_KEY_ID: 'a',
    AWS_SECRET_ACCESS_KEY: 'b',
    AWS_SESSION_TOKEN: 'c',
  });
});
afterEach(() => {
  for (const name of ['AWS_ENDPOINT_URL_DYNAMODB', 'AWS_ENDPOINT_URL_SQS', 'AWS_SESSION_TOKEN'])
    Reflect.deleteProperty(process.env, name);
  server.close();
});

describe('a client of a function', () => {
  it.each([
    ['api', 3_000, 2],
    ['worker', 10_000, 3],
  ] as const)('waits as long as the %s can', async (who, requestTimeout, maxAttempts) => {
    await answering('');
    for (const { config } of [dynamodbClient(who), sqsClient(who)]) {
      const { requestHandler } = config as any;
      await requestHandler.handle({}).catch(() => undefined); // it reads its settings at its first request
      expect(requestHandler.httpHandlerConfigs()).toMatchObject({
        connectionTimeout: 1_000,
        requestTimeout,
        throwOnRequestTimeout: true,
        socketTimeout: requestTimeout,
        httpsAgent: { maxSockets: 200 },
      });
      expect(await config.maxAttempts()).toBe(maxAttempts);
    }
  });

  it.each([
    ['never answers', ''],
    ['stops in the middle of its answer', 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{'],
  ])('gives up an endpoint that %s, after all its tries', async (_what, text) => {
    await answering(text);
    const shortly = { requestTimeout: 40, connectionTimeout: 1_000, maxAttempts: 2 };

    await expect(dynamodbClient('api', shortly).send(new ListTablesCommand())).rejects.toThrow(/timeout|timed out/iu);
    expect(tried).toBe(2);
    await expect(sqsClient('worker', shortly).send(new ListQueuesCommand())).rejects.toThrow(/timeout|timed out/iu);
    expect(tried).toBe(4);
  });
});

type Answer = readonly [status: number, body: object];
type Sent = { readonly headers: Record<string, string>; readonly body: string };

/** Gives each request the next answer, and the last one again. */
async function answersOf(answers: readonly Answer[]): Promise<readonly Sent[]> {
  const sent: Sent[] = [];
  server = createHttpServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const [status, body] = answers[Math.min(sent.length, answers.length - 1)]!;
      sent.push({ headers: request.headers as Record<string, string>, body: Buffer.concat(chunks).toString('utf8') });
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(body));
    });
  });
  await listen();
  return sent;
}

const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const key = { pk: { S: 'a' } };
const everyType = {
  M: {
    B: { B: bytes('one') },
    BS: { BS: [bytes('two')] },
    L: { L: [{ NULL: true }, { BOOL: false }, { B: bytes('') }] },
  },
};
const inJson = {
  M: { B: { B: 'b25l' }, BS: { BS: ['dHdv'] }, L: { L: [{ NULL: true }, { BOOL: false }, { B: '' }] } },
};
const entry = (text: string) => ({ Id: '0', MessageBody: text });

describe('a lean call', () => {
  it.each([
    [new GetItemCommand({ TableName: 't', Key: key, ConsistentRead: true }), { Item: { ...key, all: inJson } }],
    [new PutItemCommand({ TableName: 't', Item: { ...key, all: everyType, n: { NS: ['1'] } } }), {}],
    [new PutItemCommand({ TableName: 't', Item: { ...key, n: { S: 'Zoë  東京 🎉\t\u2028' } } }), {}],
    [new QueryCommand({ TableName: 't', ExclusiveStartKey: key }), { Items: [{ all: inJson }], LastEvaluatedKey: key }],
    [
      new BatchGetItemCommand({ RequestItems: { B: { Keys: [key] } } }),
      { Responses: { B: [], BS: [{ all: inJson }] } },
    ],
    [new DescribeTableCommand({ TableName: 't' }), { Table: { CreationDateTime: 1_800_000_000 } }],
  ])('is the same as the one of the SDK: %#', async (command: any, body) => {
    const sent = await answersOf([[200, body]]);
    const clients = [new DynamoDBClient(), dynamodbClient('api')];
    const outputs = [];
    for (const client of [...clients, ...clients]) {
      const { $metadata, ...output } = await client.send(command);
      outputs.push(output);
      expect($metadata).toMatchObject({ httpStatusCode: 200, attempts: 1 });
    }

    for (const output of outputs) expect(output).toStrictEqual(outputs[0]);
    for (const { headers, body: text } of sent) {
      expect(JSON.parse(text)).toStrictEqual(JSON.parse(sent[0]!.body));
      expect(headers['x-amz-target']).toBe(sent[0]!.headers['x-amz-target']);
      const [, list = '', signature] = /SignedHeaders=([^,]+), Signature=(\w+)/u.exec(headers.authorization!) ?? [];
      const signed = Object.fromEntries(list.split(';').map((name) => [name, headers[name]!]));
      expect(list).toMatch(/content-type;host;x-amz-content-sha256;x-amz-date;x-amz-security-token;x-amz-target/u);
      expect(signatures('b', 'r', 'dynamodb')({ headers: signed, body: text }).signature).toBe(signature);
    }
  });

  it('is one call of a queue, whose answer is checked', async () => {
    const md5 = createHash('md5').update('x').digest('hex');
    const sent = await answersOf([[200, { Successful: [{ Id: '0', MessageId: 'm', MD5OfMessageBody: md5 }] }]]);
    const client = sqsClient('worker');
    const send = (text: string) =>
      client.send(
        new SendMessageBatchCommand({ QueueUrl: `${process.env.AWS_ENDPOINT_URL_SQS}/1/q`, Entries: [entry(text)] }),
      );

    await send('x');
    expect(await send('x')).toMatchObject({ Successful: [{ MessageId: 'm' }] });
    expect(sent[1]!.body).toBe(sent[0]!.body);
    for (const name of ['x-amz-target', 'x-amzn-query-mode'])
      expect(sent[1]!.headers[name]).toBe(sent[0]!.headers[name]);
    await expect(send('y')).rejects.toThrow('Invalid MD5');
  });

  it('is tried again with the same token, after its answer was lost or refused', async () => {
    const throttled = { __type: 'com.amazonaws.dynamodb.v20120810#ThrottlingException', message: 'slow down' };
    const sent = await answersOf([
      [200, {}],
      [500, {}],
      [200, {}],
      [400, throttled],
      [200, {}],
    ]);
    const client = dynamodbClient('worker');
    const write = () =>
      client.send(new TransactWriteItemsCommand({ TransactItems: [{ Put: { TableName: 't', Item: key } }] }));

    for (const attempts of [1, 2, 2]) expect((await write()).$metadata.attempts).toBe(attempts);
    const tokens = sent.map(({ body }) => JSON.parse(body).ClientRequestToken);
    expect(tokens[1]).toMatch(/^[\w-]{36}$/u);
    expect(tokens).toStrictEqual([tokens[0], tokens[1], tokens[1], tokens[3], tokens[3]]);
    expect(new Set(tokens).size).toBe(3);
  });

  it('fails with the error of the SDK', async () => {
    const refused = (name: string, more: object) => ({ __type: `com.amazonaws.dynamodb.v20120810#${name}`, ...more });
    const reasons = { CancellationReasons: [{ Code: 'ConditionalCheckFailed', Item: { all: inJson } }] };
    await answersOf([
      [200, {}],
      [400, refused('ConditionalCheckFailedException', { message: 'no' })],
      [400, refused('TransactionCanceledException', { Message: 'no', ...reasons })],
    ]);
    const client = dynamodbClient('api');
    const get = () => client.send(new GetItemCommand({ TableName: 't', Key: key }));
    await get();

    await expect(get()).rejects.toThrow(ConditionalCheckFailedException);
    const cancelled = await get().catch((error: unknown) => error);
    expect(cancelled).toBeInstanceOf(TransactionCanceledException);
    expect(cancelled).toMatchObject({
      CancellationReasons: [{ Code: 'ConditionalCheckFailed', Item: { all: everyType } }],
      $metadata: { httpStatusCode: 400, attempts: 1 },
    });
  });
});
