import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../support/stack.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** Replaces the CDK app: it writes a template with two tables, and records which of them are new. */
const APP = `
import { mkdirSync, writeFileSync } from 'node:fs';
const { LAUREL_STAGE, LAUREL_NEW_TABLES, CDK_OUTDIR } = process.env;
const table = (role) => ({ Type: 'AWS::DynamoDB::GlobalTable', Properties: { TableName: \`laurel-\${LAUREL_STAGE}-\${role}\` } });
const template = { Resources: { A: table('telemetry'), B: table('registry'), C: { Type: 'AWS::IAM::Role' } } };
mkdirSync(CDK_OUTDIR, { recursive: true });
writeFileSync(\`\${CDK_OUTDIR}/Laurel-\${LAUREL_STAGE}.template.json\`, JSON.stringify(template));
writeFileSync(\`\${CDK_OUTDIR}/new\`, LAUREL_NEW_TABLES);
`;
/** Replaces `cdk`: it records its arguments and the new tables, and fails if told to. */
const CDK = `#!/bin/sh
echo "$1 $4 $5 new=$(cat "$3/new")" >> "$NOTES"
exit "\${CDK_STATUS:-0}"
`;

type Deployment = {
  readonly stage: string;
  readonly there: readonly string[] | undefined;
  readonly cdkStatus?: number;
  readonly region?: string;
};

describe('npm run deploy', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'laurel-deploy-'));
    for (const directory of ['bin', 'infra', 'path']) mkdirSync(join(root, directory));
    for (const file of ['bin/deploy.ts', 'infra/stage.ts', 'package.json']) cpSync(join(ROOT, file), join(root, file));
    for (const tree of ['node_modules', 'functions', 'operator', 'local'])
      symlinkSync(join(ROOT, tree), join(root, tree));
    writeFileSync(join(root, 'bin', 'app.ts'), APP);
    writeFileSync(join(root, 'path', 'cdk'), CDK, { mode: 0o755 });
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  /** Runs the script in an account whose stack has the tables `there`, or no stack. Returns the calls of `cdk`. */
  async function deploy({ stage, there, cdkStatus = 0, region = 'eu-west-1' }: Deployment) {
    const resource = (name: string) =>
      '<member><ResourceType>AWS::DynamoDB::GlobalTable</ResourceType><ResourceStatus>CREATE_COMPLETE</ResourceStatus>' +
      `<PhysicalResourceId>laurel-${stage}-${name}</PhysicalResourceId></member>`;
    const stack =
      there === undefined
        ? [
            400,
            `<ErrorResponse><Error><Code>ValidationError</Code><Message>Stack with id Laurel-${stage} does not exist</Message></Error></ErrorResponse>`,
          ]
        : [
            200,
            `<R><ListStackResourcesResult><StackResourceSummaries>${there.map(resource).join('')}</StackResourceSummaries></ListStackResourcesResult></R>`,
          ];
    const cloudFormation = createServer((_request, response) => {
      response.writeHead(Number(stack[0]), { 'content-type': 'text/xml' }).end(stack[1]);
    });
    cloudFormation.listen(0, '127.0.0.1');
    await once(cloudFormation, 'listening');
    const notes = join(root, 'notes');
    const child = spawn(process.execPath, [join(root, 'bin', 'deploy.ts'), '--verbose'], {
      env: {
        PATH: `${join(root, 'path')}${delimiter}${process.env.PATH}`,
        NOTES: notes,
        CDK_STATUS: String(cdkStatus),
        LAUREL_STAGE: stage,
        ...(region !== '' && { AWS_REGION: region }),
        AWS_CONFIG_FILE: '/none',
        AWS_ACCESS_KEY_ID: 'key',
        AWS_SECRET_ACCESS_KEY: 'secret',
        AWS_ENDPOINT_URL_CLOUDFORMATION: `http://127.0.0.1:${(cloudFormation.address() as AddressInfo).port}`,
      },
    });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
    const [code] = (await once(child, 'close')) as [number];
    cloudFormation.close();
    return { code, said, asked: existsSync(notes) ? readFileSync(notes, 'utf8').trim().split('\n') : [] };
  }

  it.each<[string, Deployment, string[]]>([
    ['creates tables first and then protects them', { stage: 'prod', there: undefined }, ['telemetry,registry', '']],
    ['keeps existing tables protected meanwhile', { stage: 'prod', there: ['telemetry'] }, ['registry', '']],
    ['deploys once if no table is new', { stage: 'prod', there: ['telemetry', 'registry'] }, ['']],
    ['protects nothing on a stage that may lose its data', { stage: 'dev', there: undefined }, ['']],
  ])('%s', async (_what, deployment, steps) => {
    expect(await deploy(deployment)).toMatchObject({
      code: 0,
      asked: steps.map((step) => `deploy Laurel-${deployment.stage} --verbose new=${step}`),
    });
  });

  it('explains a missing region in a sentence', async () => {
    const { code, said, asked } = await deploy({ stage: 'prod', there: undefined, region: '' });

    expect({ code, said, asked }).toEqual({ code: 1, said: expect.stringMatching(/^no AWS region .*\n$/), asked: [] });
  });

  it('explains in a sentence that a stage cannot have that name', async () => {
    const { code, said, asked } = await deploy({ stage: 'Prod', there: undefined });

    expect({ code, said, asked }).toEqual({
      code: 1,
      said: 'LAUREL_STAGE: a stage is 1 to 20 of a-z 0-9 -, starting with a letter\n',
      asked: [],
    });
  });

  it('goes no further after a deployment that failed', async () => {
    const { code, asked } = await deploy({ stage: 'prod', there: undefined, cdkStatus: 3 });

    expect(code).toBe(3);
    expect(asked).toEqual(['deploy Laurel-prod --verbose new=telemetry,registry']);
  });

  it('ends cdk when npm is killed', async () => {
    const pidFile = join(root, 'pid');
    writeFileSync(join(root, 'path', 'cdk'), '#!/bin/sh\necho $$ > "$PID_FILE"\nexec sleep 300\n', { mode: 0o755 });
    // A stand-in for npm, which waits for its script.
    const npm = spawn(
      process.execPath,
      ['-e', `require('node:child_process').spawnSync(process.execPath, ['${join(root, 'bin', 'deploy.ts')}'])`],
      {
        env: {
          PATH: `${join(root, 'path')}${delimiter}${process.env.PATH}`,
          PID_FILE: pidFile,
          LAUREL_STAGE: 'dev',
          npm_lifecycle_event: 'deploy',
        },
      },
    );
    await until(() => existsSync(pidFile) && readFileSync(pidFile, 'utf8') !== '');
    const pid = Number(readFileSync(pidFile, 'utf8'));
    npm.kill('SIGKILL');

    const isThere = () => {
      try {
        return process.kill(pid, 0);
      } catch {
        return false;
      }
    };
    expect(isThere()).toBe(true);
    await until(() => !isThere());
  });
});
