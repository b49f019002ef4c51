import { CfnOutput, Stack } from 'aws-cdk-lib';
import { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { FunctionUrlAuthType } from 'aws-cdk-lib/aws-lambda';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { alarmOnAccountConcurrency } from './alarms.ts';
import { changeFeed } from './capabilities/change-feed.ts';
import { budget } from './budget.ts';
import { foundation } from './capabilities/foundation.ts';
import { hooks } from './capabilities/hooks.ts';
import { identity } from './capabilities/identity.ts';
import { leaderboards } from './capabilities/leaderboards.ts';
import { ledger } from './capabilities/ledger.ts';
import { metrics } from './capabilities/metrics.ts';
import { operations } from './capabilities/operations.ts';
import { reads } from './capabilities/reads.ts';
import { registry } from './capabilities/registry.ts';
import { scoring } from './capabilities/scoring.ts';
import { telemetry } from './capabilities/telemetry.ts';
import { LaurelDashboard } from './dashboard.ts';
import { Edge } from './edge.ts';
import { ACCESS, LaurelApi, type LaurelRoutes } from './laurel-api.ts';
import type { LaurelFunction } from './laurel-function.ts';
import { LEAST_TO_RESERVE, type Stage } from './stage.ts';

export type LaurelStackOptions = {
  readonly alarmTopicArn?: string | undefined; // without it, alarms only show in the console
  readonly basePath?: string | undefined; // `/api`: the API is also served under this prefix
  // the concurrent invocations that the account may have; if it is known, functions of the API get their own parts of it
  readonly accountConcurrency?: number | undefined;
  readonly budgetDollars?: number | undefined; // a month, for the whole account
  // all requests come through CloudFront, which limits those of one address; with a web ACL that is there already, or its own
  readonly edge?: { readonly webAclArn?: string | undefined } | undefined;
  readonly ingestUrl?: boolean | undefined; // `/ingest` also has an address of Lambda, which bypasses the gateway
};

/** The default limit of an established AWS account. */
const USUAL_CONCURRENCY = 1_000;
/**
 * The parts of the account's concurrency that functions of the API have for themselves, and are limited to. The rest, 40 %,
 * is left to the workers: a flood of requests cannot stop them, and they cannot stop the API.
 */
const API_PARTS = { ingest: 0.2, reads: 0.2, pages: 0.1, publishes: 0.1 };
/**
 * The address of Lambda has no limit of requests a second, so the function's invocations are limited. If a request
 * takes this long, they let through about as many requests as the gateway.
 */
const SECONDS_OF_A_REQUEST = 0.1;

/**
 * All of Laurel for one stage: a table of contents. A capability is a function instead of a construct, because a construct
 * would add its name to every logical id, and CloudFormation would replace what is deployed.
 */
export class LaurelStack extends Stack {
  constructor(
    scope: Construct,
    stage: Stage,
    { alarmTopicArn, basePath, accountConcurrency, budgetDollars, edge, ingestUrl = false }: LaurelStackOptions = {},
  ) {
    super(scope, `Laurel-${stage.name}`, {
      description: 'Laurel: contributor scores from telemetry, publishes and awards',
      analyticsReporting: false, // leaves the CDK's usage report out of the template
      // Only after the first deployment: the CDK cannot delete and recreate a protected stack whose creation failed.
      terminationProtection: stage.protects('telemetry'),
    });

    const base = foundation(this, stage);
    const { scoreRefresh } = scoring(this, base);
    operations(this, base, { scoreRefresh });
    const { rollUp } = metrics(this, base);
    const { rank, setVisibility } = leaderboards(this, base);
    const { exportAccount, manageKeys, manageAccounts, erase } = identity(this, base);
    changeFeed(this, base, { scoreRefresh, rollUp, rank, erase });
    const { ingestTelemetry, importHistory, manageDevices } = telemetry(this, base, { scoreRefresh });
    const { confirmPublish } = registry(base);
    const { recordAward } = ledger(base);
    const { takeHooks, linkLogins } = hooks(base);
    const { readApi, servePages } = reads(base);

    const routes: readonly LaurelRoutes[] = [
      { target: ingestTelemetry, access: ACCESS.keyOptional, load: 'writes', paths: ['/ingest'] },
      { target: importHistory, access: ACCESS.keyed, load: 'writes', paths: ['/v1/import'] },
      { target: manageKeys, access: ACCESS.keyed, load: 'writes', paths: ['/v1/keys', '/v1/keys/{id}'] },
      { target: manageKeys, access: ACCESS.keyed, paths: ['/api/whoami'] },
      { target: manageDevices, access: ACCESS.keyed, load: 'writes', paths: ['/v1/devices/{proxy+}'] },
      { target: confirmPublish, access: ACCESS.keyed, load: 'writes', paths: ['/v1/collectives/{slug}'] },
      {
        target: confirmPublish,
        access: ACCESS.keyOptional, // `latest` is public
        load: 'writes',
        paths: ['/api/v1/extensions/{proxy+}'],
      },
      { target: setVisibility, access: ACCESS.keyed, load: 'writes', paths: ['/v1/users/{username}/visibility'] },
      {
        target: manageAccounts,
        access: ACCESS.keyed,
        load: 'writes',
        paths: [
          '/v1/users/{username}',
          '/v1/users/{username}/rename',
          '/v1/users/{username}/merge',
          '/v1/users/{username}/unmerge',
        ],
      },
      { target: exportAccount, access: ACCESS.keyed, load: 'costlyReads', paths: ['/v1/users/{username}/export'] },
      {
        target: linkLogins,
        access: ACCESS.keyed,
        load: 'writes',
        paths: ['/v1/users/{username}/logins/github', '/v1/users/{username}/logins/discourse'],
      },
      {
        target: takeHooks,
        access: ACCESS.signed,
        load: 'writes',
        paths: ['/hooks/github/{source}', '/hooks/discourse/{source}'],
      },
      {
        target: recordAward,
        access: ACCESS.keyed,
        load: 'writes',
        paths: ['/v1/awards', '/v1/badges', '/v1/grants/{proxy+}'],
      },
      {
        target: readApi,
        access: ACCESS.public,
        paths: [
          '/health',
          '/v1/stats',
          '/v1/scores/{username}',
          '/v1/leaderboards/{board}/users/{username}',
          '/community-metrics',
          '/v1/rules',
          '/openapi.json',
        ],
      },
      {
        target: readApi,
        access: ACCESS.public,
        load: 'costlyReads',
        paths: ['/v1/scores/{username}/{view}', '/v1/users', '/v1/leaderboards/{board}', '/community-metrics/{view}'],
      },
      {
        target: servePages,
        access: ACCESS.public,
        load: 'costlyReads',
        paths: ['/', '/people/{username}', '/community', '/badges/{file}', '/cards/{file}'],
      },
      { target: servePages, access: ACCESS.public, paths: ['/rules', '/assets/{asset}'] },
    ];
    const api = new LaurelApi(this, 'Api', { stage, basePath, routes });
    const front = edge === undefined ? api : new Edge(this, 'Edge', { stage, api, routes, servePages, ...edge });
    new CfnOutput(this, 'ApiUrl', { value: front.url });
    if (ingestUrl) {
      const { url } = ingestTelemetry.fn.addFunctionUrl({ authType: FunctionUrlAuthType.NONE }); // it checks keys itself
      new CfnOutput(this, 'IngestUrl', { value: url });
    }
    alarmOnAccountConcurrency(this, accountConcurrency ?? USUAL_CONCURRENCY);
    if (accountConcurrency !== undefined && accountConcurrency >= LEAST_TO_RESERVE) {
      const reserve = (fn: LaurelFunction, part: number, most = Infinity) =>
        fn.reserveConcurrency(Math.min(most, Math.floor(accountConcurrency * part)));
      const ofUrl = ingestUrl ? Math.ceil(stage.limits.writes * SECONDS_OF_A_REQUEST) : undefined;
      reserve(ingestTelemetry, API_PARTS.ingest, ofUrl);
      reserve(readApi, API_PARTS.reads);
      reserve(servePages, API_PARTS.pages);
      reserve(confirmPublish, API_PARTS.publishes);
    }
    if (budgetDollars !== undefined) budget(this, stage, budgetDollars, alarmTopicArn);
    new LaurelDashboard(this, 'Operations', { stage });

    if (alarmTopicArn !== undefined) {
      const tell = new SnsAction(Topic.fromTopicArn(this, 'AlarmTopic', alarmTopicArn));
      for (const each of this.node.findAll()) if (each instanceof Alarm) each.addAlarmAction(tell);
    }
  }
}
