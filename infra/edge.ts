import { Aws, CfnRule, Duration, Fn, Validations } from 'aws-cdk-lib';
import {
  AllowedMethods,
  CacheHeaderBehavior,
  CachePolicy,
  CacheQueryStringBehavior,
  Distribution,
  OriginProtocolPolicy,
  OriginRequestPolicy,
  OriginSslPolicy,
  SecurityPolicyProtocol,
  ViewerProtocolPolicy,
} from 'aws-cdk-lib/aws-cloudfront';
import { HttpOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { CfnWebACL } from 'aws-cdk-lib/aws-wafv2';
import { Construct } from 'constructs';
import { ACCESS, type LaurelApi, type LaurelRoutes } from './laurel-api.ts';
import type { LaurelFunction } from './laurel-function.ts';
import { EDGE_REGION, type Stage, WRONG_REGION } from './stage.ts';
import { ORIGIN_SECRET_HEADER, physicalName } from '../functions/runtime/names.ts';
import type { Variables } from '../functions/runtime/variables.ts';

type EdgeProps = {
  readonly stage: Stage;
  readonly api: LaurelApi;
  readonly routes: readonly LaurelRoutes[];
  readonly servePages: LaurelFunction;
  /** A web ACL that is there already. Without it, the stack makes one, which it can in `EDGE_REGION` only. */
  readonly webAclArn?: string | undefined;
};

const ORIGIN_SECRET = 'ORIGIN_SECRET' satisfies keyof Variables;
const PUBLIC_HOST = 'PUBLIC_HOST' satisfies keyof Variables;
const SECRET_LENGTH = 43;
const TOO_MANY_REQUESTS = 429;
const RATE_WINDOW_SECONDS = 300;

/** What is the same in a path of the gateway and in one of CloudFront. A `*` there also covers slashes. */
const patternOf = (path: string): string => path.replaceAll(/\{[^}]+\}/gu, '*');

/**
 * CloudFront in front of the API, with a limit of requests for each address. The functions refuse what does not come
 * through it: CloudFront adds a secret that only it and they know.
 */
export class Edge extends Construct {
  readonly url: string;

  constructor(scope: Construct, id: string, { stage, api, routes, servePages, webAclArn }: EdgeProps) {
    super(scope, id);
    const secret = new Secret(this, 'OriginSecret', {
      description: 'CloudFront sends it to the API, which refuses requests without it',
      generateSecretString: { passwordLength: SECRET_LENGTH, excludePunctuation: true },
    });
    Validations.of(secret).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason: 'No person uses it. A rotation is a deployment: docs/operating/limits.md.',
    });
    // A reference that CloudFormation resolves: the template does not contain the secret.
    const originSecret = secret.secretValue.unsafeUnwrap();

    const origin = new HttpOrigin(Fn.select(2, Fn.split('/', api.url)), {
      protocolPolicy: OriginProtocolPolicy.HTTPS_ONLY,
      originSslProtocols: [OriginSslPolicy.TLS_V1_2],
      customHeaders: { [ORIGIN_SECRET_HEADER]: originSecret },
    });
    const asTheApiSays = new CachePolicy(this, 'AsTheApiSays', {
      comment: 'Public answers, for the time that the API gives them',
      minTtl: Duration.seconds(0),
      defaultTtl: Duration.seconds(0), // an answer that names no time is not kept
      maxTtl: Duration.days(365),
      queryStringBehavior: CacheQueryStringBehavior.all(),
      headerBehavior: CacheHeaderBehavior.allowList('Accept'), // tables and pages, or JSON
      enableAcceptEncodingGzip: true,
    });
    const shared = { origin, compress: true, viewerProtocolPolicy: ViewerProtocolPolicy.REDIRECT_TO_HTTPS };
    const cached = {
      ...shared,
      allowedMethods: AllowedMethods.ALLOW_GET_HEAD_OPTIONS,
      cachePolicy: asTheApiSays, // without the key: no public answer depends on one
    };
    const publicPaths = routes.flatMap(({ access, paths }) => (access === ACCESS.public ? paths : []));
    const distribution = new Distribution(this, 'Distribution', {
      comment: physicalName(stage, 'edge'),
      minimumProtocolVersion: SecurityPolicyProtocol.TLS_V1_2_2021,
      webAclId: webAclArn ?? this.#webAcl(stage),
      defaultBehavior: {
        ...shared,
        allowedMethods: AllowedMethods.ALLOW_ALL,
        cachePolicy: CachePolicy.CACHING_DISABLED, // whatever takes a key
        originRequestPolicy: OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
      },
      additionalBehaviors: Object.fromEntries(
        [...new Set(publicPaths.flatMap((path) => api.addressesOf(path)))].map((path) => [patternOf(path), cached]),
      ),
    });
    const acknowledge = (rule: string, reason: string) =>
      Validations.of(distribution).acknowledge({ id: `AwsSolutions-${rule}`, reason });
    acknowledge('CFR1', 'A community has members in every country.');
    acknowledge('CFR3', 'The API logs each request that reaches it, and the web ACL counts those that it blocks.');
    acknowledge('CFR4', "Only a domain of one's own can ask for TLS 1.2: CloudFront's own takes older clients.");

    for (const { fn } of api.targets) {
      fn.addEnvironment(ORIGIN_SECRET, originSecret);
      fn.node.addDependency(distribution); // the old address works until the new one does
    }
    servePages.fn.addEnvironment(PUBLIC_HOST, distribution.distributionDomainName);
    this.url = `https://${distribution.distributionDomainName}/`;
  }

  #webAcl(stage: Stage): string {
    // CloudFormation refuses the deployment before it makes anything. Nothing else knows the region for sure.
    new CfnRule(this, 'Region', {
      assertions: [{ assert: Fn.conditionEquals(Aws.REGION, EDGE_REGION), assertDescription: WRONG_REGION }],
    });
    const visibilityOf = (metricName: string) => ({
      cloudWatchMetricsEnabled: true,
      sampledRequestsEnabled: true,
      metricName: physicalName(stage, metricName),
    });
    const webAcl = new CfnWebACL(this, 'WebAcl', {
      name: physicalName(stage, 'edge'),
      scope: 'CLOUDFRONT',
      defaultAction: { allow: {} },
      visibilityConfig: visibilityOf('edge'),
      rules: [
        {
          name: 'requests-of-an-address',
          priority: 0,
          action: { block: { customResponse: { responseCode: TOO_MANY_REQUESTS } } },
          statement: {
            rateBasedStatement: {
              aggregateKeyType: 'IP',
              limit: stage.limits.perAddress,
              evaluationWindowSec: RATE_WINDOW_SECONDS,
            },
          },
          visibilityConfig: visibilityOf('requests-of-an-address'),
        },
      ],
    });
    return webAcl.attrArn;
  }
}
