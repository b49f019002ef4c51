import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, describe, expect, it } from 'vitest';
import type { ConsistencyReport } from '../../domain/consistency-check/consistency-report.ts';
import { operatorProgram } from '../../operator/program.ts';

/** The command's handling of the function's answers. Another test runs both on the running stack. */
const lambda = mockClient(LambdaClient);
afterEach(() => lambda.reset());

const aReport = (change: Partial<ConsistencyReport> = {}): ConsistencyReport => ({
  sample: 'hour',
  checked: 3,
  different: 0,
  differences: [],
  unsettled: 1,
  remembered: 0,
  ofOtherRules: 1,
  complete: true,
  next: null,
  ok: true,
  ...change,
});
const aDifference = (username: string) => ({ username, what: 'balance', expected: 1, found: null });

const answering = (...reports: object[]) => {
  const asked = lambda.on(InvokeCommand);
  for (const report of reports) asked.resolvesOnce(anAnswer(report));
};
const anAnswer = (value: object): any => ({
  Payload: Object.assign(Buffer.from(''), { transformToString: () => JSON.stringify(value) }),
});
const events = () => lambda.commandCalls(InvokeCommand).map(({ args }) => JSON.parse(args[0].input.Payload as string));

async function run(command: string, args: readonly string[]) {
  const said: { result: any; text: string; code: number | null } = { result: null, text: '', code: null };
  const output = {
    note: () => undefined,
    result: (value: unknown, text: string) => void Object.assign(said, { result: value, text }),
  };
  const program = operatorProgram({
    output: output as any,
    environment: {},
    clock: () => 0,
    interruption: () => new AbortController().signal,
    end: (code) => void (said.code = code),
  });
  await program.parseAsync([command, '--stage', 'prod', ...args], { from: 'user' });
  return said;
}
const consistency = (...args: readonly string[]) => run('consistency', args);

describe('laurel consistency', () => {
  it('ends with 0 without a difference, and asks for the default sample', async () => {
    answering(aReport());

    expect(await consistency()).toMatchObject({ code: 0, result: aReport() });
    expect(events()).toEqual([{}]);
    const [call] = lambda.commandCalls(InvokeCommand);
    expect(call!.args[0].input.FunctionName).toBe('laurel-prod-check-conservation');
  });

  it('answers to its old name, conservation', async () => {
    answering(aReport());

    expect(await run('conservation', [])).toMatchObject({ code: 0, result: aReport() });
  });

  it('ends with 3 after a difference, and shows it', async () => {
    answering(aReport({ different: 1, differences: [aDifference('ada')], ok: false }));
    const { code, text } = await consistency();

    expect(code).toBe(3);
    expect(text).toMatch(/ada.*balance.*1.*nothing/u);
  });

  it('continues with --all until all users are checked, and keeps all differences', async () => {
    const all = { sample: 'all' as const };
    answering(
      aReport({ ...all, different: 1, differences: [aDifference('ada')], complete: false, next: 'there', ok: false }),
      aReport({ ...all, checked: 4, different: 1, differences: [aDifference('bob')], next: 'further', ok: false }),
      aReport({ ...all, checked: 5, remembered: 2 }),
    );
    const { code, result } = await consistency('--all');

    expect(events()).toEqual([{ sample: 'all' }, { sample: 'all', from: 'there' }, { sample: 'all', from: 'further' }]);
    expect(result).toEqual(
      aReport({
        ...all,
        checked: 12,
        different: 2,
        differences: [aDifference('ada'), aDifference('bob')],
        unsettled: 3,
        remembered: 2,
        ofOtherRules: 3,
        ok: false,
      }),
    );
    expect(code).toBe(3);
  });

  it('reports a time limit, users of whom only the ledger was compared, and that the alarm is on', async () => {
    answering(aReport({ complete: false, remembered: 2 }));

    expect((await consistency()).text).toMatch(
      /alarm is on: 2 users[^]*1 have scores of other rules[^]*time limit was reached/u,
    );
  });

  it('sends usernames, and how long a difference must last', async () => {
    answering(aReport({ sample: 'named' }));
    await consistency('--usernames', 'ada, bob', '--standing', '0');

    expect(events()).toEqual([{ usernames: ['ada', 'bob'], standingSeconds: 0 }]);
  });

  it.each([
    [['--all', '--usernames', 'ada']],
    [['--usernames', 'no name']],
    [['--standing', '481']],
    [['--standing', 'soon']],
  ])('refuses %j before it calls the function', async (args) => {
    answering(aReport());
    await expect(consistency(...args)).rejects.toMatchObject({ code: 'usage', exitCode: 2 });

    expect(events()).toEqual([]);
  });

  it('fails if the function fails, with its message', async () => {
    const failure = { errorType: 'InvalidEvent', errorMessage: 'from: expected the next of an earlier answer' };
    lambda.on(InvokeCommand).resolvesOnce({ ...anAnswer(failure), FunctionError: 'Unhandled' });

    await expect(consistency()).rejects.toMatchObject({
      name: 'OperatorError',
      exitCode: 1,
      message: expect.stringContaining('earlier answer'),
    });
  });
});
