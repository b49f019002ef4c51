/** A process of its own that accepts every message and every invocation, so that its CPU is not the bench's. */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import * as z from 'zod';

const Batch = z.object({ Entries: z.array(z.object({ Id: z.string(), MessageBody: z.string() })) });
/** As large as Lambda lets an answer be. */
const ANSWER = JSON.stringify({ statusCode: 200, headers: {}, body: 'a'.repeat(5 << 20) });

const md5 = (text: string): string => createHash('md5').update(text).digest('hex');

function answerTo(target: string, body: string): string {
  if (target === '') return ANSWER;
  if (target.endsWith('GetQueueAttributes')) {
    const none = ['', 'NotVisible', 'Delayed'].map((state) => [`ApproximateNumberOfMessages${state}`, '0'] as const);
    return JSON.stringify({ Attributes: Object.fromEntries(none) });
  }
  const Successful = Batch.parse(JSON.parse(body)).Entries.map(({ Id, MessageBody }) => ({
    ...{ Id, MessageId: Id },
    MD5OfMessageBody: md5(MessageBody),
  }));
  return JSON.stringify({ Successful });
}

const server = createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8').on('data', (part: string) => (body += part));
  request.on('end', () => {
    response.setHeader('content-type', 'application/x-amz-json-1.0');
    response.end(answerTo(String(request.headers['x-amz-target'] ?? ''), body));
  });
});
server.listen(0, '127.0.0.1', () => process.send?.(server.address()));
process.on('disconnect', () => process.exit());
