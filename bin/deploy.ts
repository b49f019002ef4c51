import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  CloudFormationClient,
  CloudFormationServiceException,
  paginateListStackResources,
} from '@aws-sdk/client-cloudformation';
import * as z from 'zod';
import { physicalName } from '../functions/runtime/names.ts';
import { StageName, stageOf } from '../infra/stage.ts';
import { beginScript } from '../local/script.ts';
import { targetOf } from '../operator/connection.ts';
import { explained } from '../operator/explained.ts';
import { OperatorError } from '../operator/outcome.ts';

/**
 * `npm run deploy [-- options of cdk deploy]`. It first creates new tables without deletion protection, so that
 * CloudFormation can delete them if the deployment fails. A second deployment right after the first one protects them.
 */
const ROOT = join(import.meta.dirname, '..');
const CDK_OUT = join(ROOT, 'cdk.out');
const TABLE = 'AWS::DynamoDB::GlobalTable';

const { LAUREL_STAGE: given = '' } = process.env;
const named = StageName.safeParse(given === '' ? 'dev' : given);
if (!named.success) {
  console.error(`LAUREL_STAGE: ${named.error.issues[0]?.message}`);
  process.exit(1);
}
const LAUREL_STAGE = named.data;
const stage = stageOf(LAUREL_STAGE);
const stackName = `Laurel-${stage.name}`;

let running: ChildProcess | undefined;
beginScript((exitCode) => {
  running?.kill();
  process.exit(exitCode);
});

await synthesize();
const newTables = stage.keepsData ? await tablesToCreate().catch(endExplained) : [];
if (newTables.length > 0) {
  console.log(`New tables, protected by the second deployment: ${newTables.join(', ')}`);
  await synthesize(newTables);
  await deploy();
  await synthesize();
}
await deploy();

function synthesize(unprotected: readonly string[] = []): Promise<void> {
  const env = { LAUREL_STAGE, LAUREL_NEW_TABLES: unprotected.join(','), CDK_OUTDIR: CDK_OUT };
  return run(process.execPath, [join(ROOT, 'bin', 'app.ts')], env);
}

function deploy(): Promise<void> {
  return run('cdk', ['deploy', '--app', CDK_OUT, stackName, ...process.argv.slice(2)]);
}

/** Exits with the command's exit code if it fails. The command ends with this script, also when npm is killed. */
async function run(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  running = spawn(command, args, { stdio: 'inherit', cwd: ROOT, env: { ...process.env, ...env } });
  await once(running, 'close');
  if (running.exitCode !== 0) process.exit(running.exitCode ?? 1);
}

/**
 * Explains a missing region, missing credentials or a missing network in one sentence, as the operator's command does.
 */
function endExplained(error: unknown): never {
  const said = explained(error, targetOf({ stage: stage.name }, {}));
  if (!(said instanceof OperatorError)) throw error;
  console.error(said.message);
  process.exit(1);
}

/** The roles of the tables that are in the template and not yet in the stack. */
async function tablesToCreate(): Promise<readonly string[]> {
  const Template = z.object({
    Resources: z.record(z.string(), z.object({ Type: z.string(), Properties: z.looseObject({}).optional() })),
  });
  const { Resources } = Template.parse(JSON.parse(readFileSync(join(CDK_OUT, `${stackName}.template.json`), 'utf8')));
  const there = await tablesThere();
  return Object.values(Resources)
    .filter(({ Type }) => Type === TABLE)
    .map(({ Properties }) => z.object({ TableName: z.string() }).parse(Properties).TableName)
    .filter((name) => !there.has(name))
    .map((name) => name.slice(physicalName(stage, '').length));
}

async function tablesThere(): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  try {
    const client = new CloudFormationClient();
    for await (const { StackResourceSummaries = [] } of paginateListStackResources(
      { client },
      { StackName: stackName },
    )) {
      for (const { ResourceType, ResourceStatus = '', PhysicalResourceId } of StackResourceSummaries) {
        const isThere = !/^(?:CREATE_(?:FAILED|IN_PROGRESS)|DELETE_|IMPORT_ROLLBACK)/.test(ResourceStatus);
        if (ResourceType === TABLE && isThere && PhysicalResourceId !== undefined) names.add(PhysicalResourceId);
      }
    }
  } catch (error) {
    const isAbsent = error instanceof CloudFormationServiceException && error.message.endsWith(' does not exist');
    if (!isAbsent) throw error;
  }
  return names;
}
