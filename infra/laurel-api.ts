import { RemovalPolicy, Validations } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import {
  HttpApi,
  HttpMethod,
  HttpRoute,
  HttpRouteKey,
  HttpStage,
  LogGroupLogDestination,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { ForwardRequestEnv } from '../functions/forward-request/env.ts';
import type { Variables } from '../functions/runtime/variables.ts';
import { alarmOnApi } from './alarms.ts';
import { environmentOf } from './environment.ts';
import { FORWARD_TIMEOUT, LaurelFunction } from './laurel-function.ts';
import { invoke } from './policies.ts';
import type { Stage } from './stage.ts';
import { physicalName } from '../functions/runtime/names.ts';

/** The reason why the gateway passes a request to its function without checking it. Each route names one. */
export const ACCESS = {
  public: 'Public by contract: anyone may read it.',
  keyed: 'The function checks x-api-key and its scopes itself: it answers 401 and 403 as the contract words them.',
  keyOptional: 'Open by contract: without a key it is anonymous, with one the function checks it and its scopes.',
} as const;

type RouteTarget = {
  readonly target: LaurelFunction;
  readonly access: (typeof ACCESS)[keyof typeof ACCESS];
};

export type LaurelRoutes = RouteTarget & { readonly paths: readonly string[] };

type LaurelApiProps = {
  readonly stage: Stage;
  readonly routes: readonly LaurelRoutes[];
  readonly basePath?: string | undefined; // `/api`: every path is also served under it
};

const BASE_PATH = 'BASE_PATH' satisfies keyof Variables;

/** Requests per second for the whole API, and the burst above them. Beyond these, the gateway answers 429. */
export const THROTTLE = { rateLimit: 1000, burstLimit: 2000 } as const;

/**
 * A line of the access log. The gateway inserts values without escaping them, so none may contain a client's text: a
 * quote in a path would break the JSON, and paths contain usernames.
 */
const accessLogLine = (service: string) => ({
  service,
  requestId: '$context.requestId',
  time: '$context.requestTime',
  sourceIp: '$context.identity.sourceIp',
  method: '$context.httpMethod',
  route: '$context.routeKey',
  status: '$context.status',
  errorType: '$context.error.responseType',
  functionStatus: '$context.integration.status',
  bytes: '$context.responseLength',
  milliseconds: '$context.responseLatency',
});

/**
 * The HTTP API. Each path accepts any method, also `OPTIONS`: the gateway has no 405, and its CORS setting would open
 * routes with a key to every origin. So the functions answer both.
 */
export class LaurelApi extends Construct {
  readonly url: string;

  constructor(scope: Construct, id: string, { stage, routes, basePath = '' }: LaurelApiProps) {
    super(scope, id);
    const httpApi = new HttpApi(this, 'Http', { apiName: physicalName(stage, 'api'), createDefaultStage: false });
    const integrations = new Map<string, HttpLambdaIntegration>();
    const route = (routeKey: HttpRouteKey, { target: { fn, role }, access }: RouteTarget) => {
      // One permission covers all routes of a function except `$default`, whose ARN has no method and no path.
      const scopePermissionToRoute = routeKey === HttpRouteKey.DEFAULT;
      const integration = integrations.get(role) ?? new HttpLambdaIntegration(role, fn, { scopePermissionToRoute });
      if (!integrations.has(role) && basePath !== '') fn.addEnvironment(BASE_PATH, basePath);
      integrations.set(role, integration);
      const added = new HttpRoute(this, routeKey.key, { httpApi, routeKey, integration });
      Validations.of(added).acknowledge({ id: 'AwsSolutions-APIG4', reason: access });
    };
    for (const { paths, ...target } of routes) {
      const served = new Set(
        paths.flatMap((path) => [path, path === '/' && basePath !== '' ? basePath : `${basePath}${path}`]),
      );
      for (const path of served) route(HttpRouteKey.with(path, HttpMethod.ANY), target);
    }
    const forwardRequest = new LaurelFunction(this, 'ForwardRequest', {
      stage,
      role: 'forward-request',
      environment: environmentOf(ForwardRequestEnv, { FUNCTION_NAME_PREFIX: physicalName(stage, '') }),
      timeout: FORWARD_TIMEOUT,
    });
    forwardRequest.allow(...[...new Set(routes.map(({ target }) => target))].map(({ fn }) => invoke(fn)));
    route(HttpRouteKey.DEFAULT, { target: forwardRequest, access: ACCESS.keyOptional });
    const accessLog = new LogGroup(this, 'AccessLog', {
      logGroupName: `/aws/apigateway/${physicalName(stage, 'api')}`,
      retention: RetentionDays.THREE_MONTHS,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const httpStage = new HttpStage(this, 'Stage', {
      httpApi,
      stageName: '$default',
      autoDeploy: true,
      throttle: THROTTLE,
      accessLogSettings: {
        destination: new LogGroupLogDestination(accessLog),
        format: AccessLogFormat.custom(JSON.stringify(accessLogLine(physicalName(stage, 'api')))),
      },
    });
    alarmOnApi(this, httpStage, accessLog, physicalName(stage, 'api'));
    this.url = httpStage.url;
  }
}
