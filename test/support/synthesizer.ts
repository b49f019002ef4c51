import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type MessagePort, parentPort } from 'node:worker_threads';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { LaurelStack, type LaurelStackOptions } from '../../infra/laurel-stack.ts';
import { type Limits, stageOf } from '../../infra/stage.ts';
import type { Resources } from './template.ts';

export type StackOptions = LaurelStackOptions & { readonly newTables?: string; readonly limits?: Limits };

export type Asked = { readonly stage: string; readonly options: StackOptions };
export type Synthesized = ReturnType<typeof synthesize>;

/** Nothing is bundled or copied, so this is fast. */
const synthesize = (stage: string, { newTables, limits, ...options }: StackOptions = {}) => {
  const outdir = mkdtempSync(join(tmpdir(), 'laurel-template-'));
  try {
    const context = { 'aws:cdk:bundling-stacks': [], 'aws:cdk:disable-asset-staging': true };
    const app = new App({ outdir, treeMetadata: false, context });
    const stack = new LaurelStack(app, stageOf(stage, newTables, limits), options);
    const template = Template.fromStack(stack).toJSON() as { readonly Resources: Resources };
    return { template, terminationProtection: stack.terminationProtection };
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
};

/** Synthesizes in a thread that `global-setup.ts` starts. Each request comes with the port for its answer. */
const made = new Map<string, string>();
parentPort?.on('message', ({ asked, port }: { readonly asked: string; readonly port: MessagePort }) => {
  try {
    const { stage, options } = JSON.parse(asked) as Asked;
    const text = made.get(asked) ?? JSON.stringify(synthesize(stage, options));
    made.set(asked, text);
    port.postMessage({ text });
  } catch (error) {
    port.postMessage({ error });
  }
});
