import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { Resource as ReadResource } from '../../local/template/assembly.ts';
import * as reader from '../../local/template/resources.ts';
import { faultsOf } from '../support/service-spec.ts';
import { everyTemplate } from '../support/synthesis.ts';
import { ofType, type Resources, targetOf } from '../support/template.ts';
import { ATTRIBUTES, PROPERTIES, type Rule } from './template-properties.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** Faults in the templates that AWS would refuse, found without an account. */
const templates = await everyTemplate();

const READ: Readonly<Record<string, z.core.$ZodType>> = {
  'AWS::ApiGatewayV2::Api': reader.Api,
  'AWS::ApiGatewayV2::Integration': reader.Integration,
  'AWS::ApiGatewayV2::Route': reader.Route,
  'AWS::ApiGatewayV2::Stage': reader.Stage,
  'AWS::DynamoDB::GlobalTable': reader.GlobalTable,
  'AWS::IAM::Policy': reader.Policy,
  'AWS::Events::Rule': reader.DeploymentRule,
  'AWS::IAM::Role': reader.Role,
  'AWS::Lambda::EventSourceMapping': z.union([reader.QueueMapping, reader.StreamMapping]),
  'AWS::Lambda::Function': reader.LambdaFunction,
  'AWS::Lambda::Permission': reader.Permission,
  'AWS::Scheduler::Schedule': reader.Schedule,
  'AWS::SQS::Queue': reader.Queue,
};

/** How the local stack treats a property: `read`, `ignored: why`, or `refused`. */
function readAs(schema: z.core.$ZodType, [name, ...rest]: readonly string[]): string {
  const because = reader.ignored.get(schema)?.because;
  if (because !== undefined) return `ignored: ${because}`;
  if (name === undefined) return 'read';
  const { def } = (schema as any)._zod;
  const wrapped = def.innerType ?? def.in; // optional, with a default, or transformed
  if (wrapped !== undefined) return readAs(wrapped, [name, ...rest]);
  if (def.type === 'union') {
    const ways: string[] = def.options.map((option: z.core.$ZodType) => readAs(option, [name, ...rest]));
    return ways.find((way) => way !== 'refused') ?? 'refused';
  }
  const member = { object: def.shape?.[name], array: name === '[]' && def.element, record: def.valueType }[
    def.type as string
  ];
  if (member) return readAs(member, rest);
  return def.type === 'unknown' ? 'read' : 'refused'; // policies, which a separate strict parser reads
}

const segmentsOf = (path: string) => path.replaceAll('[]', '.[]').split('.');

const isReference = (value: object) => /^(?:Ref|Fn::.*)$/u.test(Object.keys(value).join());

/** All values of a resource by their paths: `Tags[].Key`. Names of environment variables and routes are `*`. */
function* valuesIn(value: unknown, path = ''): Generator<readonly [path: string, value: unknown]> {
  if (typeof value !== 'object' || value === null || isReference(value)) yield [path, value];
  else if (Array.isArray(value)) for (const each of value) yield* valuesIn(each, `${path}[]`);
  else {
    for (const [name, inner] of Object.entries(value)) {
      const step = ['Environment.Variables', 'RouteSettings'].includes(path) ? '*' : name;
      yield* valuesIn(inner, path === '' ? step : `${path}.${step}`);
    }
  }
}

const found = (resources: Resources) =>
  Object.entries(resources).flatMap(([id, { Type, Properties, ...attributes }]) => [
    ...[...valuesIn(Properties)].map(([path, value]) => ({ id, type: Type, path, value })),
    ...Object.entries(attributes).map(([path, value]) => ({ id, type: '', path, value })),
  ]);
const ruleOf = (type: string, path: string): Rule | undefined =>
  type === '' ? ATTRIBUTES[path] : PROPERTIES[type]?.[path];
const rules = [
  ...Object.entries(ATTRIBUTES).map(([path, rule]) => ['', path, rule] as const),
  ...Object.entries(PROPERTIES).flatMap(([type, properties]) =>
    Object.entries(properties).map(([path, rule]) => [type, path, rule] as const),
  ),
];

