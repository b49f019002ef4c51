import * as z from 'zod';
import { UnsupportedTemplateError } from './unsupported.ts';

/** The local values of a template's references. */
export type References = {
  readonly pseudo: Readonly<Record<string, string>>;
  ref(logicalId: string): string;
  attribute(logicalId: string, name: string): string;
};

const GetAtt = z.union([
  z.tuple([z.string(), z.string()]),
  z.string().transform((text, context): [string, string] => {
    const dot = text.indexOf('.');
    if (dot < 1) context.addIssue({ code: 'custom', message: 'expected Resource.Attribute' });
    return [text.slice(0, dot), text.slice(dot + 1)];
  }),
]);
const Join = z.tuple([z.string(), z.array(z.unknown())]);
const Sub = z.union([
  z.string().transform((text): [string, Record<string, unknown>] => [text, {}]),
  z.tuple([z.string(), z.record(z.string(), z.unknown())]),
]);

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Replaces each intrinsic function in a template's value with its local value. Throws for an unsupported function. */
export function resolveIntrinsics(value: unknown, references: References): unknown {
  const resolve = (inner: unknown): unknown => resolveIntrinsics(inner, references);
  const text = (inner: unknown): string => {
    const resolved = resolve(inner);
    if (typeof resolved === 'string') return resolved;
    if (typeof resolved === 'number' || typeof resolved === 'boolean') return String(resolved);
    throw new UnsupportedTemplateError(`Expected text where the template has ${JSON.stringify(inner)}`);
  };
  const reference = (name: string): string => {
    if (!name.startsWith('AWS::')) return references.ref(name);
    const known = Object.hasOwn(references.pseudo, name) ? references.pseudo[name] : undefined;
    if (known === undefined) throw new UnsupportedTemplateError(`Unsupported pseudo parameter ${name}`);
    return known;
  };

  if (Array.isArray(value)) return value.map(resolve);
  if (!isRecord(value)) return value;
  const [key, ...others] = Object.keys(value);
  const isIntrinsic = others.length === 0 && key !== undefined && (key === 'Ref' || key.startsWith('Fn::'));
  if (!isIntrinsic) return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, resolve(inner)]));

  const argument = value[key];
  switch (key) {
    case 'Ref':
      return reference(z.string().parse(argument));
    case 'Fn::GetAtt':
      return references.attribute(...GetAtt.parse(argument));
    case 'Fn::Join': {
      const [separator, parts] = Join.parse(argument);
      return parts.map(text).join(separator);
    }
    case 'Fn::Sub': {
      const [pattern, variables] = Sub.parse(argument);
      return pattern.replaceAll(/\$\{(!?)([^}]+)\}/g, (_match, escape: string, name: string) => {
        if (escape === '!') return `\${${name}}`;
        if (Object.hasOwn(variables, name)) return text(variables[name]);
        const [logicalId, attribute] = name.includes('.') ? GetAtt.parse(name) : [name, undefined];
        return attribute === undefined ? reference(logicalId) : references.attribute(logicalId, attribute);
      });
    }
    default:
      throw new UnsupportedTemplateError(`Unsupported intrinsic function ${key}`);
  }
}
