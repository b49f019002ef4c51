import { createReadStream, existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { readErrorLine } from '../functions/adapters/disk/log-file.ts';
import { jsonOf } from './api.ts';
import type { Connection } from './connection.ts';
import type { DeadLetterQueue, ReceivedMessage } from './queues.ts';

export type Reason = {
  /**
   * `unreadable`: not a message of this queue. `failed`: its handler threw an error. `unknown`: no source has the
   * reason.
   */
  readonly kind: 'unreadable' | 'failed' | 'unknown';
  readonly text: string;
};

/**
 * The reasons for dead letters, as far as they are known: from the body, and from the function's log if it is a local
 * file. A dead letter itself carries no error.
 */
export async function reasonsOf(
  connection: Connection,
  queue: DeadLetterQueue,
  messages: readonly ReceivedMessage[],
): Promise<ReadonlyMap<string, Reason>> {
  const logged = await loggedErrors(connection, queue, new Set(messages.map(({ id }) => id)));
  return new Map(messages.map((message) => [message.id, reasonOf(queue, message, logged.get(message.id))]));
}

function reasonOf(queue: DeadLetterQueue, { body }: ReceivedMessage, logged: string | undefined): Reason {
  if (queue.holds !== 'messages') return { kind: 'unknown', text: `the error is in the log of its function` };
  const value = jsonOf(body);
  if (value === undefined) return { kind: 'unreadable', text: 'its body is not JSON' };
  const fault = queue.faultOf?.(value);
  if (fault !== undefined) return { kind: 'unreadable', text: fault };
  if (logged !== undefined) return { kind: 'failed', text: logged };
  return { kind: 'unknown', text: 'its body is readable, so its handler failed; only the log has the error' };
}

/** The last logged error of each message. */
async function loggedErrors(
  connection: Connection,
  { consumer }: DeadLetterQueue,
  ids: ReadonlySet<string>,
): Promise<ReadonlyMap<string, string>> {
  const errors = new Map<string, string>();
  const file = consumer === undefined ? undefined : connection.logFile(consumer);
  if (file === undefined || !existsSync(file) || ids.size === 0) return errors;
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    const error = readErrorLine(line);
    for (const id of error?.messageIds ?? []) if (error !== undefined && ids.has(id)) errors.set(id, error.message);
  }
  return errors;
}

/** The command that shows the log of the function that refused the messages. */
export function logHint(connection: Connection, consumer: string): string {
  const file = connection.logFile(consumer);
  if (file !== undefined) return `grep ERROR ${file}`;
  const group = `/aws/lambda/${connection.functionName(consumer)}`;
  return `aws logs tail ${group} --since 1d --filter-pattern '{ $.level = "ERROR" }'`;
}
