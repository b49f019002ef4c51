import * as z from 'zod';
import { type EventFilter, readFilters } from '../events/event-filter.ts';
import { readSchedule } from '../events/schedule.ts';
import { arnLike, isAllowed, parsePolicy, type InvokePermission, type Statement } from '../proxy/policy.ts';
import type { Assembly } from './assembly.ts';
import { resolveIntrinsics } from './intrinsics.ts';
import { referencesOf, type Surroundings } from './references.ts';
import * as types from './resources.ts';
import { UnsupportedTemplateError } from './unsupported.ts';
import { ROLE_TAG } from '../../functions/runtime/names.ts';

export type TableModel = {
  readonly role: string;
  readonly name: string;
  readonly arn: string;
  readonly definition: Pick<
    z.infer<typeof types.Table>,
    'AttributeDefinitions' | 'KeySchema' | 'GlobalSecondaryIndexes' | 'StreamSpecification'
  >;
  readonly timeToLiveAttribute: string | undefined;
};

export type QueueModel = {
  readonly role: string;
  readonly name: string;
  readonly arn: string;
  readonly url: string;
  readonly attributes: Readonly<Record<string, string>>;
};

export type FunctionModel = {
  readonly role: string;
  readonly name: string;
  readonly arn: string;
  readonly codeDirectory: string;
  readonly file: string; // path in codeDirectory, without its extension
  readonly exportName: string;
  readonly timeoutMs: number;
  readonly memoryMb: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly policy: readonly Statement[];
  /** Its resource policy: the services that may invoke it. */
  readonly invokers: readonly InvokePermission[];
};

type MappingModel = {
  readonly id: string;
  readonly functionName: string;
  readonly sourceArn: string;
  readonly batchSize: number;
  readonly windowMs: number;
  readonly reportsItemFailures: boolean;
};
export type QueueMappingModel = MappingModel & { readonly queue: QueueModel; readonly maxConcurrency: number };
export type StreamMappingModel = MappingModel & {
  /** True if a change is delivered to the function. */
  readonly accepts: EventFilter;
  readonly startingPosition: 'TRIM_HORIZON' | 'LATEST';
  readonly bisects: boolean;
  readonly maxRetries: number; // Infinity if the template sets no limit
  readonly maxRecordAgeMs: number; // Infinity if the template sets no limit
  readonly lanes: number; // parallel batches per shard, separated by partition key
  readonly failureQueue: QueueModel | undefined;
};

export type ScheduleTarget =
  | { readonly kind: 'queue'; readonly queue: QueueModel }
  | { readonly kind: 'function'; readonly functionName: string; readonly arn: string };

export type ScheduleModel = {
  readonly name: string;
  readonly expression: string;
  readonly target: ScheduleTarget;
  readonly input: string;
  readonly maxRetries: number;
  readonly maxEventAgeMs: number;
  readonly deadLetterQueue: QueueModel | undefined;
  /** The permissions of its role. */
  readonly policy: readonly Statement[];
};

/** A message for a queue after each deployment. */
export type DeploymentModel = { readonly queue: QueueModel; readonly input: string };

export type RouteModel = { readonly key: string; readonly functionName: string };

export type StackModel = {
  readonly tables: readonly TableModel[];
  readonly queues: readonly QueueModel[];
  readonly functions: readonly FunctionModel[];
  readonly queueMappings: readonly QueueMappingModel[];
  readonly streamMappings: readonly StreamMappingModel[];
  readonly schedules: readonly ScheduleModel[];
  readonly onDeployment: readonly DeploymentModel[];
  readonly routes: readonly RouteModel[];
  readonly apiArn: string;
  readonly throttle: { readonly ratePerSecond: number; readonly burst: number } | undefined;
};

