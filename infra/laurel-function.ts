import { Duration, RemovalPolicy, Tags } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  ApplicationLogLevel,
  Architecture,
  Code,
  Function as LambdaFunction,
  LoggingFormat,
  RecursiveLoop,
  Runtime,
  SystemLogLevel,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { alarmOnFunction } from './alarms.ts';
import { bundleOf } from './bundle.ts';
import { type Policy, writeLog } from './policies.ts';
import type { Stage } from './stage.ts';
import { ROLE_TAG, physicalName } from '../functions/runtime/names.ts';

/** Behind the API: the gateway gives up at 30 s, and its callers before that. */
export const API_TIMEOUT = Duration.seconds(10);
/** Behind the API, and waiting for a function there. */
export const FORWARD_TIMEOUT = Duration.seconds(15);
/** Behind a queue or a stream. */
export const WORKER_TIMEOUT = Duration.seconds(60);

/** Stack traces name the files and lines of the sources: each bundle has its source map beside it. */
const NODE_OPTIONS = '--enable-source-maps';

export type LaurelFunctionProps = {
  readonly stage: Stage;
  readonly role: string; // the folder under functions/ that holds its handler
  readonly environment: Readonly<Record<string, string>>; // of `environmentOf`
  readonly timeout: Duration;
  readonly memoryMegabytes?: number; // which also decides the share of a processor
  readonly feedsItself?: boolean; // Lambda ends a function's loop through a queue after 16 rounds unless it is told not to
};

/**
 * One function with a role of its own, which may write its own log and nothing else: callers add each need with
 * `allow`.
 */
export class LaurelFunction extends Construct {
  readonly fn: LambdaFunction;
  readonly role: string;
  readonly name: string;
  readonly timeout: Duration;

  constructor(
    scope: Construct,
    id: string,
    { stage, role, environment, timeout, memoryMegabytes = 512, feedsItself = false }: LaurelFunctionProps,
  ) {
    super(scope, id);
    this.role = role;
    this.timeout = timeout;
    const functionName = physicalName(stage, role);
    this.name = functionName;
    const logGroup = new LogGroup(this, 'Log', {
      logGroupName: `/aws/lambda/${functionName}`,
      retention: RetentionDays.THREE_MONTHS,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.fn = new LambdaFunction(this, 'Function', {
      functionName,
      code: Code.fromAsset(bundleOf(role)),
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: memoryMegabytes,
      timeout,
      environment: { ...environment, NODE_OPTIONS },
      ...(feedsItself ? { recursiveLoop: RecursiveLoop.ALLOW } : {}),
      role: new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') }),
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      applicationLogLevelV2: ApplicationLogLevel.INFO,
      systemLogLevelV2: SystemLogLevel.WARN,
    });
    Tags.of(this.fn).add(ROLE_TAG, role);
    this.allow(writeLog(logGroup));
    alarmOnFunction(this);
  }

  /** Whether somebody waits for its answer at the API, and sends again where there is none. */
  get answersRequests(): boolean {
    return [API_TIMEOUT, FORWARD_TIMEOUT].includes(this.timeout);
  }

  /** One need, one policy of `policies.ts`. */
  allow(...policies: readonly Policy[]): void {
    for (const { actions, resourceArn } of policies.flat()) {
      this.fn.addToRolePolicy(new PolicyStatement({ actions: [...actions], resources: [resourceArn] }));
    }
  }
}
