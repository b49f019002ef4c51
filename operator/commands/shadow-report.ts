import { InvokeCommand } from '@aws-sdk/client-lambda';
import type { Command } from 'commander';
import { ShadowReport } from '../../domain/grants/shadow-report.ts';
import { jsonOf } from '../api.ts';
import { addOperation, type Runtime } from '../operation.ts';
import { EXIT, OperatorError } from '../outcome.ts';
import { tableOf } from '../output.ts';

const HEAD = ['source', 'scores', 'ledger', 'yanked', 'reversed', 'not granted', 'not scored', 'flagged'];

/** Adds `shadow-report`. */
export function addShadowReportCommand(program: Command, runtime: Runtime): void {
  addOperation(program, runtime, {
    usage: 'shadow-report',
    summary: 'compare the scores with the ledger, for all users',
    help: `
Every difference is explained or flagged. Users with a line that cannot be read are listed separately. Exits with
${EXIT.found} if a user is flagged or listed.

  laurel shadow-report --stage prod
  laurel shadow-report --json | jq .flagged
`,
    input: {},
    async run({ connect, output }) {
      const connection = connect();
      const FunctionName = connection.functionName('shadow-report');
      const answer = await connection.lambda().send(new InvokeCommand({ FunctionName, Payload: '{}' }));
      const value = jsonOf(answer.Payload?.transformToString() ?? '');
      if (answer.FunctionError !== undefined) {
        throw new OperatorError('failed', `the shadow-report function failed: ${JSON.stringify(value)}`);
      }
      const report = ShadowReport.parse(value);
      const rows = report.sources.map(({ source, contributions, grants, explained, flagged }) => [
        source,
        contributions,
        grants,
        explained.yanked,
        explained.reversed,
        explained.notYetGranted,
        explained.notYetScored,
        flagged,
      ]);
      const text = [
        `${report.users} users`,
        tableOf(HEAD, rows),
        ...(report.flagged.length === 0
          ? ['Every difference is explained.']
          : ['These differences are not explained:']),
        ...report.flagged.map(({ username, source, difference }) => `- ${username}, ${source}: ${difference}`),
        ...(report.unreadable.length === 0 ? [] : ['These could not be compared:']),
        ...report.unreadable.map(({ username, error }) => `- ${username}: ${error}`),
      ];
      output.result(report, text.join('\n'));
      return report.ok ? EXIT.ok : EXIT.found;
    },
  });
}
