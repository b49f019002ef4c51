import * as z from 'zod';
import { startLocalStack, type LocalStack, type LocalStackOptions } from '../local/local-stack.ts';
import { scratchDirectory } from '../local/script.ts';
import { benchAssembly } from './engine.ts';

/** Runs the work on a new, empty stack, on free ports, without the stage's throttling. */
export async function withLocalStack<Value>(
  options: Pick<LocalStackOptions, 'observe' | 'observeInvocation' | 'countsCapacity' | 'load'>,
  work: (stack: LocalStack, dataDirectory: string) => Promise<Value>,
): Promise<Value> {
  const { path: dataDirectory, remove } = scratchDirectory('bench');
  const assembly = await benchAssembly();
  const adapt: LocalStackOptions['adapt'] = (model) => ({ ...model, throttle: undefined });
  try {
    const stack = await startLocalStack({ ...options, assembly, dataDirectory, adapt });
    try {
      return await work(stack, dataDirectory);
    } finally {
      await stack.stop();
    }
  } finally {
    remove();
  }
}

/** Sends a POST to the stack. Throws unless it succeeds. */
export async function post(
  { baseUrl }: Pick<LocalStack, 'baseUrl'>,
  path: string,
  body: object,
  key: string,
): Promise<unknown> {
  const headers = { 'content-type': 'application/json', 'x-api-key': key };
  const response = await fetch(baseUrl + path, { method: 'POST', headers, body: JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path} answered ${response.status} ${text}`);
  return JSON.parse(text);
}

/** Creates a personal key over HTTP and returns its secret. */
export async function keyFor(stack: Pick<LocalStack, 'baseUrl' | 'adminKey'>, username: string): Promise<string> {
  const created = await post(stack, '/v1/keys', { kind: 'personal', username }, stack.adminKey);
  return z.object({ key: z.string() }).parse(created).key;
}
