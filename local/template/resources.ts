import * as z from 'zod';

/**
 * The resource types that the local stack runs, with the properties that it understands. The objects are strict: a
 * property that is not listed stops boot. A property that has no effect here states the reason.
 */

/** The reason why a known property has no effect here. */
export const ignored = z.registry<{ readonly because: string }>();

export const withoutMeaning = (because: string) => z.unknown().optional().register(ignored, { because });

const Tags = z
  .array(z.strictObject({ Key: z.string(), Value: z.string() }))
  .default([])
  .transform((tags) => new Map(tags.map(({ Key, Value }) => [Key, Value])));

const AttributeDefinitions = z.array(
  z.strictObject({ AttributeName: z.string(), AttributeType: z.enum(['S', 'N', 'B']) }),
);
const KeySchema = z.array(z.strictObject({ AttributeName: z.string(), KeyType: z.enum(['HASH', 'RANGE']) }));
const Projection = z.strictObject({
  ProjectionType: z.enum(['ALL', 'KEYS_ONLY', 'INCLUDE']),
  NonKeyAttributes: z.array(z.string()).optional(),
});

const tableProperties = {
  TableName: z.string(),
  AttributeDefinitions,
  KeySchema,
  BillingMode: z.literal('PAY_PER_REQUEST'),
  StreamSpecification: z
    .strictObject({ StreamViewType: z.enum(['NEW_AND_OLD_IMAGES', 'NEW_IMAGE', 'OLD_IMAGE', 'KEYS_ONLY']) })
    .optional(),
  TimeToLiveSpecification: z.strictObject({ AttributeName: z.string(), Enabled: z.boolean() }).optional(),
  GlobalSecondaryIndexes: z
    .array(
      z.strictObject({
        IndexName: z.string(),
        KeySchema,
        Projection,
      }),
    )
    .default([]),
  SSESpecification: withoutMeaning('the engines keep plain files'),
  WriteOnDemandThroughputSettings: withoutMeaning('a laptop limits the throughput itself'),
};

export const GlobalTable = z.strictObject({
  ...tableProperties,
  Replicas: z
    .array(
      z.strictObject({
        Region: z.string(),
        Tags,
        ReadOnDemandThroughputSettings: withoutMeaning('a laptop limits the throughput itself'),
        GlobalSecondaryIndexes: withoutMeaning('the table defines the indexes; a replica only tunes them'),
        DeletionProtectionEnabled: withoutMeaning('only --fresh deletes data'),
        PointInTimeRecoverySpecification: withoutMeaning('there are no backups here'),
        ContributorInsightsSpecification: withoutMeaning('there is no CloudWatch here'),
      }),
    )
    .length(1, 'one region only'),
});

export const Table = z.strictObject({
  ...tableProperties,
  Tags,
  DeletionProtectionEnabled: withoutMeaning('only --fresh deletes data'),
  PointInTimeRecoverySpecification: withoutMeaning('there are no backups here'),
});

export const Queue = z.strictObject({
  QueueName: z.string(),
  VisibilityTimeout: z.number().optional(),
  MessageRetentionPeriod: z.number().optional(),
  DelaySeconds: z.number().optional(),
  ReceiveMessageWaitTimeSeconds: z.number().optional(),
  MaximumMessageSize: z.number().optional(),
  RedrivePolicy: z.strictObject({ deadLetterTargetArn: z.string(), maxReceiveCount: z.number() }).optional(),
  Tags,
  SqsManagedSseEnabled: withoutMeaning('the engine keeps a plain file'),
});

const VariableName = z
  .string()
  .regex(
    /^(?!AWS_|LAMBDA_)[a-zA-Z]\w+$/,
    'AWS accepts letters, digits and underscores, and reserves AWS_… and LAMBDA_…',
  );

