import { closeSync, openSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import * as z from 'zod/mini';

/** What both kinds of threads know of a function. */
export const FunctionData = z.object({
  /** The URL of the module to load. */
  module: z.string(),
  exportName: z.string(),
  functionName: z.string(),
  functionArn: z.string(),
  memoryMb: z.number(),
  logFile: z.string(),
});
export type FunctionData = z.infer<typeof FunctionData>;

const Handler = z.custom<(event: unknown, context: unknown) => unknown>((value) => typeof value === 'function');
type Handler = z.infer<typeof Handler>;

/** Loads the function's module. Throws if it does not export the handler. */
export async function load({ module, exportName }: FunctionData): Promise<Handler> {
  const exported: unknown = module.endsWith('.js')
    ? createRequire(module)(fileURLToPath(module)) // a bundle, which needs no loader of ES modules
    : await import(module);
  const loaded = z.record(z.string(), z.unknown()).parse(Object.assign({}, exported));
  return Handler.parse(loaded[exportName]);
}

const errorOf = (error: unknown) =>
  error instanceof Error
    ? { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? '').split('\n') }
    : { errorType: typeof error, errorMessage: String(error), trace: [] };

/** `undefined` has no JSON form; Lambda answers null. */
const jsonOf = (value: unknown): string => JSON.stringify(value === undefined ? null : value);

/** Runs the handler as Lambda does, and gives the answer for the thread's owner. */
export async function answerOf(
  handler: Handler | Promise<Handler>,
  { functionName, functionArn, memoryMb }: FunctionData,
  { requestId, event }: { readonly requestId: string; readonly event: string },
  getRemainingTimeInMillis: () => number,
) {
  const context = {
    functionName,
    functionVersion: '$LATEST',
    invokedFunctionArn: functionArn,
    memoryLimitInMB: String(memoryMb),
    awsRequestId: requestId,
    logGroupName: `/aws/lambda/${functionName}`,
    logStreamName: 'local',
    callbackWaitsForEmptyEventLoop: false,
    getRemainingTimeInMillis,
  };
  try {
    const handle = await handler;
    return { requestId, result: jsonOf(await handle(JSON.parse(event), context)) };
  } catch (error) {
    return { requestId, error: errorOf(error) };
  }
}

/** Sends the output of this thread to a log. It is written synchronously, so output from before its end is not lost. */
export function printTo(logFile: () => string | undefined): void {
  const descriptors = new Map<string, number>();
  const descriptorOf = (file: string): number => {
    const open = descriptors.get(file) ?? openSync(file, 'a');
    descriptors.set(file, open);
    return open;
  };
  const print = (chunk: string | Uint8Array): boolean => {
    const file = logFile();
    if (file !== undefined)
      writeSync(descriptorOf(file), typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8'));
    return true;
  };
  process.stdout.write = print;
  process.stderr.write = print;
  process.once('exit', () => descriptors.forEach((descriptor) => closeSync(descriptor)));
}
