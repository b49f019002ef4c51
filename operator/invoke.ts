import { InvokeCommand } from '@aws-sdk/client-lambda';
import { jsonOf } from './api.ts';
import type { Connection } from './connection.ts';
import { OperatorError } from './outcome.ts';

/** Invokes a function and waits for its answer. */
export async function invoke(connection: Connection, role: string, event: object): Promise<unknown> {
  const command = new InvokeCommand({ FunctionName: connection.functionName(role), Payload: JSON.stringify(event) });
  const { Payload, FunctionError } = await connection.lambda().send(command);
  const value = jsonOf(Payload?.transformToString() ?? '');
  if (FunctionError === undefined) return value;
  throw new OperatorError('failed', `the ${role} function failed: ${JSON.stringify(value)}`);
}