export const LambdaFunction = z.strictObject({
  FunctionName: z.string(),
  Handler: z.string().regex(/^[\w/-]+\.\w+$/),
  Code: z.strictObject({
    S3Key: z.string(),
    S3Bucket: withoutMeaning('bundles are read from the folder where they were built'),
  }),
  Role: z.string(),
  Timeout: z.number(),
  MemorySize: z.number().default(128),
  Environment: z.strictObject({ Variables: z.record(VariableName, z.string()) }).optional(),
  Runtime: z.literal('nodejs24.x'),
  Tags,
  Architectures: withoutMeaning('a bundle is JavaScript'),
  LoggingConfig: withoutMeaning("a function's output goes to its log file unchanged"),
  RecursiveLoop: withoutMeaning('nothing here stops a function that feeds itself'),
  EphemeralStorage: withoutMeaning('temporary files go to the disk of this machine'),
  Description: withoutMeaning('for readers'),
  ReservedConcurrentExecutions: withoutMeaning('nothing shares an account with these functions'),
});

const NO_URLS = 'functions have no addresses of their own here';

export const Permission = z.strictObject({
  Action: z.literal(['lambda:InvokeFunction', 'lambda:InvokeFunctionUrl']),
  FunctionName: z.string(),
  Principal: z.literal(
    ['apigateway.amazonaws.com', '*'],
    'only the API Gateway can invoke a function through its resource policy here',
  ),
  SourceArn: z.string().optional(), // not for an address of Lambda
  FunctionUrlAuthType: withoutMeaning(NO_URLS),
  InvokedViaFunctionUrl: withoutMeaning(NO_URLS),
});

const PolicyDocument = z.strictObject({ Version: z.literal('2012-10-17'), Statement: z.array(z.unknown()) });

/** The services that may assume a role, each with its reason. */
const AssumeRolePolicyDocument = z.strictObject({
  Version: z.literal('2012-10-17'),
  Statement: z.array(
    z.strictObject({
      Effect: z.literal('Allow'),
      Action: z.literal('sts:AssumeRole'),
      Principal: z.strictObject({ Service: z.string() }),
      Condition: withoutMeaning('there is no other account here'),
    }),
  ),
});

export const Role = z.strictObject({
  AssumeRolePolicyDocument,
  Policies: z.array(z.strictObject({ PolicyName: z.string(), PolicyDocument })).default([]),
  Description: withoutMeaning('for readers'),
});

export const Policy = z.strictObject({
  PolicyName: z.string(),
  PolicyDocument,
  Roles: z.array(z.string()),
});

const mappingProperties = {
  EventSourceArn: z.string(),
  FunctionName: z.string(),
  BatchSize: z.number().int().min(1).max(10_000).optional(),
  MaximumBatchingWindowInSeconds: z.number().min(0).max(300).default(0),
  FunctionResponseTypes: z.array(z.literal('ReportBatchItemFailures')).default([]),
  Enabled: z.literal(true).optional(),
  Tags: withoutMeaning('a mapping is found by its function'),
};

export const QueueMapping = z
  .strictObject({
    ...mappingProperties,
    ScalingConfig: z.strictObject({ MaximumConcurrency: z.number().int().min(2).max(1000) }).optional(),
  })
  .refine(
    ({ BatchSize = 0, MaximumBatchingWindowInSeconds }) => BatchSize <= 10 || MaximumBatchingWindowInSeconds >= 1,
    'AWS refuses more than 10 messages without a window of a second',
  );

export const StreamMapping = z.strictObject({
  ...mappingProperties,
  FilterCriteria: z
    .strictObject({
      Filters: z
        .array(z.strictObject({ Pattern: z.string().max(4096) }))
        .max(5, 'AWS accepts at most five filters per mapping'),
    })
    .optional(),
  StartingPosition: z.enum(['TRIM_HORIZON', 'LATEST']),
  BisectBatchOnFunctionError: z.boolean().default(false),
  MaximumRetryAttempts: z.number().int().min(-1).max(10_000).default(-1),
  MaximumRecordAgeInSeconds: z.union([z.literal(-1), z.number().int().min(60).max(604_800)]).default(-1),
  ParallelizationFactor: z.number().int().min(1).max(10).default(1),
  DestinationConfig: z.strictObject({ OnFailure: z.strictObject({ Destination: z.string() }) }).optional(),
});

