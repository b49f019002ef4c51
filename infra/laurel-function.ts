import { Duration, RemovalPolicy, Size, Tags } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  ApplicationLogLevel,
  Architecture,
  CfnFunction,
  Code,
  Function as LambdaFunction,
  LoggingFormat,
  RecursiveLoop,
  Runtime,
  SystemLogLevel,
} from 'aws-cdk-lib/aws-lambda';
import { Unit } from 'aws-cdk-lib/aws-cloudwatch';
import { FilterPattern, LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { alarmOnFunction } from './alarms.ts';
import { bundleOf } from './bundle.ts';
import { type Policy, writeLog } from './policies.ts';
import type { Stage } from './stage.ts';
import { FIGURES_OF_LOGS, ROLE_TAG, physicalName } from '../functions/runtime/names.ts';

/** Behind the API. The gateway's own limit is 30 s, and clients give up before that. */
export const API_TIMEOUT = Duration.seconds(10);
/** Behind the API, and waits for another function behind the API. */
export const FORWARD_TIMEOUT = Duration.seconds(15);
/** Behind a queue or a stream. */
export const WORKER_TIMEOUT = Duration.seconds(60);

export type LaurelFunctionProps = {
  readonly stage: Stage;
  readonly role: string; // the folder in functions/ with its handler
  readonly environment: Readonly<Record<string, string>>; // from `environmentOf`
  readonly timeout: Duration;
  readonly memoryMegabytes?: number; // also determines the share of a processor
  readonly diskMegabytes?: number; // for files that do not outlive an invocation
  // by default, Lambda stops a function that triggers itself through a queue after 16 rounds
  readonly feedsItself?: boolean;
};

/**
 * A function with its own role. The role may only write to the function's log; callers add permissions with `allow`.
 */
export class LaurelFunction extends Construct {
  readonly fn: LambdaFunction;
  readonly role: string;
  readonly name: string;
  readonly timeout: Duration;
  readonly #logGroup: LogGroup;

  constructor(
    scope: Construct,
    id: string,
    {
      stage,
      role,
      environment,
      timeout,
      memoryMegabytes = 512,
      diskMegabytes,
      feedsItself = false,
    }: LaurelFunctionProps,
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
    this.#logGroup = logGroup;
    this.fn = new LambdaFunction(this, 'Function', {
      functionName,
      code: Code.fromAsset(bundleOf(role)),
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: memoryMegabytes,
      ...(diskMegabytes === undefined ? {} : { ephemeralStorageSize: Size.mebibytes(diskMegabytes) }),
      timeout,
      environment: { ...environment },
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

  /** True if a client waits for its answer, and retries without one. */
  get answersRequests(): boolean {
    return [API_TIMEOUT, FORWARD_TIMEOUT].includes(this.timeout);
  }

  /** Sets the number of invocations at a time that only this function may have, and its limit at once. */
  reserveConcurrency(invocations: number): void {
    const resource = this.fn.node.defaultChild;
    if (resource instanceof CfnFunction) resource.reservedConcurrentExecutions = invocations;
  }

  /** Makes a metric of a figure in the lines of its log, as if the function had published it. */
  countFromLog(figure: keyof typeof FIGURES_OF_LOGS): void {
    this.#logGroup.addMetricFilter(figure, {
      metricNamespace: 'Laurel',
      metricName: figure,
      metricValue: `$.${figure}`,
      unit: FIGURES_OF_LOGS[figure] === 'Count' ? Unit.COUNT : Unit.MILLISECONDS,
      filterPattern: FilterPattern.numberValue(`$.${figure}`, '>=', 0),
      dimensions: { service: '$.service' },
    });
  }

  /** Adds permissions, one policy of `policies.ts` per need. */
  allow(...policies: readonly Policy[]): void {
    for (const { actions, resourceArn } of policies.flat()) {
      this.fn.addToRolePolicy(new PolicyStatement({ actions: [...actions], resources: [resourceArn] }));
    }
  }
}
