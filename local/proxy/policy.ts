import * as z from 'zod/mini';
import { UnsupportedTemplateError } from '../template/unsupported.ts';

const OneOrMore = z.union([
  z.pipe(
    z.string(),
    z.transform((one) => [one]),
  ),
  z.array(z.string()),
]);

/** Strict: an element that is not listed, such as `Condition` or `NotAction`, stops boot. The template uses none. */
const StatementDocument = z.strictObject({
  Sid: z.optional(z.string()),
  Effect: z.enum(['Allow', 'Deny']),
  Action: OneOrMore,
  Resource: OneOrMore,
});

export type Statement = {
  readonly effect: 'Allow' | 'Deny';
  readonly actions: readonly RegExp[];
  readonly resources: readonly RegExp[];
};

/** One action on one resource, for example `dynamodb:PutItem` on a table. */
export type Access = { readonly action: string; readonly resource: string };

/** IAM's wildcards: `*` matches any characters, `?` exactly one. */
function pattern(wildcard: string, flags: string): RegExp {
  const source = wildcard
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, flags);
}

/** Parses a policy's statements. Throws `UnsupportedTemplateError` for an element that cannot be checked. */
export function parsePolicy(name: string, statements: readonly unknown[]): readonly Statement[] {
  return statements.map((statement): Statement => {
    const parsed = StatementDocument.safeParse(statement);
    if (!parsed.success) throw new UnsupportedTemplateError(`Policy ${name}: ${z.prettifyError(parsed.error)}`);
    const { Effect, Action, Resource } = parsed.data;
    return {
      effect: Effect,
      actions: Action.map((action) => pattern(action, 'i')),
      resources: Resource.map((resource) => pattern(resource, '')),
    };
  });
}

/** A permission to invoke a function: the service, and the sources that it covers. */
export type InvokePermission = { readonly principal: string; readonly covers: (sourceArn: string) => boolean };

/** `ArnLike` compares each of the six parts of an ARN separately, so `*` never matches across a colon. */
export function arnLike(wildcard: string): (arn: string) => boolean {
  const partsOf = (arn: string) => [...arn.split(':', 5), arn.split(':').slice(5).join(':')];
  const patterns = partsOf(wildcard).map((part) => pattern(part, ''));
  return (arn) => partsOf(arn).every((part, index) => patterns[index]?.test(part));
}

/** IAM's evaluation: an explicit deny wins, then any allow. Everything else is denied. */
export function isAllowed(statements: readonly Statement[], { action, resource }: Access): boolean {
  const applying = statements.filter(
    ({ actions, resources }) =>
      actions.some((each) => each.test(action)) && resources.some((each) => each.test(resource)),
  );
  return applying.length > 0 && applying.every(({ effect }) => effect === 'Allow');
}