export const Schedule = z.strictObject({
  Name: z.string(),
  ScheduleExpression: z.string(),
  ScheduleExpressionTimezone: z.literal('UTC').optional(),
  FlexibleTimeWindow: z.strictObject({ Mode: z.literal('OFF') }),
  State: z.literal('ENABLED').optional(),
  Target: z.strictObject({
    Arn: z
      .string()
      .regex(/^arn:aws:(?:sqs|lambda):/, 'only a queue or a function can be the target of a schedule here'),
    RoleArn: z.string(),
    Input: z.string(),
    RetryPolicy: z
      .strictObject({
        MaximumRetryAttempts: z.number().int().min(0).max(185).default(185),
        MaximumEventAgeInSeconds: z.number().int().min(60).max(86_400).default(86_400),
      })
      .prefault({}),
    DeadLetterConfig: z.strictObject({ Arn: z.string() }).optional(),
  }),
  Description: withoutMeaning('for readers'),
  GroupName: withoutMeaning('a name is unique in the template'),
});

/** Of the events of CloudFormation alone: the end of a deployment. */
export const DeploymentRule = z.strictObject({
  EventPattern: z.strictObject({
    source: z.array(z.literal('aws.cloudformation')),
    'detail-type': z.array(z.literal('CloudFormation Stack Status Change')),
    detail: withoutMeaning('a start on a changed template is the deployment, and it cannot be rolled back'),
  }),
  State: z.literal('ENABLED').optional(),
  Targets: z.array(
    z.strictObject({
      Arn: z.string().startsWith('arn:aws:sqs:', 'only a queue can be the target of a rule here'),
      Input: z.string(),
      Id: withoutMeaning('it only distinguishes targets'),
      RetryPolicy: withoutMeaning('the next start sends what this one could not send'),
      DeadLetterConfig: withoutMeaning('the next start sends what this one could not send'),
    }),
  ),
  Name: withoutMeaning('for readers'),
  Description: withoutMeaning('for readers'),
});

export const Api = z.strictObject({ Name: z.string(), ProtocolType: z.literal('HTTP') });

export const Integration = z.strictObject({
  ApiId: z.string(),
  IntegrationType: z.literal('AWS_PROXY'),
  IntegrationUri: z.string(),
  PayloadFormatVersion: z.literal('2.0'),
});

export const Route = z.strictObject({
  ApiId: z.string(),
  RouteKey: z.string(),
  Target: z.string().startsWith('integrations/'),
  AuthorizationType: z.literal('NONE').optional(),
});

export const Stage = z.strictObject({
  ApiId: z.string(),
  StageName: z.literal('$default', 'a named stage would be part of every path'),
  DefaultRouteSettings: z
    .strictObject({ ThrottlingBurstLimit: z.number(), ThrottlingRateLimit: z.number() })
    .optional(),
  RouteSettings: withoutMeaning('only the limit of all other routes is enforced'),
  AutoDeploy: withoutMeaning('the routes are those of the template'),
  AccessLogSettings: withoutMeaning('the functions log each request'),
});

/** Resource types that are known and have no effect here. */
export const TYPES_WITHOUT_MEANING: ReadonlyMap<string, string> = new Map([
  ['AWS::Logs::LogGroup', 'logs are files in the data directory'],
  ['AWS::Logs::MetricFilter', 'there is no CloudWatch here'],
  ['AWS::Scheduler::ScheduleGroup', 'it only groups CloudWatch metrics'],
  ['AWS::SQS::QueuePolicy', 'they require TLS, which the loopback interface does not use'],
  ['AWS::CloudWatch::Alarm', 'nobody is woken by a laptop'],
  ['AWS::CloudWatch::Dashboard', 'there is no CloudWatch here'],
  ['AWS::Budgets::Budget', 'nothing costs anything here'],
  ['AWS::CloudFront::CachePolicy', 'there is no CloudFront here'],
  ['AWS::CloudFront::Distribution', 'there is no CloudFront here'],
  ['AWS::SecretsManager::Secret', 'only CloudFront sends it'],
  ['AWS::WAFv2::WebACL', 'there is no CloudFront here'],
  ['AWS::Lambda::Url', NO_URLS],
  ['AWS::SNS::Topic', 'only alarms write to it'],
  ['AWS::CDK::Metadata', 'only the CDK uses it'],
]);
