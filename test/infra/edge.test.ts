import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { EDGE_REGION, Limits } from '../../infra/stage.ts';
import { byRole, ofType } from '../support/template.ts';
import { synthesize } from '../support/synthesis.ts';

const WEB_ACL = 'arn:aws:wafv2:us-east-1:123456789012:global/webacl/edge/2f0c8a1e-0000-4000-8000-000000000000';
const EDGE_TYPES = ['CloudFront::CachePolicy', 'CloudFront::Distribution', 'SecretsManager::Secret', 'WAFv2::WebACL'];

const { template } = await synthesize('prod', {
  edge: {},
  basePath: '/api',
  limits: Limits.parse({ perAddress: '700' }),
});
const { Resources: resources } = template;
const only = (type: string) => {
  const found = ofType(resources, `AWS::${type}`);
  expect(found).toHaveLength(1);
  return { id: found[0]![0], ...found[0]![1].Properties };
};
const { DistributionConfig: distribution } = only('CloudFront::Distribution');
const { template: withoutEdge } = await synthesize('prod');

/** Whether CloudFront takes a path for a pattern: `*` is any text, also with slashes. */
const takes = (pattern: string, path: string) =>
  new RegExp(`^${pattern.replaceAll('.', String.raw`\.`).replaceAll('*', '.*')}$`, 'u').test(path);

