import * as z from 'zod';
import type { Resources } from '../support/template.ts';

/**
 * Every property in a template of Laurel, with the rule that AWS enforces. If the property is more than a value, it
 * also names the test that covers its effect.
 *
 * The local stack's template reader (`local/template/resources.ts`) alone decides whether a property is read or
 * ignored, and why. It refuses all others.
 */

export type Rule = {
  readonly fits: (value: any, resources: Resources) => boolean;
  /** A test file, and a word that it uses for the property if it does not name it. */
  readonly shownBy?: { readonly file: string; readonly word: string | undefined };
};

const is = (schema: z.ZodType): Rule => ({ fits: (value) => schema.safeParse(value).success });
const oneOf = (...values: readonly (string | number | boolean)[]): Rule => ({
  fits: (value) => values.includes(value),
});
const between = (least: number, most: number): Rule => is(z.int().min(least).max(most));
const text = (most: number, pattern = /^/u): Rule => is(z.string().min(1).max(most).regex(pattern));
const anything: Rule = { fits: () => true };
const flag = is(z.boolean());

/** `{"Ref": …}` or `{"Fn::GetAtt": […]}` of a resource with one of the types. */
const refersTo = (...types: readonly string[]): Rule => ({
  fits: (value, resources) => types.includes(resources[value?.Ref ?? value?.['Fn::GetAtt']?.[0]]?.Type ?? ''),
});
const reference = (pseudo: string): Rule => ({ fits: (value) => value?.Ref === pseudo });
const composed: Rule = { fits: (value) => value?.['Fn::Join'] !== undefined || value?.['Fn::Sub'] !== undefined };
const either = (...rules: readonly Rule[]): Rule => ({
  fits: (value, resources) => rules.some(({ fits }) => fits(value, resources)),
});
const shownBy = (test: string, rule: Rule, word?: string): Rule => ({
  ...rule,
  shownBy: { file: `test/${test}.test.ts`, word },
});
/** The effect of the property in the local stack. */
const local = (test: string, rule: Rule, word?: string): Rule => shownBy(`local/${test}`, rule, word);

const API = 'AWS::ApiGatewayV2::Api';
const QUEUE = 'AWS::SQS::Queue';
const TABLE = 'AWS::DynamoDB::GlobalTable';
const FUNCTION = 'AWS::Lambda::Function';
const ROLE = 'AWS::IAM::Role';
const LOG = 'AWS::Logs::LogGroup';

const namespace = text(255, /^(?:AWS\/(?:SQS|Lambda|ApiGateway|DynamoDB|Scheduler|Usage)|Laurel)$/u);
const period: Rule = { fits: (seconds) => [10, 20, 30].includes(seconds) || seconds % 60 === 0 };
const statistic = oneOf('Average', 'Maximum', 'Minimum', 'SampleCount', 'Sum');
const dimension = either(text(1_024), refersTo(API, QUEUE, FUNCTION, TABLE));

const ROUTE_KEY =
  /^(?:\$default|(?:ANY|GET|HEAD|OPTIONS|POST|PUT|PATCH|DELETE) (?:\/(?:[\w.-]+|\{\w+\}))*(?:\/\{\w+\+\}|\/)?)$/u;
const policyVersion = oneOf('2012-10-17');
const action = text(128, /^(?:dynamodb|logs|sqs|lambda|sts):(?:\w+|\*)$/u);
const attribute = text(255);
const prefixed = (prefix: string) => (rules: Readonly<Record<string, Rule>>) =>
  Object.fromEntries(Object.entries(rules).map(([path, rule]) => [`${prefix}${path}`, rule]));
const CACHE_POLICY = 'AWS::CloudFront::CachePolicy';
const inCacheKey = prefixed('CachePolicyConfig.ParametersInCacheKeyAndForwardedToOrigin.');
const ofDistribution = prefixed('DistributionConfig.');
const ofBehavior = (prefix: string) =>
  prefixed(prefix)({
    'AllowedMethods[]': shownBy('infra/edge', oneOf('DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT')),
    CachePolicyId: shownBy('infra/edge', either(text(36, /^[\da-f-]{36}$/u), refersTo(CACHE_POLICY))),
    Compress: flag,
    TargetOriginId: text(128),
    ViewerProtocolPolicy: oneOf('redirect-to-https', 'https-only'),
  });
