import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import * as z from 'zod';

/** An answer as it was received. */
type RawAnswer = {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
};

const RawRequest = z.object({
  method: z.string(),
  path: z.string(),
  headers: z.record(z.string(), z.string()),
  body: z.union([z.string(), z.instanceof(Uint8Array).transform((bytes) => new Uint8Array(bytes))]),
});

const clientWith = (handle: (request: unknown) => Promise<{ response: RawAnswer }>): DynamoDBClient =>
  new DynamoDBClient({
    endpoint: 'http://127.0.0.1',
    region: 'us-east-1',
    credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' },
    requestHandler: { handle },
  });

/** A client that records every answer of the engine. */
export function recordingClient(endpoint: string): {
  readonly client: DynamoDBClient;
  readonly answers: readonly RawAnswer[];
} {
  const answers: RawAnswer[] = [];
  const client = clientWith(async (request) => {
    const { method, path, headers, body } = RawRequest.parse(request);
    const { host: _host, 'content-length': _length, ...rest } = headers; // fetch sets these headers itself
    const response = await fetch(new URL(path, endpoint), { method, headers: rest, body });
    const answer = {
      statusCode: response.status,
      headers: Object.fromEntries(response.headers),
      body: new Uint8Array(await response.arrayBuffer()),
    };
    answers.push(answer);
    return { response: answer };
  });
  return { client, answers };
}

/** A client that returns the given answers in order, without a network. It must send the recorded requests. */
export function replayingClient(answers: readonly RawAnswer[]): DynamoDBClient {
  const rest = answers.values();
  return clientWith(async () => {
    const { value, done } = rest.next();
    if (done === true) throw new Error('there are more requests than recorded answers');
    return { response: { ...value, body: value.body.slice() } };
  });
}
