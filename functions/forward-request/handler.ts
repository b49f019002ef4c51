import { InvokeCommand } from '@aws-sdk/client-lambda';
import * as z from 'zod/mini';
import { lambdaClient } from '../runtime/aws-clients.ts';
import {
  HttpEvent,
  internalFault,
  nothingHere,
  toAnswer,
  wrongAddress,
  type HttpAnswer,
} from '../runtime/http-answer.ts';
import { cameThrough, HttpEnv } from '../runtime/http-env.ts';
import { logger } from '../runtime/log.ts';
import { once } from '../runtime/once.ts';
import { pathFinder } from '../runtime/router.ts';
import { ForwardRequestEnv } from './env.ts';
import { PATHS } from './paths.ts';

const Answered = z.object({
  statusCode: z.number(),
  headers: z.record(z.string(), z.string()),
  body: z.string(),
  isBase64Encoded: z.optional(z.boolean()),
});

const wired = once(() => {
  const { FUNCTION_NAME_PREFIX: prefix } = ForwardRequestEnv.parse(process.env);
  const env = HttpEnv.parse(process.env);
  return { prefix, env, find: pathFinder(PATHS, env.BASE_PATH), lambda: lambdaClient('forward') };
});

/**
 * Gets every request that no route of the gateway matches. A path with doubled slashes goes unchanged to the function
 * that it means: that function merges the slashes. Any other path is answered with 404.
 */
export async function handler(rawEvent: unknown): Promise<HttpAnswer> {
  const event = HttpEvent.parse(rawEvent);
  const { requestId } = event.requestContext;
  const { prefix, env, find, lambda } = wired();
  if (!cameThrough(env, event.headers)) return toAnswer(wrongAddress(), event);
  const routes = find(event.rawPath).map(({ route }) => route);
  const [first] = routes;
  if (first === undefined) return toAnswer(nothingHere(), event);
  const { role } = first; // all routes of a path are one function's
  try {
    const call = new InvokeCommand({ FunctionName: `${prefix}${role}`, Payload: JSON.stringify(rawEvent) });
    const { Payload, FunctionError } = await lambda.send(call);
    const answer = Answered.safeParse(JSON.parse(Buffer.from(Payload ?? []).toString('utf8')));
    if (FunctionError !== undefined || !answer.success)
      throw new Error(`${role} failed: ${FunctionError ?? 'no answer'}`);
    logger.info('forwarded', { requestId, role, status: answer.data.statusCode });
    return answer.data;
  } catch (error) {
    logger.error('forwarding failed', { requestId, role, error });
    const readable = routes.find(({ access }) => access === 'anyone');
    return toAnswer(internalFault(requestId), event, readable);
  }
}
