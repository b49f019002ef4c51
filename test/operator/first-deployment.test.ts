import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ofType } from '../support/template.ts';
import { functions, queues, resources, tables } from '../infra/template-under-test.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const page = readFileSync(join(ROOT, 'docs', 'operating', 'first-deployment.md'), 'utf8');
const steps = [...page.matchAll(/^\*\*(\d+)\. [\s\S]*?```sh\n([\s\S]*?)```\n\n(Expect [\s\S]*?)\n\n/gmu)].map(
  ([, number, command = '', answer = '']) => ({
    number: Number(number),
    command,
    /** The expected output: the words in code of the first sentence. */
    expected: [...(answer.split(/[:.;] /u)[0] ?? '').matchAll(/`([^`]+)`/gu)].map(([, code = '']) => code),
  }),
);

describe('the checklist of the first deployment', () => {
  it('has twenty commands, each with its answer', () => {
    expect(steps.map(({ number }) => number)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
  });

  it('names only existing functions, tables, queues and logs', () => {
    const named = [...page.matchAll(/laurel-\$stage-([\w-]+)/gu)].map(([, role]) => role);
    const logs = ofType(resources, 'AWS::Logs::LogGroup').map(([, { Properties }]) => Properties.LogGroupName);

    const known = ['api', 'schedules', ...functions.keys(), ...tables.keys(), ...queues.keys()];
    expect(known).toEqual(expect.arrayContaining(named));
    for (const [, alarm = ''] of page.matchAll(/Laurel-\$stage-(\w+)/gu)) {
      expect(Object.keys(resources).some((id) => id.startsWith(alarm))).toBe(true);
    }
    expect(logs).toContain('/aws/apigateway/laurel-local-api');
  });

  it('has the same numbers of streams, schedules and concurrent invocations as the template', () => {
    const mappings = ofType(resources, 'AWS::Lambda::EventSourceMapping').map(([, { Properties }]) => Properties);
    const atOnce = mappings.reduce((sum, { ScalingConfig }) => sum + (ScalingConfig?.MaximumConcurrency ?? 0), 0);

    expect(mappings.filter(({ StartingPosition }) => StartingPosition !== undefined)).toHaveLength(4);
    expect(ofType(resources, 'AWS::Scheduler::Schedule')).toHaveLength(5);
    expect(page).toContain(`the queues alone can use ${atOnce} at once`);
  });
});

describe('its commands that need no AWS account', () => {
  let stack: TestStack;
  beforeAll(async () => {
    stack = await startTestStack();
    stack.publish();
  });
  afterAll(() => stack.stop());

  it('give the expected answers on the local stack', async () => {
    const here = steps
      .map((step) => ({ ...step, command: step.command.replaceAll(/^url=.*\n/gmu, '') })) // the local stack has its own
      .filter(({ command }) => /^(?:curl|admin=|made=|event=|echo|sleep|laurel)/u.test(command));
    const script = here
      .map(({ number, command }) => `echo; echo "== ${number}"\n${command}`)
      .join('\n')
      .replaceAll('--stage $stage', `--local ${stack.dataDirectory}`)
      .replaceAll(/^sleep \d+$/gmu, 'until curl -sf $url/v1/scores/deploy-check > /dev/null; do sleep 0.2; done');
    const env = { ...process.env, PATH: `${join(ROOT, 'bin')}:${process.env.PATH}`, url: stack.baseUrl };
    const { stdout } = await promisify(execFile)('bash', ['-c', script], { env });

    expect(here.map(({ number }) => number)).toEqual([9, 10, 11, 12, 13, 14, 15, 16, 17, 19]);
    for (const { number, expected } of here) {
      const answer = stdout.split(`== ${number}\n`)[1]?.split('\n== ')[0];
      expect(expected, `${number}`).not.toEqual([]);
      for (const word of expected) expect(answer, `${number}`).toContain(word);
    }
  });
});
