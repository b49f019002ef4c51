import { closeSync, openSync, writeSync } from 'node:fs';
import { devNull } from 'node:os';

/** Hides the functions' logs from the terminal. The logging itself still runs, and its cost is measured. */
export async function quietly<Value>(work: () => Promise<Value>): Promise<Value> {
  const { stdout } = process;
  const write = stdout.write;
  const sink = openSync(devNull, 'w');
  stdout.write = (chunk: string | Uint8Array): boolean => {
    writeSync(sink, typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8'));
    return true;
  };
  try {
    return await work();
  } finally {
    stdout.write = write;
    closeSync(sink);
  }
}
