import { ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { ListQueuesCommand } from '@aws-sdk/client-sqs';
import { createServer, type Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dynamodbClient, sqsClient } from '../../functions/runtime/aws-clients.ts';

let server: Server;
let tried = 0;
/** Accepts connections, and answers only this text. */
const answering = async (text: string): Promise<void> => {
  server = createServer((socket) => {
    tried += 1;
    socket.on('error', () => undefined).on('data', () => socket.write(text));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { readonly port: number };
  const endpoint = `http://127.0.0.1:${port}`;
  Object.assign(process.env, { AWS_ENDPOINT_URL_DYNAMODB: endpoint, AWS_ENDPOINT_URL_SQS: endpoint });
};
beforeEach(() => {
  tried = 0;
  Object.assign(process.env, { AWS_REGION: 'r', AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' });
});
afterEach(() => {
  for (const name of ['AWS_ENDPOINT_URL_DYNAMODB', 'AWS_ENDPOINT_URL_SQS']) Reflect.deleteProperty(process.env, name);
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