/** The permissions that a mapping's poller needs from the function's role, and Lambda's default batch size. */
const POLLED_AS = {
  queue: { batchSize: 10, actions: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'] },
  stream: {
    batchSize: 100,
    actions: ['DescribeStream', 'GetRecords', 'GetShardIterator', 'ListStreams'].map((verb) => `dynamodb:${verb}`),
  },
} as const;
const DEFAULT_VISIBILITY_SECONDS = 30;
/** Used if a mapping sets no MaximumConcurrency: Lambda starts with five pollers. */
const DEFAULT_QUEUE_CONCURRENCY = 5;

/**
 * Reads the template and resolves every reference. Throws `UnsupportedTemplateError` with the name of a resource type,
 * property or intrinsic function that the local stack does not support.
 */
export function readStack({ template, codeDirectory }: Assembly, surroundings: Surroundings): StackModel {
  const resources = new Map(Object.entries(template.Resources));
  const references = referencesOf(resources, surroundings);

  const seen = new Set<string>(types.TYPES_WITHOUT_MEANING.keys());
  const all = <Schema extends z.ZodType>(type: string, schema: Schema) => {
    seen.add(type);
    return [...resources].flatMap(([id, resource]) => {
      if (resource.Type !== type) return [];
      const parsed = schema.safeParse(resolveIntrinsics(resource.Properties, references));
      if (parsed.success) return [{ id, properties: parsed.data }];
      throw new UnsupportedTemplateError(`${type} ${id}: ${z.prettifyError(parsed.error)}`);
    });
  };
  const roleOf = (id: string, tags: ReadonlyMap<string, string>): string => {
    const role = tags.get(ROLE_TAG);
    if (role === undefined) throw new UnsupportedTemplateError(`${id} has no tag ${ROLE_TAG}`);
    return role;
  };

  const tables = [
    ...all('AWS::DynamoDB::Table', types.Table),
    ...all('AWS::DynamoDB::GlobalTable', types.GlobalTable).map(({ id, properties: { Replicas, ...properties } }) => ({
      id,
      properties: { ...properties, Tags: Replicas[0]?.Tags ?? new Map<string, string>() },
    })),
  ].map(({ id, properties }): TableModel => {
    const { TableName, TimeToLiveSpecification, Tags, ...definition } = properties;
    const isExpiring = TimeToLiveSpecification?.Enabled === true;
    return {
      role: roleOf(id, Tags),
      name: TableName,
      arn: references.attribute(id, 'Arn'),
      definition,
      timeToLiveAttribute: isExpiring ? TimeToLiveSpecification.AttributeName : undefined,
    };
  });

  const queues = all('AWS::SQS::Queue', types.Queue).map(({ id, properties }): QueueModel => {
    const { QueueName, Tags, SqsManagedSseEnabled: _encryption, RedrivePolicy, ...numbers } = properties;
    const attributes = Object.entries(numbers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, String(value)] as const],
    );
    if (RedrivePolicy !== undefined) attributes.push(['RedrivePolicy', JSON.stringify(RedrivePolicy)]);
    return {
      role: roleOf(id, Tags),
      name: QueueName,
      arn: references.attribute(id, 'Arn'),
      url: references.ref(id),
      attributes: Object.fromEntries(attributes),
    };
  });

  const policies = all('AWS::IAM::Policy', types.Policy);
  const roles = new Map(
    all('AWS::IAM::Role', types.Role).map(({ id, properties }) => {
      const attached = policies.filter(({ properties: { Roles } }) => Roles.includes(id));
      const documents = [...properties.Policies, ...attached.map((policy) => policy.properties)];
      return [
        references.attribute(id, 'Arn'),
        {
          trusts: properties.AssumeRolePolicyDocument.Statement.map(({ Principal }) => Principal.Service),
          policy: documents.flatMap(({ PolicyName, PolicyDocument }) =>
            parsePolicy(PolicyName, PolicyDocument.Statement),
          ),
        },
      ] as const;
    }),
  );

  /** The permissions of a service that assumes the role. */
  const policyOf = (id: string, roleArn: string, service: 'lambda' | 'scheduler'): readonly Statement[] => {
    const role = roles.get(roleArn);
    if (role === undefined) throw new UnsupportedTemplateError(`${id}: its role ${roleArn} is not here`);
    if (role.trusts.includes(`${service}.amazonaws.com`)) return role.policy;
    throw new UnsupportedTemplateError(`${id}: AWS refuses it, since its role does not trust ${service}.amazonaws.com`);
  };

  const permissions = all('AWS::Lambda::Permission', types.Permission).map(({ properties }) => properties);
  const functions = all('AWS::Lambda::Function', types.LambdaFunction).map(({ id, properties }): FunctionModel => {
    const policy = policyOf(id, properties.Role, 'lambda');
    const dot = properties.Handler.lastIndexOf('.');
    return {
      role: roleOf(id, properties.Tags),
      name: properties.FunctionName,
      arn: references.attribute(id, 'Arn'),
      codeDirectory: codeDirectory(properties.Code.S3Key),
      file: properties.Handler.slice(0, dot),
      exportName: properties.Handler.slice(dot + 1),
      timeoutMs: properties.Timeout * 1000,
      memoryMb: properties.MemorySize,
      environment: properties.Environment?.Variables ?? {},
      policy,
      invokers: permissions
        .filter(({ FunctionName }) => FunctionName.split(':').at(-1) === properties.FunctionName)
        .flatMap(({ Principal, SourceArn }) =>
          SourceArn === undefined ? [] : [{ principal: Principal, covers: arnLike(SourceArn) }],
        ),
    };
  });

  const functionOf = (id: string, nameOrArn: string): FunctionModel => {
    const name = nameOrArn.split(':').at(-1);
    const found = functions.find((candidate) => candidate.name === name);
    if (found === undefined) throw new UnsupportedTemplateError(`${id}: there is no function ${nameOrArn}`);
    return found;
  };
  const functionNameOf = (id: string, nameOrArn: string): string => functionOf(id, nameOrArn).name;
  const queueOf = (id: string, queueArn: string): QueueModel => {
    const found = queues.find((queue) => queue.arn === queueArn);
    if (found === undefined) throw new UnsupportedTemplateError(`${id}: there is no queue ${queueArn}`);
    return found;
  };
  /** Lambda refuses a mapping if the function's role lacks a permission that the poller needs. */
  const requireGrants = (id: string, { policy }: FunctionModel, actions: readonly string[], resource: string) => {
    const missing = actions.find((action) => !isAllowed(policy, { action, resource }));
    if (missing === undefined) return;
    throw new UnsupportedTemplateError(`${id}: AWS refuses it, since its function may not ${missing} on ${resource}`);
  };
  const mappingOf = (
    id: string,
    properties: z.infer<typeof types.QueueMapping> | z.infer<typeof types.StreamMapping>,
    kind: keyof typeof POLLED_AS,
  ): MappingModel => {
    const fn = functionOf(id, properties.FunctionName);
    const { batchSize, actions } = POLLED_AS[kind];
    requireGrants(id, fn, actions, properties.EventSourceArn);
    return {
      id,
      functionName: fn.name,
      sourceArn: properties.EventSourceArn,
      batchSize: properties.BatchSize ?? batchSize,
      windowMs: properties.MaximumBatchingWindowInSeconds * 1000,
      reportsItemFailures: properties.FunctionResponseTypes.includes('ReportBatchItemFailures'),
    };
  };
  const orUnbounded = (value: number, factor = 1) => (value === -1 ? Infinity : value * factor);

  const queueMappings: QueueMappingModel[] = [];
  const streamMappings: StreamMappingModel[] = [];
  for (const { id, properties } of all('AWS::Lambda::EventSourceMapping', z.unknown())) {
    const { EventSourceArn } = z.object({ EventSourceArn: z.string() }).parse(properties);
    if (EventSourceArn.startsWith('arn:aws:sqs:')) {
      const mapping = parseMapping(id, types.QueueMapping, properties);
      const queue = queueOf(id, EventSourceArn);
      const hiddenMs = Number(queue.attributes.VisibilityTimeout ?? DEFAULT_VISIBILITY_SECONDS) * 1000;
      if (hiddenMs < functionOf(id, mapping.FunctionName).timeoutMs) {
        throw new UnsupportedTemplateError(
          `${id}: AWS refuses it, since its visibility timeout is shorter than its function's timeout`,
        );
      }
      queueMappings.push({
        ...mappingOf(id, mapping, 'queue'),
        queue,
        maxConcurrency: mapping.ScalingConfig?.MaximumConcurrency ?? DEFAULT_QUEUE_CONCURRENCY,
      });
    } else {
      const mapping = parseMapping(id, types.StreamMapping, properties);
      const failures = mapping.DestinationConfig?.OnFailure.Destination;
      if (failures !== undefined) {
        requireGrants(id, functionOf(id, mapping.FunctionName), ['sqs:SendMessage'], failures);
      }
      streamMappings.push({
        ...mappingOf(id, mapping, 'stream'),
        accepts: readFilters(id, mapping.FilterCriteria?.Filters.map(({ Pattern }) => Pattern) ?? []),
        startingPosition: mapping.StartingPosition,
        bisects: mapping.BisectBatchOnFunctionError,
        maxRetries: orUnbounded(mapping.MaximumRetryAttempts),
        maxRecordAgeMs: orUnbounded(mapping.MaximumRecordAgeInSeconds, 1000),
        lanes: mapping.ParallelizationFactor,
        failureQueue: failures === undefined ? undefined : queueOf(id, failures),
      });
    }
  }

  const schedules = all('AWS::Scheduler::Schedule', types.Schedule).map(({ id, properties }): ScheduleModel => {
    const { Name, ScheduleExpression, Target } = properties;
    const { MaximumRetryAttempts, MaximumEventAgeInSeconds } = Target.RetryPolicy;
    readSchedule(ScheduleExpression, 0); // an invalid expression stops boot
    return {
      name: Name,
      expression: ScheduleExpression,
      target: Target.Arn.startsWith('arn:aws:sqs:')
        ? { kind: 'queue', queue: queueOf(id, Target.Arn) }
        : { kind: 'function', functionName: functionNameOf(id, Target.Arn), arn: Target.Arn },
      input: Target.Input,
      maxRetries: MaximumRetryAttempts,
      maxEventAgeMs: MaximumEventAgeInSeconds * 1000,
      deadLetterQueue: Target.DeadLetterConfig && queueOf(id, Target.DeadLetterConfig.Arn),
      policy: policyOf(id, Target.RoleArn, 'scheduler'),
    };
  });

  const onDeployment = all('AWS::Events::Rule', types.DeploymentRule).flatMap(({ id, properties }) =>
    properties.Targets.map(({ Arn, Input }): DeploymentModel => ({ queue: queueOf(id, Arn), input: Input })),
  );

  const [api, ...otherApis] = all('AWS::ApiGatewayV2::Api', types.Api);
  if (otherApis.length > 0) throw new UnsupportedTemplateError('More than one HTTP API');
  const integrations = new Map(
    all('AWS::ApiGatewayV2::Integration', types.Integration).map(({ id, properties }) => [
      `integrations/${id}`,
      functionNameOf(id, properties.IntegrationUri),
    ]),
  );
  const routes = all('AWS::ApiGatewayV2::Route', types.Route).map(({ id, properties }): RouteModel => {
    const functionName = integrations.get(properties.Target);
    if (functionName === undefined) throw new UnsupportedTemplateError(`${id}: no integration ${properties.Target}`);
    return { key: properties.RouteKey, functionName };
  });
  const settings = all('AWS::ApiGatewayV2::Stage', types.Stage)[0]?.properties.DefaultRouteSettings;

  for (const [id, { Type }] of resources) {
    if (!seen.has(Type)) throw new UnsupportedTemplateError(`Unsupported resource type ${Type} (${id})`);
  }
  return {
    tables,
    queues,
    functions,
    queueMappings,
    streamMappings,
    schedules,
    onDeployment,
    routes,
    apiArn: `arn:aws:execute-api:${surroundings.region}:${surroundings.accountId}:${api?.id ?? 'none'}`,
    throttle: settings && { ratePerSecond: settings.ThrottlingRateLimit, burst: settings.ThrottlingBurstLimit },
  };
}

function parseMapping<Schema extends z.ZodType>(id: string, schema: Schema, properties: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(properties);
  if (parsed.success) return parsed.data;
  throw new UnsupportedTemplateError(`AWS::Lambda::EventSourceMapping ${id}: ${z.prettifyError(parsed.error)}`);
}
