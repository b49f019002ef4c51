import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { LaurelStack, type LaurelStackOptions } from '../../infra/laurel-stack.ts';
import { type Limits, stageOf } from '../../infra/stage.ts';
import type { Resources } from './template.ts';

/** The longest possible name of a stage. */
const LONGEST_STAGE = 'a'.repeat(20);

const alarmTopicArn = 'arn:aws:sns:eu-west-1:123456789012:alarms';

type StackOptions = LaurelStackOptions & { readonly newTables?: string; readonly limits?: Limits };

/** The template and the stack's messages. Nothing is bundled or copied, so this is fast. */
export const synthesize = (stage: string, { newTables, limits, ...options }: StackOptions = {}) => {
  const outdir = mkdtempSync(join(tmpdir(), 'laurel-template-'));
  try {
    const app = new App({ outdir, context: { 'aws:cdk:bundling-stacks': [], 'aws:cdk:disable-asset-staging': true } });
    const stack = new LaurelStack(app, stageOf(stage, newTables, limits), options);
    const template = Template.fromStack(stack).toJSON() as { readonly Resources: Resources };
    return { template, terminationProtection: stack.terminationProtection };
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
};

/** The stack's resources by logical id. */
export const resourcesOf = (stage: string, options: StackOptions = {}): Resources =>
  synthesize(stage, options).template.Resources;

/**
 * The templates that can be deployed: each kind of stage with each option, and the longest name. `bin/app.ts` refuses
 * `prod` without an alarm topic unless the alarms are declared silent.
 */
export const everyTemplate = () =>
  (
    [
      ['local', {}],
      ['dev', {}],
      ['prod', { alarmTopicArn }],
      ['prod, with silent alarms', {}],
      ['prod, for the first time', { alarmTopicArn, newTables: 'all' }],
      ['prod, behind a path', { alarmTopicArn, basePath: '/api' }],
      ['prod, with a budget', { alarmTopicArn, accountConcurrency: 1_000, budgetDollars: 50 }],
      ['prod, behind CloudFront', { alarmTopicArn, edge: {} }],
      [LONGEST_STAGE, {}],
    ] satisfies [string, StackOptions][]
  ).map(([name, options]) => [name, synthesize(name.split(',')[0] ?? '', options).template] as const);
