import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { LaurelStack } from '../../infra/laurel-stack.ts';
import { stageOf } from '../../infra/stage.ts';
import type { Resources } from './template.ts';

/** The stack's resources by logical id; the bundler does not run, so this takes no time. */
export const resourcesOf = (stage: string, options: { readonly alarmTopicArn?: string } = {}): Resources => {
  const outdir = mkdtempSync(join(tmpdir(), 'laurel-template-'));
  try {
    const app = new App({ outdir, context: { 'aws:cdk:bundling-stacks': [] } });
    const stack = new LaurelStack(app, stageOf(stage), options);
    return Template.fromStack(stack).toJSON().Resources as Resources;
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
};