describe('LAUREL_EDGE=on', () => {
  it('puts CloudFront in front, with the API as its only origin, over TLS', () => {
    expect(distribution.Origins).toHaveLength(1);
    const [{ DomainName, CustomOriginConfig }] = distribution.Origins;
    expect(JSON.stringify(DomainName)).toContain('.execute-api.');
    expect(CustomOriginConfig.OriginProtocolPolicy).toBe('https-only');
    const distributionId = only('CloudFront::Distribution').id;
    expect((template as any).Outputs.ApiUrl.Value['Fn::Join'][1]).toEqual([
      'https://',
      { 'Fn::GetAtt': [distributionId, 'DomainName'] },
      '/',
    ]);
  });

  it('blocks an address above its limit with 429, in all of the distribution', () => {
    const { id, Scope, Rules } = only('WAFv2::WebACL');

    expect(distribution.WebACLId).toEqual({ 'Fn::GetAtt': [id, 'Arn'] });
    expect(Scope).toBe('CLOUDFRONT');
    expect(Rules).toHaveLength(1);
    expect(Rules[0].Action.Block.CustomResponse.ResponseCode).toBe(429);
    expect(Rules[0].Statement.RateBasedStatement).toMatchObject({ AggregateKeyType: 'IP', Limit: 700 });
  });

  it('adds a secret that only CloudFront and the functions of the API get, and that is not in the template', () => {
    const { id, GenerateSecretString } = only('SecretsManager::Secret');
    const [{ HeaderName, HeaderValue }] = distribution.Origins[0].OriginCustomHeaders;
    const routed = new Set(
      ofType(resources, 'AWS::ApiGatewayV2::Integration').map(
        ([, { Properties }]) => Properties.IntegrationUri['Fn::GetAtt'][0],
      ),
    );
    const knowing = ofType(resources, 'AWS::Lambda::Function').filter(
      ([, { Properties }]) => Properties.Environment.Variables.ORIGIN_SECRET !== undefined,
    );

    expect(GenerateSecretString.PasswordLength).toBeGreaterThanOrEqual(32);
    expect(HeaderName).toBe('x-laurel-origin');
    expect(HeaderValue['Fn::Join'][1]).toEqual(['{{resolve:secretsmanager:', { Ref: id }, ':SecretString:::}}']);
    expect(knowing.map(([fn]) => fn).sort()).toEqual([...routed].sort());
    for (const [, { Properties }] of knowing) {
      expect(Properties.Environment.Variables.ORIGIN_SECRET).toEqual(HeaderValue);
    }
    expect(byRole(resources, 'AWS::Lambda::Function').get('serve-pages')).toMatchObject({
      Properties: { Environment: { Variables: { PUBLIC_HOST: { 'Fn::GetAtt': [expect.anything(), 'DomainName'] } } } },
      DependsOn: expect.arrayContaining([only('CloudFront::Distribution').id]),
    });
  });

  it('keeps public answers as long as the API allows, and passes on everything else with its key', () => {
    const { id, CachePolicyConfig } = only('CloudFront::CachePolicy');
    const { DefaultCacheBehavior: others, CacheBehaviors: kept } = distribution;
    const { ParametersInCacheKeyAndForwardedToOrigin: key } = CachePolicyConfig;

    expect(CachePolicyConfig).toMatchObject({ MinTTL: 0, DefaultTTL: 0, MaxTTL: 31_536_000 });
    expect(key.HeadersConfig.Headers).toEqual(['Accept']); // no key reaches the API, so no answer depends on one
    expect([key.CookiesConfig.CookieBehavior, key.QueryStringsConfig.QueryStringBehavior]).toEqual(['none', 'all']);
    expect(others.CachePolicyId).toBe('4135ea2d-6df8-44a3-9df3-4b5a84be39ad'); // AWS's CachingDisabled
    expect(others.OriginRequestPolicyId).toBe('b689b0a8-53d0-40ab-baf2-68738e2966ac'); // AWS's AllViewerExceptHostHeader
    expect(others.AllowedMethods).toHaveLength(7);
    for (const { CachePolicyId, AllowedMethods } of kept) {
      expect([CachePolicyId, AllowedMethods]).toEqual([{ Ref: id }, ['GET', 'HEAD', 'OPTIONS']]);
    }
    const isKept = (path: string) => kept.some(({ PathPattern }: any) => takes(PathPattern, path));
    const open = [
      '/',
      '/health',
      '/people/ada',
      '/assets/page.js',
      '/cards/ada.png',
      '/v1/leaderboards/week',
      '/v1/users',
    ];
    const keyed = [
      ...['/ingest', '/v1/keys', '/v1/users/ada/export', '/v1/users/ada/visibility', '/v1/users/ada'],
      ...['/api/whoami', '/api/v1/extensions/a/latest', '/v1/awards', '/hooks/github/main', '/api/v1/keys', '//ingest'],
    ];
    expect([...open, ...open.map((path) => `/api${path}`.replace(/\/$/u, ''))].filter((path) => !isKept(path))).toEqual(
      [],
    );
    expect(keyed.filter(isKept)).toEqual([]);
  });

  it('makes its web ACL in us-east-1 only: CloudFormation refuses another region by a sentence', () => {
    const [[, { Assertions }]] = Object.entries((template as any).Rules).filter(([id]) => id.startsWith('Edge')) as any;

    expect(Assertions[0].Assert).toEqual({ 'Fn::Equals': [{ Ref: 'AWS::Region' }, EDGE_REGION] });
    expect(Assertions[0].AssertDescription).toMatch(/^LAUREL_EDGE: .*LAUREL_EDGE_WEB_ACL_ARN/u);
  });

  it('takes a web ACL that is there, in any region', async () => {
    const { template: given }: any = await synthesize('prod', { edge: { webAclArn: WEB_ACL } });
    const [[, { Properties }]] = ofType(given.Resources, 'AWS::CloudFront::Distribution') as any;

    expect(Properties.DistributionConfig.WebACLId).toBe(WEB_ACL);
    expect(ofType(given.Resources, 'AWS::WAFv2::WebACL')).toEqual([]);
    expect(Object.keys(given.Rules)).toEqual(['CheckBootstrapVersion']);
  });

  it('changes nothing where it is not set', () => {
    const text = JSON.stringify(withoutEdge);

    for (const type of EDGE_TYPES) expect(text).not.toContain(type);
    expect(text).not.toMatch(/ORIGIN_SECRET|PUBLIC_HOST|secretsmanager/u);
    // Of what both have, only the environment and the order of the API's functions and the address differ.
    const added = Object.keys(resources).filter((id) => !(id in withoutEdge.Resources) && !id.startsWith('Api'));
    expect(added.every((id) => id.startsWith('Edge'))).toBe(true);
  });

  it('is refused by one sentence if it is set wrong, and passes the checks of cdk-nag', () => {
    const outdir = mkdtempSync(join(tmpdir(), 'laurel-edge-'));
    onTestFinished(() => rmSync(outdir, { recursive: true }));
    const unset = { AWS_REGION: '', AWS_DEFAULT_REGION: '', CDK_DEFAULT_REGION: '' };
    const synth = (more: object) =>
      spawnSync(process.execPath, [join(import.meta.dirname, '..', '..', 'bin', 'app.ts')], {
        env: { ...process.env, ...unset, LAUREL_STAGE: 'test', CDK_OUTDIR: outdir, ...more },
        encoding: 'utf8',
      });
    const refused = (more: object) => {
      const { status, stderr } = synth(more);
      expect([status, readdirSync(outdir)]).toEqual([1, []]);
      return stderr;
    };

    expect(refused({ LAUREL_EDGE: 'yes' })).toBe('LAUREL_EDGE: expected on, or nothing\n');
    expect(refused({ LAUREL_EDGE: 'on', AWS_REGION: 'eu-west-1' })).toMatch(/^LAUREL_EDGE: .* us-east-1 only.*\n$/u);
    expect(refused({ LAUREL_EDGE: 'on', LAUREL_EDGE_WEB_ACL_ARN: WEB_ACL.replace('us-east-1', 'eu-west-1') })).toBe(
      'LAUREL_EDGE_WEB_ACL_ARN: expected the ARN of a global web ACL, which is in us-east-1\n',
    );
    expect(refused({ LAUREL_EDGE_WEB_ACL_ARN: WEB_ACL })).toBe(
      'LAUREL_EDGE_WEB_ACL_ARN: expected LAUREL_EDGE=on as well, or neither of the two\n',
    );
    expect(refused({ LAUREL_LIMITS: 'perAddress=9' })).toMatch(/^LAUREL_LIMITS.perAddress: .* from 10 to /u);

    expect(synth({ LAUREL_STAGE: 'prod', LAUREL_ALARMS: 'silent', LAUREL_EDGE: 'on' }).status).toBe(0);
  });
});
