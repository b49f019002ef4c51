import type { Command } from 'commander';
import { ShadowReport, together } from '../../domain/grants/shadow-report.ts';
import { invoke } from '../invoke.ts';
import { addOperation, type Runtime } from '../operation.ts';
import { EXIT } from '../outcome.ts';
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
      const part = async (event: object) => ShadowReport.parse(await invoke(connection, 'shadow-report', event));
      let report = await part({});
      while (report.next !== null) {
        output.note(`${report.users} users so far`);
        report = together(report, await part({ from: report.next }));
      }
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
