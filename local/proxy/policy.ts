import * as z from 'zod';
import { UnsupportedTemplateError } from '../template/unsupported.ts';

const OneOrMore = z.union([z.string().transform((one) => [one]), z.array(z.string())]);
const Condition = z.record(z.string(), z.record(z.string(), OneOrMore));

const StatementDocument = z.strictObject({
  Sid: z.string().optional(),
  Effect: z.enum(['Allow', 'Deny']),
  Action: OneOrMore,
  Resource: OneOrMore,
  Condition: Condition.optional(),
});

type ConditionCheck = (values: readonly string[], wanted: readonly string[]) => boolean;

export type Statement = {
  readonly effect: 'Allow' | 'Deny';
  readonly actions: readonly RegExp[];
  readonly resources: readonly RegExp[];
  readonly conditions: readonly {
    readonly key: string;
    readonly wanted: readonly string[];
    readonly holds: ConditionCheck;
  }[];
};

/** One thing that a call does to one resource: `dynamodb:PutItem` on a table, say. */
export type Access = {
  readonly action: string;
  readonly resource: string;
  /** The values of condition keys, such as `dynamodb:LeadingKeys`. */
  readonly context?: Readonly<Record<string, readonly string[]>>;
};

/** IAM's wildcards: `*` any characters, `?` exactly one. */
const pattern = (wildcard: string, flags = ''): RegExp =>
  new RegExp(
    `^${[...wildcard].map((c) => (c === '*' ? '.*' : c === '?' ? '.' : c.replace(/[.+^${}()|[\]\\]/, '\\$&'))).join('')}$`,
    `s${flags}`,
  );

const matches = (value: string, wanted: readonly string[]) => wanted.some((each) => pattern(each).test(value));

const CONDITIONS: ReadonlyMap<string, ConditionCheck> = new Map([
  ['StringEquals', (values, wanted) => values.some((value) => wanted.includes(value))],
  ['StringLike', (values, wanted) => values.some((value) => matches(value, wanted))],
  ['ForAllValues:StringEquals', (values, wanted) => values.every((value) => wanted.includes(value))],
  ['ForAllValues:StringLike', (values, wanted) => values.every((value) => matches(value, wanted))],
  ['ForAnyValue:StringEquals', (values, wanted) => values.some((value) => wanted.includes(value))],
  ['ForAnyValue:StringLike', (values, wanted) => values.some((value) => matches(value, wanted))],
]);
/** The keys whose values the proxy can tell from a call. */
const CONDITION_KEYS: ReadonlySet<string> = new Set(['dynamodb:LeadingKeys']);

/** A policy's statements. Throws `UnsupportedTemplateError` on an element, condition or key that cannot be checked. */
export function parsePolicy(name: string, statements: readonly unknown[]): readonly Statement[] {
  return statements.map((statement): Statement => {
    const parsed = StatementDocument.safeParse(statement);
    if (!parsed.success) throw new UnsupportedTemplateError(`Policy ${name}: ${z.prettifyError(parsed.error)}`);
    const { Effect, Action, Resource, Condition = {} } = parsed.data;
    return {
      effect: Effect,
      actions: Action.map((action) => pattern(action, 'i')),
      resources: Resource.map((resource) => pattern(resource)),
      conditions: Object.entries(Condition).flatMap(([operator, keys]) => {
        const holds = CONDITIONS.get(operator);
        if (holds === undefined)
          throw new UnsupportedTemplateError(`Policy ${name}: unsupported condition ${operator}`);
        return Object.entries(keys).map(([key, wanted]) => {
          if (CONDITION_KEYS.has(key)) return { key, wanted, holds };
          throw new UnsupportedTemplateError(`Policy ${name}: unsupported condition key ${key}`);
        });
      }),
    };
  });
}

/** IAM's evaluation: an explicit deny wins, then any allow; nothing else is allowed. */
export function isAllowed(statements: readonly Statement[], { action, resource, context = {} }: Access): boolean {
  const applies = ({ actions, resources, conditions }: Statement) =>
    actions.some((each) => each.test(action)) &&
    resources.some((each) => each.test(resource)) &&
    conditions.every(({ key, wanted, holds }) => holds(context[key] ?? [], wanted));
  const applying = statements.filter(applies);
  return applying.length > 0 && applying.every(({ effect }) => effect === 'Allow');
}
