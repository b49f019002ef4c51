import { ExplainedError } from '../explained-error.ts';

/** Something in the template that the local stack cannot do. It stops boot: run silently, it would be a lie. */
export class UnsupportedTemplateError extends ExplainedError {
  override readonly name = 'UnsupportedTemplateError';
}
