import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { byRole, ofType, targetOf } from '../support/template.ts';
import { synthesize } from '../support/synthesis.ts';

const options = { accountConcurrency: 1_000, basePath: '/api' };
const { template: plain } = await synthesize('prod', options);
const { template } = await synthesize('prod', { ...options, ingestUrl: true });
const { Resources: resources, Outputs: outputs } = template as any;

describe('LAUREL_INGEST_URL=on', () => {
  it('gives the telemetry ingest, and nothing else, an address without IAM, and names it', () => {
    const urls = ofType(resources, 'AWS::Lambda::Url');
    expect(urls).toHaveLength(1);
    const [[id, { Properties }]] = urls as any;

    expect(Properties.AuthType).toBe('NONE');
    expect(targetOf(resources, Properties.TargetFunctionArn)).toBe('ingest-telemetry');
    expect(outputs.IngestUrl.Value).toEqual({ 'Fn::GetAtt': [id, 'FunctionUrl'] });
    expect([ofType(plain.Resources, 'AWS::Lambda::Url'), (plain as any).Outputs.IngestUrl]).toEqual([[], undefined]);
  });

  it('lets everybody invoke that function through that address, and in no other way', () => {
    const open = ofType(resources, 'AWS::Lambda::Permission')
      .map(([, { Properties }]) => Properties)
      .filter(({ Principal }) => Principal !== 'apigateway.amazonaws.com')
      .map(({ FunctionName, ...rest }) => ({ ...rest, of: targetOf(resources, FunctionName) }));

    const everybody = { Principal: '*', of: 'ingest-telemetry' };
    expect(open).toEqual([
      { Action: 'lambda:InvokeFunctionUrl', FunctionUrlAuthType: 'NONE', ...everybody },
      { Action: 'lambda:InvokeFunction', InvokedViaFunctionUrl: true, ...everybody },
    ]);
  });

  it('reserves as many invocations as the limit of writes needs, and changes nothing else', async () => {
    const reserved = (from: any) =>
      byRole(from, 'AWS::Lambda::Function').get('ingest-telemetry')!.Properties.ReservedConcurrentExecutions;
    const added = Object.keys(resources).filter((id) => !(id in plain.Resources));

    expect([reserved(plain.Resources), reserved(resources)]).toEqual([200, 10]);
    expect(added.map((id) => resources[id].Type).sort()).toEqual([
      ...['AWS::Lambda::Permission', 'AWS::Lambda::Permission', 'AWS::Lambda::Url'],
    ]);
  });

  it.each([
    [{ LAUREL_INGEST_URL: 'yes' }, 'LAUREL_INGEST_URL: expected on, or nothing\n'],
    [
      { LAUREL_INGEST_URL: 'on' },
      /^LAUREL_INGEST_URL: expected LAUREL_ACCOUNT_CONCURRENCY as well, from 250 on: .*\n$/u,
    ],
    [
      { LAUREL_INGEST_URL: 'on', LAUREL_ACCOUNT_CONCURRENCY: '249' },
      /^LAUREL_INGEST_URL: expected LAUREL_ACCOUNT_CONCURRENCY as well, from 250 on: .*\n$/u,
    ],
    [
      { LAUREL_INGEST_URL: 'on', LAUREL_EDGE: 'on', LAUREL_ACCOUNT_CONCURRENCY: '1000' },
      /^LAUREL_INGEST_URL: expected LAUREL_EDGE to be off, .*\n$/u,
    ],
  ])('is refused by one sentence: %j', (more, sentence) => {
    const settings = join(import.meta.dirname, '..', '..', 'bin', 'settings.ts');
    const env = { ...process.env, AWS_REGION: '', AWS_DEFAULT_REGION: '', CDK_DEFAULT_REGION: '', ...more };
    const { status, stderr } = spawnSync(process.execPath, [settings], { env, encoding: 'utf8' });

    expect(status).toBe(1);
    if (typeof sentence === 'string') expect(stderr).toBe(sentence);
    else expect(stderr).toMatch(sentence);
  });
});
