import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { readAssembly } from '../../local/template/assembly.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';
import { resourcesOf } from '../support/synthesis.ts';
import { byRole, ofType } from '../support/template.ts';

/** The template with its base path, run on the bundles of the template without it: only the template differs. */
const run = readAssembly(inject('assembly'), 'Laurel-local');
const bundles = byRole(run.template.Resources as any, 'AWS::Lambda::Function');
const resources = await resourcesOf('local', { basePath: '/api' });
const functions = byRole(resources, 'AWS::Lambda::Function');
for (const [role, { Properties }] of functions) Properties.Code = bundles.get(role)!.Properties.Code;

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack({ assembly: { ...run, template: { Resources: resources } } });
});
afterAll(() => stack.stop());

describe('a base path', () => {
  it('is in front of each route, and each route also works without it', () => {
    const keys = ofType(resources, 'AWS::ApiGatewayV2::Route').map(([, { Properties }]) => String(Properties.RouteKey));
    const plain = ofType(run.template.Resources as any, 'AWS::ApiGatewayV2::Route').map(([, each]) =>
      String(each.Properties.RouteKey),
    );

    const behind = plain
      .filter((key) => key !== '$default')
      .map((key) => key.replace('ANY ', 'ANY /api').replace(/\/$/, ''));
    expect(keys.sort()).toEqual([...plain, ...behind].sort());
  });

  it.each([
    ['/api/community-metrics?interval=DAY', 200],
    ['/community-metrics?interval=DAY', 200],
    ['/api/health', 200],
    ['//api//health', 200],
    ['/api/v1/leaderboards/alltime', 200],
    ['/api/whoami', 200],
    ['/api/api/whoami', 200],
    ['/api/v1/extensions/%40none%2Fnet/latest', 404],
    ['/api/api/v1/extensions/@none/net/latest', 404],
  ])('%s is %i', async (path, status) => {
    const answer = await fetch(`${stack.baseUrl}${path}`, { headers: { 'x-api-key': stack.adminKey } });

    expect({ status: answer.status, body: await answer.json() }).toMatchObject({
      status,
      body: status === 200 ? {} : { code: 'unknown_extension' },
    });
  });

  it('alone is the first page', async () => {
    const answer = await fetch(`${stack.baseUrl}/api`);

    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  });

  it.each(['/api/api/health', '/apihealth', '/v2/health'])('%s is unknown', async (path) => {
    const answer = await fetch(`${stack.baseUrl}${path}`);

    expect(await answer.json()).toMatchObject({ code: 'not_found' });
  });
});
