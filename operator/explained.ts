import { CommanderError } from 'commander';
import * as z from 'zod';
import { CommunityError } from '../functions/adapters/disk/community-files.ts';
import { notDeployed, type Target } from './connection.ts';
import { EXIT, type ExitCode, OperatorError } from './outcome.ts';
import type { Output } from './output.ts';

const NO_CREDENTIALS: ReadonlySet<string> = new Set(['CredentialsProviderError', 'TokenProviderError']);
const REFUSED_CREDENTIALS: ReadonlySet<string> = new Set([
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidAccessKeyId',
  'InvalidClientTokenId',
  'InvalidSignatureException',
  'SignatureDoesNotMatch',
  'UnrecognizedClientException',
]);
const DENIED: ReadonlySet<string> = new Set(['AccessDenied', 'AccessDeniedException', 'AuthorizationError']);
const NOT_THERE: ReadonlySet<string> = new Set(['ResourceNotFoundException', 'QueueDoesNotExist']);
const UNREACHABLE: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT']);

/**
 * Turns an error that keeps an operator from a stack into a sentence with the remedy. Returns any other error
 * unchanged.
 */
export function explained(error: unknown, target: Target): unknown {
  if (!(error instanceof Error) || error instanceof OperatorError) return error;
  const { name, message } = error;
  const say = (code: string, sentence: string) => new OperatorError(code, sentence, { cause: error });
  if ('code' in error && typeof error.code === 'string' && UNREACHABLE.has(error.code)) {
    return target.kind === 'local'
      ? say('not_running', `the local stack in ${target.directory} does not answer (${error.code}): start it again`)
      : say('unreachable', `AWS does not answer (${message || error.code}): is the region right, and the network up?`);
  }
  if (target.kind === 'local') return error;
  const region = /^Region (?:is missing|not accepted: region="(.*)")/.exec(message);
  if (region !== null) {
    const what = region[1] ? `${region[1]} is not an AWS region` : 'no AWS region is set';
    return say('no_region', `${what}: name it in AWS_REGION, or in the profile that AWS_PROFILE names`);
  }
  if (NO_CREDENTIALS.has(name)) {
    const how = 'set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, as for the AWS CLI';
    return say('no_credentials', `no AWS credentials were found: ${how}`);
  }
  if (REFUSED_CREDENTIALS.has(name))
    return say('bad_credentials', `AWS refuses the credentials (${name}): sign in again`);
  if (DENIED.has(name)) return say('denied', `these AWS credentials are not allowed to do this: ${message}`);
  if (NOT_THERE.has(name)) return say('not_deployed', `${name}: ${notDeployed(target.stage)}`);
  return error;
}

export type Ending = { readonly code: string; readonly sentence: string; readonly exitCode: ExitCode };

/** How a command ends by an error: an expected one in one sentence, an unexpected one with its stack trace. */
export function endingOf(error: unknown): Ending {
  if (error instanceof OperatorError) return { code: error.code, sentence: error.message, exitCode: error.exitCode };
  const failed = (code: string, sentence: string): Ending => ({ code, sentence, exitCode: EXIT.failed });
  if (error instanceof z.core.$ZodError) {
    const [issue] = error.issues;
    const where = issue === undefined || issue.path.length === 0 ? 'it' : issue.path.join('.');
    return failed('unknown_answer', `this version does not understand the answer: ${where}: ${issue?.message ?? ''}`);
  }
  // The AWS SDK's errors have clear names: AccessDenied, ExpiredToken, QueueDoesNotExist …
  if (error instanceof Error && '$metadata' in error) return failed(error.name, `${error.name}: ${error.message}`);
  return failed('internal', error instanceof Error ? (error.stack ?? error.message) : String(error));
}

/** Tells the error that ended a command, and returns the exit code. */
export function tellEnding(error: unknown, output: Output, isJson: boolean): ExitCode {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return EXIT.ok; // --help
    if (isJson) output.result({ error: error.message, code: 'usage' }, ''); // commander has already written to stderr
    return EXIT.usage;
  }
  if (error instanceof CommunityError) {
    output.note(error.message);
    if (isJson) output.result({ ok: false, faults: error.faults, code: 'invalid_community' }, '');
    return EXIT.failed;
  }
  const { code, sentence, exitCode } = endingOf(error);
  output.note(`laurel: ${sentence}`);
  if (isJson) output.result({ error: sentence, code }, '');
  return exitCode;
}