const visibility = (prefix: string) =>
  prefixed(`${prefix}VisibilityConfig.`)({
    CloudWatchMetricsEnabled: flag,
    MetricName: text(128, /^[\w-]+$/u),
    SampledRequestsEnabled: flag,
  });
const tags = { 'Tags[].Key': text(128, /^(?!aws:)/u), 'Tags[].Value': text(256) };

/** Attributes of every resource, beside its properties. */
export const ATTRIBUTES: Readonly<Record<string, Rule>> = {
  DeletionPolicy: shownBy('infra/stages', oneOf('Delete', 'Retain', 'RetainExceptOnCreate')),
  UpdateReplacePolicy: oneOf('Delete', 'Retain'),
  DependsOn: { fits: (ids: string[], resources) => ids.every((id) => id in resources) },
  Metadata: anything,
};

export const PROPERTIES: Readonly<Record<string, Readonly<Record<string, Rule>>>> = {
  [API]: {
    Name: text(128),
    ProtocolType: oneOf('HTTP', 'WEBSOCKET'),
  },
  'AWS::ApiGatewayV2::Integration': {
    ApiId: refersTo(API),
    IntegrationType: oneOf('AWS_PROXY'),
    IntegrationUri: shownBy('infra/api', refersTo(FUNCTION)),
    PayloadFormatVersion: shownBy('infra/api', oneOf('1.0', '2.0')),
  },
  'AWS::ApiGatewayV2::Route': {
    ApiId: refersTo(API),
    AuthorizationType: oneOf('NONE'),
    RouteKey: shownBy('infra/api', text(256, ROUTE_KEY)),
    Target: composed,
  },
  'AWS::ApiGatewayV2::Stage': {
    'AccessLogSettings.DestinationArn': refersTo(LOG),
    'AccessLogSettings.Format': shownBy('infra/api', text(3_000, /\$context\.(?:requestId|extendedRequestId)/u)),
    ApiId: refersTo(API),
    AutoDeploy: flag,
    'DefaultRouteSettings.ThrottlingBurstLimit': local('http', between(0, 5_000), 'burst'),
    'DefaultRouteSettings.ThrottlingRateLimit': local('http', between(0, 10_000), 'ratePerSecond'),
    'RouteSettings.*.ThrottlingBurstLimit': shownBy('infra/api', between(0, 5_000)),
    'RouteSettings.*.ThrottlingRateLimit': shownBy('infra/api', between(0, 10_000)),
    StageName: text(128, /^(?:\$default|[\w-]+)$/u),
  },
  'AWS::Budgets::Budget': {
    'Budget.BudgetLimit.Amount': shownBy('infra/stages', between(1, 9_999_999)),
    'Budget.BudgetLimit.Unit': oneOf('USD'),
    'Budget.BudgetName': text(100),
    'Budget.BudgetType': oneOf('COST'),
    'Budget.TimeUnit': oneOf('MONTHLY'),
    'NotificationsWithSubscribers[].Notification.ComparisonOperator': oneOf('GREATER_THAN'),
    'NotificationsWithSubscribers[].Notification.NotificationType': oneOf('ACTUAL', 'FORECASTED'),
    'NotificationsWithSubscribers[].Notification.Threshold': shownBy('infra/stages', between(1, 100)),
    'NotificationsWithSubscribers[].Notification.ThresholdType': oneOf('PERCENTAGE'),
    'NotificationsWithSubscribers[].Subscribers[].Address': shownBy('infra/stages', text(1_024, /^arn:aws:sns:/u)),
    'NotificationsWithSubscribers[].Subscribers[].SubscriptionType': oneOf('SNS'),
  },
  [CACHE_POLICY]: {
    'CachePolicyConfig.Comment': text(128),
    'CachePolicyConfig.DefaultTTL': shownBy('infra/edge', between(0, 31_536_000)),
    'CachePolicyConfig.MaxTTL': shownBy('infra/edge', between(0, 31_536_000)),
    'CachePolicyConfig.MinTTL': shownBy('infra/edge', between(0, 31_536_000)),
    'CachePolicyConfig.Name': composed,
    ...inCacheKey({
      'CookiesConfig.CookieBehavior': shownBy('infra/edge', oneOf('none')),
      EnableAcceptEncodingBrotli: flag,
      EnableAcceptEncodingGzip: flag,
      'HeadersConfig.HeaderBehavior': oneOf('none', 'whitelist'),
      'HeadersConfig.Headers[]': shownBy('infra/edge', text(100, /^(?!Accept-Encoding$)[\w-]+$/u)),
      'QueryStringsConfig.QueryStringBehavior': shownBy('infra/edge', oneOf('all', 'none')),
    }),
  },
  'AWS::CloudFront::Distribution': {
    ...ofDistribution({
      'CacheBehaviors[].PathPattern': shownBy('infra/edge', text(255, /^\/[\w.*/-]*$/u)),
      ...ofBehavior('CacheBehaviors[].'),
      ...ofBehavior('DefaultCacheBehavior.'),
      'DefaultCacheBehavior.OriginRequestPolicyId': shownBy('infra/edge', text(36, /^[\da-f-]{36}$/u)),
      Comment: text(128),
      Enabled: flag,
      HttpVersion: oneOf('http1.1', 'http2', 'http2and3', 'http3'),
      IPV6Enabled: flag,
      'Origins[].CustomOriginConfig.OriginProtocolPolicy': shownBy('infra/edge', oneOf('https-only')),
      'Origins[].CustomOriginConfig.OriginSSLProtocols[]': oneOf('TLSv1.2'),
      'Origins[].DomainName': shownBy('infra/edge', { fits: (value) => value['Fn::Select'] !== undefined }),
      'Origins[].Id': text(128),
      'Origins[].OriginCustomHeaders[].HeaderName': shownBy('infra/edge', text(256, /^(?!x-amz-|x-edge-)[\w-]+$/iu)),
      'Origins[].OriginCustomHeaders[].HeaderValue': shownBy('infra/edge', composed),
      WebACLId: shownBy('infra/edge', refersTo('AWS::WAFv2::WebACL')),
    }),
  },
  'AWS::SecretsManager::Secret': {
    Description: text(2_048),
    'GenerateSecretString.ExcludePunctuation': flag,
    'GenerateSecretString.PasswordLength': shownBy('infra/edge', between(32, 4_096)),
  },
  'AWS::WAFv2::WebACL': {
    Name: text(128, /^[\w-]+$/u),
    'Rules[].Action.Block.CustomResponse.ResponseCode': shownBy('infra/edge', between(200, 599)),
    'Rules[].Name': text(128, /^[\w-]+$/u),
    'Rules[].Priority': between(0, 1_000),
    'Rules[].Statement.RateBasedStatement.AggregateKeyType': shownBy('infra/edge', oneOf('IP')),
    'Rules[].Statement.RateBasedStatement.EvaluationWindowSec': oneOf(60, 120, 300, 600),
    'Rules[].Statement.RateBasedStatement.Limit': shownBy('infra/edge', between(10, 2_000_000_000)),
    ...visibility('Rules[].'),
    ...visibility(''),
    Scope: shownBy('infra/edge', oneOf('CLOUDFRONT')),
  },
  'AWS::CloudWatch::Alarm': {
    DatapointsToAlarm: shownBy('infra/alarms', between(1, 100)),
    ExtendedStatistic: shownBy('infra/alarms', text(255, /^p\d\d?(?:\.\d)?$/u)),
    'Metrics[].Expression': shownBy('infra/alarms', text(2_048)),
    'Metrics[].Id': text(255, /^[a-z]\w*$/u),
    'Metrics[].MetricStat.Metric.Dimensions[].Name': text(255, /^[^:]/u),
    'Metrics[].MetricStat.Metric.Dimensions[].Value': dimension,
    'Metrics[].MetricStat.Metric.MetricName': text(255),
    'Metrics[].MetricStat.Metric.Namespace': namespace,
    'Metrics[].MetricStat.Period': period,
    'Metrics[].MetricStat.Stat': statistic,
    'Metrics[].ReturnData': flag,
    'AlarmActions[]': shownBy('infra/stages', text(1_024, /^arn:aws:sns:/u)),
    AlarmDescription: shownBy('infra/alarms', text(1_024)),
    ComparisonOperator: oneOf(
      ...['GreaterThanOrEqualToThreshold', 'GreaterThanThreshold', 'LessThanThreshold', 'LessThanOrEqualToThreshold'],
    ),
    'Dimensions[].Name': text(255, /^[^:]/u),
    'Dimensions[].Value': dimension,
    EvaluationPeriods: between(1, 100),
    MetricName: text(255),
    Namespace: namespace,
    Period: period,
    Statistic: statistic,
    ...tags,
    Threshold: is(z.number()),
    TreatMissingData: oneOf('breaching', 'ignore', 'missing', 'notBreaching'),
  },
  'AWS::CloudWatch::Dashboard': {
    DashboardBody: shownBy('infra/alarms', composed),
    DashboardName: text(255, /^[\w-]+$/u),
  },
  [TABLE]: {
    'AttributeDefinitions[].AttributeName': shownBy('infra/template', attribute),
    'AttributeDefinitions[].AttributeType': oneOf('B', 'N', 'S'),
    BillingMode: oneOf('PAY_PER_REQUEST', 'PROVISIONED'),
    'GlobalSecondaryIndexes[].IndexName': text(255, /^[\w.-]{3,}$/u),
    'GlobalSecondaryIndexes[].KeySchema[].AttributeName': attribute,
    'GlobalSecondaryIndexes[].KeySchema[].KeyType': oneOf('HASH', 'RANGE'),
    'GlobalSecondaryIndexes[].Projection.NonKeyAttributes[]': shownBy('infra/tables', attribute),
    'GlobalSecondaryIndexes[].Projection.ProjectionType': shownBy('infra/tables', oneOf('ALL', 'INCLUDE', 'KEYS_ONLY')),
    'KeySchema[].AttributeName': shownBy('infra/tables', attribute),
    'KeySchema[].KeyType': shownBy('infra/tables', oneOf('HASH', 'RANGE')),
    'Replicas[].DeletionProtectionEnabled': shownBy('infra/stages', flag),
    'Replicas[].GlobalSecondaryIndexes[].IndexName': text(255, /^[\w.-]{3,}$/u),
    'Replicas[].GlobalSecondaryIndexes[].ReadOnDemandThroughputSettings.MaxReadRequestUnits': shownBy(
      'infra/tables',
      between(1, 40_000),
    ),
    'Replicas[].PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled': shownBy('infra/tables', flag),
    'Replicas[].Region': reference('AWS::Region'),
    'Replicas[].Tags[].Key': tags['Tags[].Key'],
    'Replicas[].Tags[].Value': tags['Tags[].Value'],
    'Replicas[].ReadOnDemandThroughputSettings.MaxReadRequestUnits': shownBy('infra/tables', between(1, 40_000)),
    'SSESpecification.SSEEnabled': flag,
    'WriteOnDemandThroughputSettings.MaxWriteRequestUnits': shownBy('infra/tables', between(1, 40_000)),
    'StreamSpecification.StreamViewType': local(
      'stream-source',
      oneOf('KEYS_ONLY', 'NEW_AND_OLD_IMAGES', 'NEW_IMAGE', 'OLD_IMAGE'),
    ),
    TableName: text(255, /^[\w.-]{3,}$/u),
    'TimeToLiveSpecification.AttributeName': shownBy('infra/tables', attribute),
    'TimeToLiveSpecification.Enabled': flag,
  },
  'AWS::IAM::Policy': {
    'PolicyDocument.Statement[].Action': local('permissions', action),
    'PolicyDocument.Statement[].Action[]': local('permissions', action),
    'PolicyDocument.Statement[].Effect': local('permissions', oneOf('Allow', 'Deny')),
    'PolicyDocument.Statement[].Resource': local(
      'permissions',
      either(refersTo(TABLE, QUEUE, LOG, FUNCTION), composed),
    ),
    'PolicyDocument.Version': policyVersion,
    PolicyName: text(128, /^[\w+=,.@-]+$/u),
    'Roles[]': refersTo(ROLE),
  },
  [ROLE]: {
    'AssumeRolePolicyDocument.Statement[].Action': oneOf('sts:AssumeRole'),
    'AssumeRolePolicyDocument.Statement[].Condition.StringEquals.aws:SourceAccount': reference('AWS::AccountId'),
    'AssumeRolePolicyDocument.Statement[].Effect': oneOf('Allow'),
    'AssumeRolePolicyDocument.Statement[].Principal.Service': local(
      'template',
      oneOf('lambda.amazonaws.com', 'scheduler.amazonaws.com'),
      'does not trust',
    ),
    'AssumeRolePolicyDocument.Version': policyVersion,
  },
  'AWS::Lambda::EventSourceMapping': {
    BatchSize: local('queue-source', between(1, 10_000)),
    BisectBatchOnFunctionError: local('stream-source', flag),
    'DestinationConfig.OnFailure.Destination': local('stream-source', refersTo(QUEUE)),
    EventSourceArn: local('template', refersTo(QUEUE, TABLE)),
    'FilterCriteria.Filters[].Pattern': local('stream-source', text(4_096, /^\{.*\}$/u)),
    FunctionName: refersTo(FUNCTION),
    'FunctionResponseTypes[]': local('queue-source', oneOf('ReportBatchItemFailures')),
    MaximumBatchingWindowInSeconds: local('queue-source', between(0, 300)),
    MaximumRecordAgeInSeconds: shownBy('infra/queues', either(oneOf(-1), between(60, 604_800))),
    MaximumRetryAttempts: shownBy('scenarios/failing-queue', between(-1, 10_000), 'ten minutes of queues'),
    ParallelizationFactor: local('stream-source', between(1, 10)),
    'ScalingConfig.MaximumConcurrency': local('queue-source', between(2, 1_000)),
    StartingPosition: local('stream-source', oneOf('AT_TIMESTAMP', 'LATEST', 'TRIM_HORIZON')),
    ...tags,
  },
  [FUNCTION]: {
    'Architectures[]': oneOf('arm64', 'x86_64'),
    'Code.S3Bucket': composed,
    'Code.S3Key': shownBy('infra/synth-if-stale', text(1_024, /\.zip$/u)),
    'EphemeralStorage.Size': shownBy('infra/queues', between(512, 10_240)),
    'Environment.Variables.*': shownBy(
      'infra/functions',
      either(text(4_096), refersTo(TABLE, QUEUE, 'AWS::CloudFront::Distribution'), composed),
    ),
    FunctionName: text(64, /^[\w-]+$/u),
    Handler: shownBy('infra/synth-if-stale', text(128, /^[^\s]+$/u)),
    'LoggingConfig.ApplicationLogLevel': oneOf('DEBUG', 'ERROR', 'FATAL', 'INFO', 'TRACE', 'WARN'),
    'LoggingConfig.LogFormat': oneOf('JSON', 'Text'),
    'LoggingConfig.LogGroup': refersTo(LOG),
    'LoggingConfig.SystemLogLevel': oneOf('DEBUG', 'INFO', 'WARN'),
    MemorySize: local('function-pool', between(128, 10_240), 'has the memory'),
    ReservedConcurrentExecutions: shownBy('infra/stages', between(1, 1_000)),
    RecursiveLoop: shownBy('infra/functions', oneOf('Allow', 'Terminate')),
    Role: local('template', refersTo(ROLE)),
    Runtime: shownBy('infra/synth-if-stale', oneOf('nodejs22.x', 'nodejs24.x')),
    ...tags,
    Timeout: local('function-pool', between(1, 900)),
  },
  'AWS::Lambda::Permission': {
    Action: oneOf('lambda:InvokeFunction', 'lambda:InvokeFunctionUrl'),
    FunctionName: local('permissions', refersTo(FUNCTION)),
    FunctionUrlAuthType: shownBy('infra/ingest-url', oneOf('NONE')),
    InvokedViaFunctionUrl: shownBy('infra/ingest-url', flag),
    Principal: oneOf('apigateway.amazonaws.com', '*'),
    SourceArn: local('permissions', composed),
  },
  'AWS::Lambda::Url': {
    AuthType: shownBy('infra/ingest-url', oneOf('NONE')),
    TargetFunctionArn: shownBy('infra/ingest-url', refersTo(FUNCTION)),
  },
  [LOG]: {
    LogGroupName: text(512, /^[\w./#-]+$/u),
    RetentionInDays: oneOf(
      ...[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653],
    ),
  },
  'AWS::Logs::MetricFilter': {
    FilterPattern: shownBy('infra/alarms', text(1_024)),
    LogGroupName: refersTo(LOG),
    'MetricTransformations[].Dimensions[].Key': text(255),
    'MetricTransformations[].Dimensions[].Value': text(255, /^\$\.\w+$/u),
    'MetricTransformations[].MetricName': shownBy('infra/alarms', text(255, /^[^:*$]+$/u)),
    'MetricTransformations[].MetricNamespace': shownBy('infra/alarms', text(256, /^(?!AWS\/)[\w./#-]+$/u)),
    'MetricTransformations[].MetricValue': text(100, /^(?:\d+|\$\.\w+)$/u),
    'MetricTransformations[].Unit': oneOf('Count', 'Milliseconds'),
  },
  'AWS::Scheduler::ScheduleGroup': { Name: shownBy('infra/alarms', text(64, /^[\w.-]+$/u)) },
  'AWS::Scheduler::Schedule': {
    GroupName: shownBy('infra/alarms', refersTo('AWS::Scheduler::ScheduleGroup')),
    Description: text(512),
    'FlexibleTimeWindow.Mode': oneOf('FLEXIBLE', 'OFF'),
    Name: text(64, /^[\w.-]+$/u),
    ScheduleExpression: local('schedule', text(256, /^cron\(\S+(?: \S+){5}\)$/u)),
    ScheduleExpressionTimezone: oneOf('UTC'),
    State: oneOf('DISABLED', 'ENABLED'),
    'Target.Arn': local('schedule', refersTo(QUEUE, FUNCTION)),
    'Target.DeadLetterConfig.Arn': local('schedule', refersTo(QUEUE)),
    'Target.Input': local('schedule', text(262_144, /^\{.*\}$/u)),
    'Target.RetryPolicy.MaximumEventAgeInSeconds': local('schedule', between(60, 86_400)),
    'Target.RetryPolicy.MaximumRetryAttempts': local('schedule', between(0, 185)),
    'Target.RoleArn': local('schedule', refersTo(ROLE)),
  },
  [QUEUE]: {
    MessageRetentionPeriod: shownBy('infra/queues', between(60, 1_209_600)),
    QueueName: text(80, /^[\w-]+$/u),
    'RedrivePolicy.deadLetterTargetArn': local('queue-source', refersTo(QUEUE)),
    'RedrivePolicy.maxReceiveCount': local('queue-source', between(1, 1_000)),
    SqsManagedSseEnabled: flag,
    ...tags,
    VisibilityTimeout: local('queue-source', between(0, 43_200)),
  },
  'AWS::Events::Rule': {
    Name: text(64, /^[\w.-]+$/u),
    Description: text(512),
    'EventPattern.source[]': oneOf('aws.cloudformation'),
    'EventPattern.detail-type[]': oneOf('CloudFormation Stack Status Change'),
    'EventPattern.detail.stack-id[]': reference('AWS::StackId'),
    'EventPattern.detail.status-details.status[]': shownBy('infra/queues', text(64, /^[A-Z_]+_COMPLETE$/u)),
    State: oneOf('ENABLED'),
    'Targets[].Arn': shownBy('infra/queues', refersTo(QUEUE)),
    'Targets[].Id': text(64, /^[\w.-]+$/u),
    'Targets[].Input': shownBy('infra/queues', text(8_192)),
    'Targets[].DeadLetterConfig.Arn': shownBy('infra/queues', refersTo(QUEUE)),
    'Targets[].RetryPolicy.MaximumEventAgeInSeconds': between(60, 86_400),
    'Targets[].RetryPolicy.MaximumRetryAttempts': between(0, 185),
  },
  'AWS::SQS::QueuePolicy': {
    'PolicyDocument.Statement[].Action[]': action,
    'PolicyDocument.Statement[].Condition.ArnEquals.aws:SourceArn': refersTo('AWS::Events::Rule'),
    'PolicyDocument.Statement[].Principal.Service': oneOf('events.amazonaws.com'),
    'PolicyDocument.Statement[].Sid': text(128, /^\w+$/u),
    'PolicyDocument.Statement[].Action': action,
    'PolicyDocument.Statement[].Condition.Bool.aws:SecureTransport': shownBy('infra/queues', oneOf('false')),
    'PolicyDocument.Statement[].Effect': oneOf('Allow', 'Deny'),
    'PolicyDocument.Statement[].Principal.AWS': oneOf('*'),
    'PolicyDocument.Statement[].Resource': refersTo(QUEUE),
    'PolicyDocument.Version': policyVersion,
    'Queues[]': refersTo(QUEUE),
  },
};
