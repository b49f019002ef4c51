import { ExplainedError } from '../explained-error.ts';

/**
 * The template uses something that the local stack does not support. It stops boot, because ignoring it would hide a
 * difference from AWS.
 */
export class UnsupportedTemplateError extends ExplainedError {
  override readonly name = 'UnsupportedTemplateError';
}
