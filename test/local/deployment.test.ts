/**
 * A release, a rollback and a roll-forward on the data of a running stack. The other release has other rules and
 * another number of its fold, as in a separate bundle. The stack has no other sign of the change.
 *
 * This test failed without the message after a deployment.
 */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { afterAll, afterEach, expect, it } from 'vitest';
import { community } from '#community';
import { type Assembly, readAssembly } from '../../local/template/assembly.ts';
import { connect, targetOf } from '../../operator/connection.ts';
import { readStatus } from '../../operator/stack-status.ts';
import { invocationOf } from '../builders/telemetry.ts';
import { assemblyOfRun } from '../support/assembly.ts';
import { promptly, startTestStack, temporaryDirectory, type TestStack } from '../support/stack.ts';

const [dataDirectory, bundles] = [temporaryDirectory(), temporaryDirectory()];
const running: TestStack[] = [];
afterEach(async () => {
  for (const stack of running.splice(0)) await stack.stop();
});
afterAll(() => [dataDirectory, bundles].forEach((path) => rmSync(path, { recursive: true })));

/** Rules that give much more for each group of commands, and both versions known. */
const ours = community.rules[0]!;
const theirs = { ...ours, version: '0', activity: { ...ours.activity, diversityPoints: 700 } };
const otherCommunity = {
  ...community,
  rules: [theirs, ...community.rules],
  settings: { ...community.settings, rules: theirs.version },
};
const FOLD_NUMBER = /export const FOLD = \d+;/u;
const otherRelease: Plugin = {
  name: 'other release',
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /^#community$/ }, ({ path }) => ({ path, namespace: 'community' }));
    onLoad({ filter: /./, namespace: 'community' }, () => ({
      contents: `export const community = ${JSON.stringify(otherCommunity)};`,
    }));
    onLoad({ filter: /scoring\/user-metrics\.ts$/ }, ({ path }) => {
      const source = readFileSync(path, 'utf8');
      if (!FOLD_NUMBER.test(source)) throw new Error(`${path} has no number of the fold`);
      return { contents: source.replace(FOLD_NUMBER, 'export const FOLD = 1;'), loader: 'ts' };
    });
  },
};

/** The assembly with these functions' code from another release. */
async function released(assembly: Assembly, roles: readonly string[]): Promise<Assembly> {
  await build({
    entryPoints: roles.map((role) => ({ in: join('functions', role, 'handler.ts'), out: join(role, 'index') })),
    outdir: bundles,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    mainFields: ['module', 'main'],
    plugins: [otherRelease],
  });
  const template = structuredClone(assembly.template);
  for (const { Type, Properties } of Object.values(template.Resources)) {
    const role = roles.find((each) => Properties.FunctionName === `laurel-local-${each}`);
    if (Type === 'AWS::Lambda::Function' && role !== undefined) Properties.Code = { S3Key: role };
  }
  return {
    template,
    codeDirectory: (key) => (roles.includes(key) ? join(bundles, key) : assembly.codeDirectory(key)),
  };
}

async function start(assembly: Assembly): Promise<TestStack> {
  const stack = await startTestStack({ assembly, adapt: promptly, dataDirectory });
  running.push(stack);
  stack.publish();
  await stack.drain();
  return stack;
}
const read = async ({ baseUrl }: TestStack, path: string): Promise<any> => (await fetch(baseUrl + path)).json();
const invoke = (stack: TestStack, role: string) =>
  fetch(`${stack.lambdaEndpoint}/2015-03-31/functions/${stack.functions[role]}/invocations`, {
    method: 'POST',
    body: '{}',
  });

async function sendEvents(stack: TestStack): Promise<void> {
  const headers = { 'content-type': 'application/json', 'x-api-key': stack.adminKey };
  const post = async (path: string, body: object, key = stack.adminKey) =>
    fetch(stack.baseUrl + path, {
      method: 'POST',
      headers: { ...headers, 'x-api-key': key },
      body: JSON.stringify(body),
    });
  const { key } = (await (await post('/v1/keys', { kind: 'personal', username: 'ada' })).json()) as { key: string };
  const events = [30, 20, 3, 0].map((daysAgo) => ({
    event: 'cli_invocation',
    distinct_id: 'laptop',
    insert_id: `${daysAgo}`,
    timestamp: new Date(Date.now() - daysAgo * 86_400_000).toISOString(),
    properties: invocationOf('model'),
  }));
  expect((await post('/ingest', { events }, key)).status).toBe(202);
  await stack.drain();
}

/** The public view of ada, and the operator command's counts of scores. */
async function seen(stack: TestStack) {
  await invoke(stack, 'rank-leaderboards');
  const { refreshedAt: _, ...score } = await read(stack, '/v1/scores/ada');
  const { days } = await read(stack, '/v1/scores/ada/history');
  const gains: Record<string, number> = {};
  for (const board of ['today', 'week', 'season']) {
    gains[board] = (await read(stack, `/v1/leaderboards/${board}`)).rows[0]?.points ?? 0;
  }
  const status = await readStatus(connect(targetOf({ local: dataDirectory }, {})), Date.now());
  const { rulesVersions: versions, staleUsers, lastBackfill } = status;
  return { score: { ...score, asOf: null }, days, gains, versions, staleUsers, lastBackfill };
}
/**
 * The gain of a window is the score of the last date minus the score of the date before the first one, both by the same
 * rules.
 */
const gainsOf = ({ days }: { readonly days: readonly { readonly canonicalScore: number }[] }) => {
  const before = (dates: number) => days.at(-1 - dates)?.canonicalScore ?? 0;
  const today = days.at(-1)!.canonicalScore;
  return { today: today - before(1), week: today - before(7), season: today - before(90) };
};

it('refreshes scores of another release once after each deployment', async () => {
  const usual = readAssembly(await assemblyOfRun(), 'Laurel-local');
  const other = await released(usual, ['refresh-score', 'backfill']);
  let stack = await start(usual);
  await sendEvents(stack);
  const first = await seen(stack);
  expect(first).toMatchObject({ score: { rulesVersion: '1' }, versions: { 1: 1 }, lastBackfill: null });
  await stack.stop();

  stack = await start(other);
  const back = await seen(stack);
  expect(back).toMatchObject({ score: { rulesVersion: '0' }, versions: { 0: 1 } });
  expect(back.lastBackfill).toMatchObject({ mode: 'stale', status: 'done' });
  expect(back.score.canonicalScore).toBeGreaterThan(first.score.canonicalScore);
  for (const each of [first, back]) expect(each.gains).toEqual(gainsOf(each)); // a change of the rules is not a gain
  await stack.stop();

  stack = await start(usual);
  const forward = await seen(stack);
  expect({ ...forward, lastBackfill: null }).toEqual(first);
  expect(forward.lastBackfill?.runId).not.toBe(back.lastBackfill?.runId);
  await stack.stop();

  stack = await start(usual);
  expect(await seen(stack)).toEqual(forward); // without a deployment there was no other backfill
});
