import { connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import * as z from 'zod';

type Answer = { readonly status: number; readonly body: Uint8Array };

const END_OF_HEAD = '\r\n\r\n';
const REGION = 'us-east-1';
/** Nothing on the loopback interface checks a signature. */
const AUTHORIZATION = `AWS4-HMAC-SHA256 Credential=test/20260101/${REGION}/dynamodb/aws4_request, SignedHeaders=host, Signature=none`;

const Failure = z.object({ __type: z.string(), message: z.string().optional() });

/** The SDK's request, with what an engine reads of it. */
type SdkRequest = { readonly headers: Record<string, string>; readonly body?: unknown };
const Body = z.union([z.string(), z.instanceof(Uint8Array)]);

/** The request handler of an SDK's client that sends each request by `post`. */
export const handlerBy = (post: EngineWire['post']) => ({
  async handle({ headers, body }: SdkRequest) {
    const answer = await post(headers['x-amz-target'] ?? '', Body.parse(body));
    const stream = new Readable({ read: () => void (stream.push(answer.body), stream.push(null)) });
    const type = { 'content-type': 'application/x-amz-json-1.0' };
    return { response: { statusCode: answer.status, headers: type, body: stream } };
  },
});

/** As many connections to an engine as requests are under way. A request costs a third of the SDK's own HTTP client. */
export class EngineWires {
  readonly #endpoint: string;
  readonly #free: EngineWire[] = [];
  #isClosed = false;

  constructor(endpoint: string) {
    this.#endpoint = endpoint;
  }

  /** A connection whose request failed is not used again. */
  readonly post: EngineWire['post'] = async (target, body) => {
    const wire = this.#free.pop() ?? new EngineWire(this.#endpoint);
    const answer = await wire.post(target, body);
    if (this.#isClosed) wire.close();
    else this.#free.push(wire);
    return answer;
  };

  close(): void {
    this.#isClosed = true;
    for (const wire of this.#free.splice(0)) wire.close();
  }
}

/**
 * A connection to the engine for one request at a time. A simulation never has more than one in flight, and the SDK's
 * own HTTP client would take most of its time.
 */
export class EngineWire {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #waiting: PromiseWithResolvers<Answer> | undefined;

  constructor(endpoint: string) {
    const { hostname, port } = new URL(endpoint);
    this.#socket = connect(Number(port), hostname);
    this.#socket.setNoDelay(true);
    this.#socket.on('data', (bytes) => this.#receive(bytes));
    this.#socket.on('error', (error) => this.#waiting?.reject(error));
    this.#socket.on('close', () => this.#waiting?.reject(new Error('the engine has ended')));
  }

  close(): void {
    this.#socket.destroy();
  }

  post(target: string, body: string | Uint8Array): Promise<Answer> {
    if (this.#waiting !== undefined) throw new Error('one request at a time');
    this.#waiting = Promise.withResolvers();
    const head = [
      'POST / HTTP/1.1',
      'host: engine',
      'content-type: application/x-amz-json-1.0',
      `x-amz-target: ${target}`,
      `authorization: ${AUTHORIZATION}`,
      'x-amz-date: 20260101T000000Z',
      `content-length: ${Buffer.byteLength(body)}`,
    ];
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    this.#socket.write(Buffer.concat([Buffer.from(head.join('\r\n') + END_OF_HEAD), bytes]));
    return this.#waiting.promise;
  }

  /** Calls an operation such as `DynamoDB_20120810.Scan`. Throws the service's error. */
  async call<Output>(target: string, input: object, schema: z.ZodType<Output>): Promise<Output> {
    const { status, body } = await this.post(target, JSON.stringify(input));
    const answer: unknown = JSON.parse(Buffer.from(body).toString('utf8'));
    if (status === 200) return schema.parse(answer);
    const { __type, message } = Failure.parse(answer);
    throw new Error(`${target}: ${__type} ${message ?? ''}`);
  }

  #receive(bytes: Buffer): void {
    this.#received = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes]);
    const end = this.#received.indexOf(END_OF_HEAD);
    if (end < 0) return;
    const head = this.#received.toString('latin1', 0, end);
    const length = /content-length: (\d+)/iu.exec(head)?.[1];
    if (length === undefined) {
      this.#waiting?.reject(new Error(`an answer without a length: ${head}`));
      return;
    }
    const from = end + END_OF_HEAD.length;
    const to = from + Number(length);
    if (this.#received.length < to) return;
    const body = new Uint8Array(this.#received.subarray(from, to));
    this.#received = this.#received.subarray(to);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve({ status: Number(head.slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length)), body });
  }
}
