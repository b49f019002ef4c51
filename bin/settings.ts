/**
 * What the environment sets for a stage. Import it before the CDK: a wrong setting is refused in one sentence at once,
 * before anything is bundled.
 */
import { join } from 'node:path';
import * as z from 'zod';
import type { LaurelStackOptions } from '../infra/laurel-stack.ts';
import { EDGE_REGION, LEAST_TO_RESERVE, Limits, StageName, stageOf, WRONG_REGION } from '../infra/stage.ts';

const unlessEmpty = <Schema extends z.ZodType>(schema: Schema) =>
  z.preprocess((value) => (value === '' ? undefined : value), schema.optional());

const Environment = z.object({
  LAUREL_STAGE: unlessEmpty(StageName),
  LAUREL_NEW_TABLES: z.string().optional(), // the new tables, set by `bin/deploy.ts`
  /** The SNS topic that receives every alarm. */
  LAUREL_ALARM_TOPIC_ARN: unlessEmpty(
    z.string().regex(/^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]+$/, 'expected the ARN of an SNS topic'),
  ),
  /** A prefix such as `/api`: every path is also served under it. */
  LAUREL_BASE_PATH: unlessEmpty(z.string().regex(/^(?:\/[a-z0-9-]+)+$/, 'expected a path such as /api')),
  /** Such as `writes=200 tableWrites=8000`: what strangers can cause at most. */
  LAUREL_LIMITS: z
    .string()
    .default('')
    .transform((text): unknown =>
      Object.fromEntries(
        text
          .split(/[\s,]+/u)
          .filter(Boolean)
          .map((pair) => pair.split('=')),
      ),
    )
    .pipe(Limits),
  /** US dollars a month. The topic gets a message at 80 %, and if the forecast is above it. */
  LAUREL_BUDGET_USD: unlessEmpty(
    z
      .string()
      .regex(/^[1-9]\d{0,6}$/, 'expected a whole number of US dollars a month')
      .transform(Number),
  ),
  LAUREL_ALARMS: unlessEmpty(z.literal('silent', 'expected silent, or nothing')),
  /** The result of `aws lambda get-account-settings`. A new account may start with 10. */
  LAUREL_ACCOUNT_CONCURRENCY: unlessEmpty(
    z
      .string()
      .regex(/^[1-9]\d{0,6}$/, 'expected a whole number: the concurrent invocations that the account may have')
      .transform(Number),
  ),
  /** CloudFront and a limit for each address in front of the API. */
  LAUREL_EDGE: unlessEmpty(z.literal('on', 'expected on, or nothing')),
  /** A web ACL for CloudFront, for stacks outside us-east-1. */
  LAUREL_EDGE_WEB_ACL_ARN: unlessEmpty(
    z
      .string()
      .regex(
        /^arn:aws:wafv2:us-east-1:\d{12}:global\/webacl\/[\w-]+\/[\w-]+$/,
        'expected the ARN of a global web ACL, which is in us-east-1',
      ),
  ),
  /** An address of Lambda for `/ingest`, around the gateway. */
  LAUREL_INGEST_URL: unlessEmpty(z.literal('on', 'expected on, or nothing')),
  CDK_DEFAULT_REGION: unlessEmpty(z.string()), // set by `cdk` from the profile
  AWS_REGION: unlessEmpty(z.string()),
  AWS_DEFAULT_REGION: unlessEmpty(z.string()),
  CDK_OUTDIR: z.string().default(join(import.meta.dirname, '..', 'cdk.out')),
});

function refuse(sentence: string): never {
  console.error(sentence);
  process.exit(1);
}

const { data: environment, error } = Environment.safeParse(process.env);
if (environment === undefined) {
  refuse(error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '));
}

const { LAUREL_STAGE, LAUREL_NEW_TABLES, LAUREL_ALARMS } = environment;
const { LAUREL_ALARM_TOPIC_ARN: alarmTopicArn, LAUREL_BASE_PATH: basePath } = environment;
// `cdk synth --context stage=test` passes it here.
const context = z.object({ stage: z.unknown().optional() }).parse(JSON.parse(process.env.CDK_CONTEXT_JSON ?? '{}'));
const chosen = StageName.safeParse(context.stage ?? LAUREL_STAGE ?? 'dev');
if (!chosen.success) refuse(`stage: ${chosen.error.issues[0]?.message}`);
export const stage = stageOf(chosen.data, LAUREL_NEW_TABLES, environment.LAUREL_LIMITS);
if (stage.name === 'prod' && alarmTopicArn === undefined && LAUREL_ALARMS !== 'silent') {
  refuse(
    'The alarms of prod would reach nobody: name an SNS topic in LAUREL_ALARM_TOPIC_ARN, or set LAUREL_ALARMS=silent to deploy without one',
  );
}

const { LAUREL_EDGE, LAUREL_EDGE_WEB_ACL_ARN: webAclArn } = environment;
if (webAclArn !== undefined && LAUREL_EDGE === undefined) {
  refuse('LAUREL_EDGE_WEB_ACL_ARN: expected LAUREL_EDGE=on as well, or neither of the two');
}
const region =
  environment.CDK_DEFAULT_REGION ?? environment.AWS_REGION ?? environment.AWS_DEFAULT_REGION ?? EDGE_REGION;
if (LAUREL_EDGE === 'on' && webAclArn === undefined && region !== EDGE_REGION) refuse(WRONG_REGION);

const { LAUREL_INGEST_URL, LAUREL_ACCOUNT_CONCURRENCY: accountConcurrency } = environment;
if (LAUREL_INGEST_URL === 'on' && LAUREL_EDGE === 'on') {
  refuse(
    'LAUREL_INGEST_URL: expected LAUREL_EDGE to be off, because requests to that address do not come through the edge',
  );
}
if (LAUREL_INGEST_URL === 'on' && (accountConcurrency ?? 0) < LEAST_TO_RESERVE) {
  refuse(
    `LAUREL_INGEST_URL: expected LAUREL_ACCOUNT_CONCURRENCY as well, from ${LEAST_TO_RESERVE} on: reserved invocations are the only limit of that address`,
  );
}

export const options: LaurelStackOptions = {
  alarmTopicArn,
  basePath,
  accountConcurrency,
  budgetDollars: environment.LAUREL_BUDGET_USD,
  edge: LAUREL_EDGE === undefined ? undefined : { webAclArn },
  ingestUrl: LAUREL_INGEST_URL === 'on',
};
export const outdir = environment.CDK_OUTDIR;
