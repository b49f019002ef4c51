import { RemovalPolicy, Validations } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import {
  CfnStage,
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
import type { Limits, Stage } from './stage.ts';
import { physicalName } from '../functions/runtime/names.ts';

/** The reason why the gateway passes a request to its function without checking it. Each route names one. */
export const ACCESS = {
  public: 'Public by contract: anyone may read it.',
  keyed: 'The function checks x-api-key and its scopes itself: it answers 401 and 403 as the contract words them.',
  signed: 'The function checks the signature of the body itself: it answers 401 as the contract words it.',
  keyOptional: 'Open by contract: without a key it is anonymous, with one the function checks it and its scopes.',
} as const;

type RouteTarget = {
  readonly target: LaurelFunction;
  readonly access: (typeof ACCESS)[keyof typeof ACCESS];
};

export type LaurelRoutes = RouteTarget & { readonly paths: readonly string[]; readonly load?: keyof RouteLimits };

type LaurelApiProps = {
  readonly stage: Stage;
  readonly routes: readonly LaurelRoutes[];
  readonly basePath?: string | undefined; // `/api`: every path is also served under it
};

const BASE_PATH = 'BASE_PATH' satisfies keyof Variables;

type RouteLimits = Pick<Limits, 'writes' | 'costlyReads' | 'others'>;

/** A burst of two seconds' requests is let through. Beyond it, the gateway answers 429. */
const BURST_SECONDS = 2;
const MAX_BURST = 5_000; // of an account, by default

/**
 * A line of the access log. The gateway inserts values without escaping them, so none may contain a client's text: a
 * quote in a path would break the JSON, and paths contain usernames. CloudWatch adds the time.
 */
const accessLogLine = (service: string) => ({
  service,
  requestId: '$context.requestId',
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
  /** Every function that a request can reach. */
  readonly targets: ReadonlySet<LaurelFunction>;
  readonly #basePath: string;

  constructor(scope: Construct, id: string, { stage, routes, basePath = '' }: LaurelApiProps) {
    super(scope, id);
    this.#basePath = basePath;
    const httpApi = new HttpApi(this, 'Http', { apiName: physicalName(stage, 'api'), createDefaultStage: false });
    const integrations = new Map<string, HttpLambdaIntegration>();
    const served: HttpRoute[] = [];
    const route = (routeKey: HttpRouteKey, { target: { fn, role }, access }: RouteTarget) => {
      // One permission covers all routes of a function except `$default`, whose ARN has no method and no path.
      const scopePermissionToRoute = routeKey === HttpRouteKey.DEFAULT;
      const integration = integrations.get(role) ?? new HttpLambdaIntegration(role, fn, { scopePermissionToRoute });
      if (!integrations.has(role) && basePath !== '') fn.addEnvironment(BASE_PATH, basePath);
      integrations.set(role, integration);
      const added = new HttpRoute(this, routeKey.key, { httpApi, routeKey, integration });
      served.push(added);
      Validations.of(added).acknowledge({ id: 'AwsSolutions-APIG4', reason: access });
    };
    const routeSettings: Record<string, object> = {};
    for (const { paths, load = 'others', ...target } of routes) {
      const ratePerSecond = stage.limits[load];
      const settings = {
        ThrottlingRateLimit: ratePerSecond,
        ThrottlingBurstLimit: Math.min(MAX_BURST, ratePerSecond * BURST_SECONDS),
      };
      for (const path of new Set(paths.flatMap((each) => this.addressesOf(each)))) {
        const routeKey = HttpRouteKey.with(path, HttpMethod.ANY);
        route(routeKey, target);
        if (load !== 'others') routeSettings[routeKey.key] = settings;
      }
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
      throttle: {
        rateLimit: stage.limits.others,
        burstLimit: Math.min(MAX_BURST, stage.limits.others * BURST_SECONDS),
      },
      accessLogSettings: {
        destination: new LogGroupLogDestination(accessLog),
        format: AccessLogFormat.custom(JSON.stringify(accessLogLine(physicalName(stage, 'api')))),
      },
    });
    const cfnStage = httpStage.node.defaultChild;
    if (cfnStage instanceof CfnStage) cfnStage.routeSettings = routeSettings;
    httpStage.node.addDependency(...served); // a stage refuses settings of routes that do not exist yet
    alarmOnApi(this, httpStage, accessLog, physicalName(stage, 'api'));
    this.url = httpStage.url;
    this.targets = new Set([...routes.map(({ target }) => target), forwardRequest]);
  }

  /** A path, and the same behind the base path. */
  addressesOf(path: string): readonly string[] {
    const base = this.#basePath;
    return [path, path === '/' && base !== '' ? base : `${base}${path}`];
  }
}
