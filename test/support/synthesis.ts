import { inject } from 'vitest';
import type { Asked, StackOptions, Synthesized } from './synthesizer.ts';
import type { Resources } from './template.ts';

/** The longest possible name of a stage. */
const LONGEST_STAGE = 'a'.repeat(20);

const alarmTopicArn = 'arn:aws:sns:eu-west-1:123456789012:alarms';

/**
 * The template and whether the stack is protected. One thread synthesizes for all test files, because the CDK takes
 * seconds to load and is slow at first.
 */
export async function synthesize(stage: string, options: StackOptions = {}): Promise<Synthesized> {
  const body = JSON.stringify({ stage, options } satisfies Asked);
  const answer = await fetch(`${inject('services')}/template`, { method: 'POST', body });
  if (!answer.ok) throw new Error(await answer.text());
  return (await answer.json()) as Synthesized;
}

/** The stack's resources by logical id. */
export const resourcesOf = async (stage: string, options: StackOptions = {}): Promise<Resources> =>
  (await synthesize(stage, options)).template.Resources;

/**
 * The templates that can be deployed: each kind of stage with each option, and the longest name. `bin/app.ts` refuses
 * `prod` without an alarm topic unless the alarms are declared silent.
 */
export const everyTemplate = async () => {
  const stages = [
    ['local', {}],
    ['dev', {}],
    ['prod', { alarmTopicArn }],
    ['prod, with silent alarms', {}],
    ['prod, for the first time', { alarmTopicArn, newTables: 'all' }],
    ['prod, behind a path', { alarmTopicArn, basePath: '/api' }],
    ['prod, with a budget', { alarmTopicArn, accountConcurrency: 1_000, budgetDollars: 50 }],
    ['prod, with an address of Lambda', { alarmTopicArn, accountConcurrency: 1_000, ingestUrl: true }],
    ['prod, behind CloudFront', { alarmTopicArn, edge: {} }],
    [LONGEST_STAGE, {}],
  ] satisfies [string, StackOptions][];
  const templates = stages.map(async ([name, options]) => {
    const { template } = await synthesize(name.split(',')[0] ?? '', options);
    return [name, template] as const;
  });
  return Promise.all(templates);
};
