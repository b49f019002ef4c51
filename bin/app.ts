import '../infra/bundle.ts'; // first: it bundles while the CDK is loaded
import { join } from 'node:path';
import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import * as z from 'zod';
import { LaurelStack } from '../infra/laurel-stack.ts';
import { stageOf } from '../infra/stage.ts';

const Environment = z.object({
  LAUREL_STAGE: z.string().optional(),
  LAUREL_NEW_TABLES: z.string().optional(), // `bin/deploy.ts` knows which these are
  LAUREL_ALARM_TOPIC_ARN: z.string().optional(), // an SNS topic that is told of every alarm
  LAUREL_BASE_PATH: z // `/api`: every path is served behind it, too
    .union([z.literal(''), z.string().regex(/^(?:\/[a-z0-9-]+)+$/, 'LAUREL_BASE_PATH: expected a path such as /api')])
    .optional(),
  CDK_OUTDIR: z.string().default(join(import.meta.dirname, '..', 'cdk.out')),
});

const environment = Environment.parse(process.env);
const { LAUREL_STAGE, LAUREL_NEW_TABLES } = environment;
const { LAUREL_ALARM_TOPIC_ARN: alarmTopicArn, LAUREL_BASE_PATH: basePath, CDK_OUTDIR } = environment;
const app = new App({ outdir: CDK_OUTDIR });
const fromContext = z.string().optional().parse(app.node.tryGetContext('stage'));
const stage = stageOf(fromContext ?? LAUREL_STAGE ?? 'dev', LAUREL_NEW_TABLES);

new LaurelStack(app, stage, { alarmTopicArn, basePath });
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
const { directory, stacks } = app.synth();
console.log(
  `Wrote ${stacks.map(({ templateFile }) => templateFile).join(', ')} and the functions' bundles to ${directory}.`,
);
