import { loadAwsServiceSpecSync } from '@aws-cdk/aws-service-spec';
import type { Property, PropertyType } from '@aws-cdk/service-spec-types';
import type { Resources } from './template.ts';

/** Faults of a template that CloudFormation would refuse, by AWS's own specification of its resources. */

const database = loadAwsServiceSpecSync();

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `['Fn::GetAtt', […]]` for `{"Fn::GetAtt": […]}`; undefined for a plain value. */
function intrinsicOf(value: unknown): readonly [name: string, argument: any] | undefined {
  const [entry, ...others] = isObject(value) ? Object.entries(value) : [];
  if (entry === undefined || others.length > 0) return undefined;
  return entry[0] === 'Ref' || entry[0].startsWith('Fn::') ? entry : undefined;
}

/** One sentence per fault, with its place. Empty for a valid template. */
export function faultsOf(resources: Resources): string[] {
  const specOf = (type: string) => [...database.lookup('resource', 'cloudFormationType', 'equals', type)][0];

  /** References to missing resources, at any depth. */
  function brokenReferences(path: string, value: unknown): string[] {
    const [name, argument] = intrinsicOf(value) ?? [];
    if (name === 'Ref') {
      return argument.startsWith('AWS::') || argument in resources ? [] : [`${path}: there is no ${argument}`];
    }
    if (name === 'Fn::GetAtt') {
      const [id, attribute] = argument as [string, string];
      const target = resources[id];
      if (target === undefined) return [`${path}: there is no ${id}`];
      const isKnown = attribute in (specOf(target.Type)?.attributes ?? {});
      return isKnown ? [] : [`${path}: ${target.Type} has no attribute ${attribute}`];
    }
    if (typeof value !== 'object' || value === null) return [];
    return Object.entries(value).flatMap(([key, inner]) => brokenReferences(`${path}.${key}`, inner));
  }

  function membersFaults(path: string, specs: Readonly<Record<string, Property>>, value: unknown): string[] {
    if (!isObject(value)) return [`${path}: expected an object`];
    const unknown = Object.keys(value).filter((name) => !Object.hasOwn(specs, name));
    const missing = Object.entries(specs).filter(([name, spec]) => spec.required === true && !(name in value));
    return [
      ...unknown.map((name) => `${path}: there is no property ${name}`),
      ...missing.map(([name]) => `${path}: ${name} is required`),
      ...Object.entries(value).flatMap(([name, inner]) => {
        const spec = specs[name];
        return spec === undefined ? [] : fitting(`${path}.${name}`, spec, inner);
      }),
    ];
  }

  /** A property may have had other types before, which CloudFormation still accepts. */
  function fitting(path: string, { type, previousTypes = [] }: Property, value: unknown): string[] {
    const attempts = [type, ...previousTypes].map((each) => valueFaults(path, each, value));
    return attempts.find((faults) => faults.length === 0) ?? attempts[0] ?? [];
  }

  function valueFaults(path: string, type: PropertyType, value: unknown): string[] {
    const isOf = (expected: string, fits: boolean) => (fits ? [] : [`${path}: expected ${expected}`]);
    if (intrinsicOf(value) !== undefined) return isOf(type.type, !['array', 'map', 'boolean'].includes(type.type));
    switch (type.type) {
      case 'string':
      case 'integer': {
        const isRight = type.type === 'string' ? typeof value === 'string' : Number.isInteger(value);
        const values: readonly unknown[] | undefined = type.allowedValues;
        if (!isRight || values === undefined) return isOf(type.type, isRight);
        return isOf(`one of ${values.join(', ')}`, values.includes(value));
      }
      case 'number':
      case 'boolean':
        return isOf(type.type, typeof value === type.type);
      case 'json':
        return isOf('an object', isObject(value));
      case 'tag':
        return isOf('Key and Value', isObject(value) && Object.keys(value).sort().join() === 'Key,Value');
      case 'array':
        return Array.isArray(value)
          ? value.flatMap((each, index) => valueFaults(`${path}[${index}]`, type.element, each))
          : [`${path}: expected an array`];
      case 'map':
        return isObject(value)
          ? Object.entries(value).flatMap(([key, each]) => valueFaults(`${path}.${key}`, type.element, each))
          : [`${path}: expected a map`];
      case 'ref':
        return membersFaults(path, database.get('typeDefinition', type.reference.$ref).properties, value);
      case 'union': {
        const attempts = type.types.map((each) => valueFaults(path, each, value));
        return attempts.find((faults) => faults.length === 0) ?? attempts.flat();
      }
      case 'date-time':
      case 'null':
        return [`${path}: the specification has a type ${type.type}, which nothing checks here`];
    }
  }

  return Object.entries(resources).flatMap(([id, { Type, Properties = {} }]) => {
    if (Type === 'AWS::CDK::Metadata') return [];
    const spec = specOf(Type);
    const path = `${id} (${Type})`;
    if (spec === undefined) return [`${path}: there is no such resource type`];
    return [...membersFaults(path, spec.properties, Properties), ...brokenReferences(path, Properties)];
  });
}