describe('the list of properties', () => {
  it('has every property of every template, and no others', () => {
    const there = new Set(
      templates.flatMap(([, { Resources }]) => found(Resources)).map(({ type, path }) => `${type} ${path}`),
    );
    const listed = rules.map(([type, path]) => `${type} ${path}`);

    expect(
      [...there].filter((path) => !listed.includes(path)),
      'no row',
    ).toEqual([]);
    expect(
      listed.filter((path) => !there.has(path) && path !== ' Metadata'),
      'a row too many',
    ).toEqual([]);
  });

  it('has no property that the local stack refuses, and none that it ignores without a reason', () => {
    const refused = rules.filter(([type, path]) => {
      if (reader.TYPES_WITHOUT_MEANING.has(type)) return false;
      const schema = type === '' ? ReadResource : READ[type];
      return schema === undefined || readAs(schema, segmentsOf(path)) === 'refused';
    });

    expect(refused.map(([type, path]) => `${type} ${path}`)).toEqual([]);
  });

  it('knows which properties the local stack ignores, reads and refuses', () => {
    expect(readAs(reader.Queue, ['VisibilityTimeout'])).toBe('read');
    expect(readAs(reader.Queue, ['SqsManagedSseEnabled'])).toBe('ignored: the engine keeps a plain file');
    expect(readAs(reader.Queue, ['ContentBasedDeduplication'])).toBe('refused');
    expect(readAs(reader.GlobalTable, segmentsOf('Replicas[].KinesisStreamSpecification.StreamArn'))).toBe('refused');
  });

  it.each([
    ['a number that is too large', 'AWS::SQS::Queue', 'VisibilityTimeout', 43_201, 43_200],
    ['a number between others', 'AWS::Logs::LogGroup', 'RetentionInDays', 91, 90],
    ['a name with a wrong character', 'AWS::Lambda::Function', 'FunctionName', 'a.b', 'a-b'],
    ['a name that is too long', 'AWS::Scheduler::Schedule', 'Name', 'a'.repeat(65), 'a'.repeat(64)],
    ['a reference to a resource of another type', 'AWS::Lambda::Function', 'Role', { Ref: 'Q' }, { Ref: 'R' }],
  ])('distinguishes %s from a value that AWS accepts', (_what, type, path, wrong, right) => {
    const resources = { Q: { Type: 'AWS::SQS::Queue', Properties: {} }, R: { Type: 'AWS::IAM::Role', Properties: {} } };

    expect(ruleOf(type, path)!.fits(wrong, resources)).toBe(false);
    expect(ruleOf(type, path)!.fits(right, resources)).toBe(true);
  });

  it('names tests that cover the property', () => {
    const astray = rules.filter(([, path, { shownBy }]) => {
      if (shownBy === undefined) return false;
      const name = segmentsOf(path).findLast((segment) => /\w/u.test(segment)) ?? 'Variables';
      return !readFileSync(join(ROOT, shownBy.file), 'utf8').includes(shownBy.word ?? name);
    });

    expect(astray.map(([type, path, { shownBy }]) => `${type} ${path}: ${shownBy?.file}`)).toEqual([]);
  });
});

describe('faults that CloudFormation would refuse', () => {
  const queue = (Properties: object): Resources => ({ Jobs: { Type: 'AWS::SQS::Queue', Properties } });
  const aFunction = (Properties: object): Resources => ({
    F: { Type: 'AWS::Lambda::Function', Properties: { Role: 'r', Code: { S3Key: 'k' }, ...Properties } },
  });

  it.each<[string, Resources, string]>([
    ['a type', { X: { Type: 'AWS::SQS::Quue', Properties: {} } }, 'no such resource type'],
    ['a property', queue({ VisibilityTimeOut: 1 }), 'no property VisibilityTimeOut'],
    ['a property within', aFunction({ Code: { Key: 'k' } }), 'no property Key'],
    ['a missing property', { F: { Type: 'AWS::Lambda::Function', Properties: { Role: 'r' } } }, 'Code is required'],
    ['a type of a value', queue({ VisibilityTimeout: 'six' }), 'VisibilityTimeout: expected integer'],
    ['a value', aFunction({ RecursiveLoop: 'Yes' }), 'expected one of Allow, Terminate'],
    ['a reference', queue({ QueueName: { Ref: 'Other' } }), 'there is no Other'],
    ['an attribute', queue({ QueueName: { 'Fn::GetAtt': ['Jobs', 'Name'] } }), 'no attribute Name'],
    ['a tag', queue({ Tags: [{ Key: 'a' }] }), 'expected Key and Value'],
  ])('is found: %s', (_what, resources, fault) => {
    expect(faultsOf(resources)).toEqual([expect.stringContaining(fault)]);
  });

  it('are found: the CDK finds a cycle whenever it reads a template', () => {
    const refersTo = (id: string) => ({ Type: 'AWS::SQS::Queue', Properties: { QueueName: { Ref: id } } });

    expect(() => Template.fromJSON({ Resources: { A: refersTo('B'), B: refersTo('A') } })).toThrow('cycle');
  });
});

