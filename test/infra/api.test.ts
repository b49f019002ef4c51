import { describe, expect, inject, it } from 'vitest';
import { readAssembly } from '../../local/template/assembly.ts';
import { readStack } from '../../local/template/stack-model.ts';
import { ofType, targetOf } from '../support/template.ts';
import { resources } from './template-under-test.ts';

const model = readStack(readAssembly(inject('assembly'), 'Laurel-local'), {
  region: 'us-east-1',
  accountId: '000000000000',
  awsEndpoint: 'http://127.0.0.1:1',
  streamArnOf: (table) => table,
});

/** Routes under the limit of all others: each takes a few reads at most. */
const CHEAP_ROUTES = [
  '$default',
  'ANY /api/whoami',
  'ANY /assets/{asset}',
  'ANY /community-metrics',
  'ANY /health',
  'ANY /openapi.json',
  'ANY /rules',
  'ANY /v1/leaderboards/{board}/users/{username}',
  'ANY /v1/rules',
  'ANY /v1/scores/{username}',
  'ANY /v1/stats',
];

describe('HTTP API', () => {
  const routes = ofType(resources, 'AWS::ApiGatewayV2::Route').map(([, { Properties }]) => Properties);
  const functionOf = ({ Target }: any): string => {
    const [, [, { Ref: integrationId }]] = Target['Fn::Join'];
    return targetOf(resources, resources[integrationId]!.Properties.IntegrationUri);
  };

  it('routes each path to its function with any method, and the rest to forward-request', () => {
    expect(Object.fromEntries(routes.map((route) => [route.RouteKey, functionOf(route)]))).toEqual({
      'ANY /ingest': 'ingest-telemetry',
      'ANY /v1/import': 'import-history',
      'ANY /v1/devices/{proxy+}': 'manage-devices',
      'ANY /v1/keys': 'manage-keys',
      'ANY /v1/keys/{id}': 'manage-keys',
      'ANY /api/whoami': 'manage-keys',
      'ANY /api/v1/extensions/{proxy+}': 'confirm-publish',
      'ANY /v1/collectives/{slug}': 'confirm-publish',
      'ANY /v1/awards': 'record-award',
      'ANY /v1/badges': 'record-award',
      'ANY /v1/grants/{proxy+}': 'record-award',
      'ANY /v1/users/{username}': 'manage-accounts',
      'ANY /v1/users/{username}/rename': 'manage-accounts',
      'ANY /v1/users/{username}/merge': 'manage-accounts',
      'ANY /v1/users/{username}/unmerge': 'manage-accounts',
      'ANY /v1/users/{username}/visibility': 'set-visibility',
      'ANY /v1/users/{username}/export': 'export-account',
      'ANY /v1/users/{username}/logins/github': 'link-logins',
      'ANY /v1/users/{username}/logins/discourse': 'link-logins',
      'ANY /hooks/github/{source}': 'take-hooks',
      'ANY /hooks/discourse/{source}': 'take-hooks',
      'ANY /v1/users': 'read-api',
      'ANY /v1/leaderboards/{board}': 'read-api',
      'ANY /v1/leaderboards/{board}/users/{username}': 'read-api',
      'ANY /health': 'read-api',
      'ANY /v1/stats': 'read-api',
      'ANY /v1/rules': 'read-api',
      'ANY /v1/scores/{username}': 'read-api',
      'ANY /v1/scores/{username}/{view}': 'read-api',
      'ANY /community-metrics': 'read-api',
      'ANY /community-metrics/{view}': 'read-api',
      'ANY /openapi.json': 'read-api',
      'ANY /': 'serve-pages',
      'ANY /people/{username}': 'serve-pages',
      'ANY /community': 'serve-pages',
      'ANY /rules': 'serve-pages',
      'ANY /assets/{asset}': 'serve-pages',
      'ANY /badges/{file}': 'serve-pages',
      'ANY /cards/{file}': 'serve-pages',
      $default: 'forward-request',
    });
  });

  it('uses payload format 2.0', () => {
    for (const [, { Properties }] of ofType(resources, 'AWS::ApiGatewayV2::Integration')) {
      expect(Properties).toMatchObject({ IntegrationType: 'AWS_PROXY', PayloadFormatVersion: '2.0' });
    }
  });

  // `$default` has no method and no path: `…/*/*/*` does not cover it.
  it.each(model.routes)('may invoke $functionName for $key', ({ key, functionName }) => {
    const { invokers } = model.functions.find(({ name }) => name === functionName)!;
    const source = `${model.apiArn}/$default/${key.replace('ANY ', 'GET')}`;

    expect(invokers.map(({ principal, covers }) => [principal, covers(source)])).toEqual([
      ['apigateway.amazonaws.com', true],
    ]);
  });

  const [, apiStage] = ofType(resources, 'AWS::ApiGatewayV2::Stage')[0]!;
  const limitOf = (rate: number) => ({ ThrottlingRateLimit: rate, ThrottlingBurstLimit: 2 * rate });

  it('throttles writes at 100 requests a second, costly reads at 50, and others at 1,000', () => {
    const { DefaultRouteSettings, RouteSettings } = apiStage.Properties;
    const others = model.routes.map(({ key }) => key).filter((key) => !(key in RouteSettings));

    expect(DefaultRouteSettings).toEqual(limitOf(1_000));
    expect(RouteSettings['ANY /ingest']).toEqual(limitOf(100));
    expect(RouteSettings['ANY /v1/leaderboards/{board}']).toEqual(limitOf(50));
    // A new route that writes, or reads much, needs a `load` in `laurel-stack.ts`.
    expect(others.sort()).toEqual(CHEAP_ROUTES);
  });

  it('sets limits only after the routes are there', () => {
    const routes = ofType(resources, 'AWS::ApiGatewayV2::Route').map(([id]) => id);

    expect((apiStage as any).DependsOn).toEqual(expect.arrayContaining(routes));
  });
});
