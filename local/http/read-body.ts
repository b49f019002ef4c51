import type { IncomingMessage } from 'node:http';

/** Reads a request's body. Returns undefined if it has more than `maxBytes`; the rest is read and dropped. */
export async function readBody(request: IncomingMessage, maxBytes = Infinity): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  request.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size <= maxBytes) chunks.push(chunk);
    else chunks.length = 0;
  });
  await new Promise<void>((resolve, reject) => {
    request.once('end', resolve);
    request.once('error', reject);
    request.once('close', () => (request.complete ? resolve() : reject(new Error('The caller hung up'))));
  });
  return size > maxBytes ? undefined : Buffer.concat(chunks);
}