/** The maximum length in an account: the longest region, and the suffix that CloudFormation adds to a name. */
const lengthOf = (value: unknown): number =>
  JSON.stringify(value, (_key, inner: any) => {
    if (typeof inner !== 'object' || inner === null || !isReference(inner)) return inner;
    const joined: unknown[] | undefined = inner['Fn::Join']?.[1];
    return joined === undefined
      ? 'x'.repeat(150)
      : joined.map((part) => (typeof part === 'string' ? part : 'x'.repeat(150))).join('');
  }).length;

describe.each(templates)('the template of %s', (_stage, template) => {
  const { Resources } = template;
  const of = (type: string) => ofType(Resources, type).map(([, { Properties }]) => Properties);

  it('has only types, properties, values and references that AWS specifies, and no cycle', () => {
    expect(faultsOf(Resources)).toEqual([]);
    expect(() => Template.fromJSON(template)).not.toThrow();
  });

  it("obeys AWS's rule for each property", () => {
    const wrong = found(Resources).filter(
      ({ type, path, value }) => ruleOf(type, path)?.fits(value, Resources) === false,
    );

    expect(wrong).toEqual([]);
  });

  it("stays within AWS's size limits", () => {
    const sizes = new Map<string, number>();
    for (const { Roles, PolicyDocument } of of('AWS::IAM::Policy')) {
      for (const { Ref } of Roles) sizes.set(Ref, (sizes.get(Ref) ?? 0) + lengthOf(PolicyDocument));
    }
    expect(Math.max(...sizes.values())).toBeLessThanOrEqual(10_240); // all policies of a role together
    for (const { Environment } of of('AWS::Lambda::Function')) expect(lengthOf(Environment)).toBeLessThanOrEqual(4_096);
    const invokers = Map.groupBy(of('AWS::Lambda::Permission'), ({ FunctionName }) =>
      targetOf(Resources, FunctionName),
    );
    for (const each of invokers.values()) expect(lengthOf(each)).toBeLessThanOrEqual(20_480);
    expect(of('AWS::ApiGatewayV2::Route').length).toBeLessThanOrEqual(300);
    expect(Object.keys(Resources).length).toBeLessThanOrEqual(500);
    expect(JSON.stringify(template).length).toBeLessThanOrEqual(1_000_000);
  });

  it('has each name and each route once', () => {
    const named = Object.values(Resources).flatMap(({ Type, Properties }) =>
      Object.entries(Properties)
        .filter(([property, value]) => /^(?:\w*Name|RouteKey)$/u.test(property) && typeof value === 'string')
        .map(([property, value]) => `${Type} ${property} ${String(value)}`),
    );
    const isMetric = (name: string) => name.startsWith('AWS::CloudWatch::Alarm MetricName ');

    expect(named.filter((name, index) => named.indexOf(name) !== index && !isMetric(name))).toEqual([]);
  });

  it('defines the attributes of keys and indexes, and no others', () => {
    for (const { AttributeDefinitions, KeySchema, GlobalSecondaryIndexes = [] } of of('AWS::DynamoDB::GlobalTable')) {
      for (const { Projection } of GlobalSecondaryIndexes) {
        expect(Projection.NonKeyAttributes?.length ?? 0).toBeLessThanOrEqual(20); // the maximum of an index
      }
      const keys = [KeySchema, ...GlobalSecondaryIndexes.map((index: any) => index.KeySchema)].flat();
      const named = (list: any[]) => [...new Set(list.map(({ AttributeName }) => AttributeName))].sort();
      expect(named(AttributeDefinitions)).toEqual(named(keys));
    }
  });

  it('has no alarm over more than AWS allows: a day, or a week with periods of an hour, with ten metrics', () => {
    for (const { Period, EvaluationPeriods, Metrics = [] } of of('AWS::CloudWatch::Alarm')) {
      const periods = [Period, ...Metrics.map(({ MetricStat }: any) => MetricStat?.Period)].filter((each) => each > 0);
      expect(new Set(periods).size).toBe(1);
      expect(periods[0] * EvaluationPeriods).toBeLessThanOrEqual(periods[0] < 3_600 ? 86_400 : 604_800);
      expect(Metrics.length).toBeLessThanOrEqual(10);
    }
  });
});
