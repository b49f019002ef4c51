import { InvokeCommand } from '@aws-sdk/client-lambda';
import { type Command, Option } from 'commander';
import * as z from 'zod';
import { LONGEST_STANDING_SECONDS } from '../../domain/consistency-check/consistency-event.ts';
import { ConsistencyReport } from '../../domain/consistency-check/consistency-report.ts';
import { Username } from '../../domain/identity/username.ts';
import { jsonOf } from '../api.ts';
import type { Connection } from '../connection.ts';
import { addOperation, commaList, type Runtime, wholeNumber } from '../operation.ts';
import { EXIT, OperatorError, usageError } from '../outcome.ts';
import { tableOf } from '../output.ts';

const HEAD = ['username', 'what', 'expected', 'found'];
const MAX_SHOWN = 100;

/** Adds `consistency`. */
export function addConsistencyCommand(program: Command, runtime: Runtime): void {
  addOperation(program, runtime, {
    usage: 'consistency',
    alias: 'conservation', // its name before, which scripts may use
    summary: 'compare what was accepted with what is folded, and what was granted with what is balanced',
    options: [
      new Option('--all', "every user, instead of this hour's sample"),
      new Option('--usernames <a,b>', 'just these'),
      new Option(
        '--standing <seconds>',
        'how long a difference must last to be one, whatever is still queued; sets off no alarm',
      ),
    ],
    help: `
Reads facts, lines and what was made of them, and changes none of it. A difference counts if it lasts for two minutes while
nothing is queued and no stream is late, or for eight minutes. Then the alarm goes off, and every run looks at that user again,
until one finds the user right: this command does that, too. Exits with ${EXIT.found} if there is a difference.

  laurel consistency --all --stage prod
  laurel consistency --usernames ada,grace
  laurel consistency --standing 0                  on a stack that nobody is writing to
  laurel consistency --json | jq .differences
`,
    input: {
      all: z.literal(true).optional(),
      usernames: commaList.pipe(z.array(Username)).optional(),
      standing: wholeNumber(0, LONGEST_STANDING_SECONDS).optional(),
    },
    async run({ connect, output }, { all, usernames, standing }) {
      if (all === true && usernames !== undefined) throw usageError('choose one of --all and --usernames');
      const connection = connect();
      const event = {
        ...(all === true ? { sample: 'all' } : {}),
        ...(usernames === undefined ? {} : { usernames }),
        ...(standing === undefined ? {} : { standingSeconds: standing }),
      };
      let report = await invoke(connection, event);
      while (report.next !== null) {
        output.note(`${report.checked} users so far`);
        report = together(report, await invoke(connection, { ...event, from: report.next }));
      }
      const rows = report.differences.map(({ username, what, expected, found }) => [
        username,
        what,
        expected ?? 'nothing',
        found ?? 'nothing',
      ]);
      const text = [
        `${report.checked} users compared, ${report.different} with a difference, ${report.unsettled} still changing`,
        ...(report.remembered !== null && report.remembered > 0
          ? [`The alarm is on: ${report.remembered} users differ, found now or before, and were not found right since.`]
          : []),
        ...(report.ofOtherRules > 0 ? [`${report.ofOtherRules} are of other rules: their ledger alone`] : []),
        ...(report.complete ? [] : ['The time was up before all of the sample were compared.']),
        ...(rows.length > 0 ? [tableOf(HEAD, rows)] : []),
      ];
      output.result(report, text.join('\n'));
      return report.ok ? EXIT.ok : EXIT.found;
    },
  });
}

async function invoke(connection: Connection, event: object): Promise<ConsistencyReport> {
  const FunctionName = connection.functionName('check-conservation');
  const command = new InvokeCommand({ FunctionName, Payload: JSON.stringify(event) });
  const answer = await connection.lambda().send(command);
  const value = jsonOf(answer.Payload?.transformToString() ?? '');
  if (answer.FunctionError !== undefined) {
    throw new OperatorError('failed', `the check-conservation function failed: ${JSON.stringify(value)}`);
  }
  return ConsistencyReport.parse(value);
}

/** One report of two invocations: the second one goes on where the first one stopped. */
const together = (first: ConsistencyReport, second: ConsistencyReport): ConsistencyReport => ({
  ...second,
  checked: first.checked + second.checked,
  different: first.different + second.different,
  differences: [...first.differences, ...second.differences].slice(0, MAX_SHOWN),
  unsettled: first.unsettled + second.unsettled,
  remembered: second.remembered,
  ofOtherRules: first.ofOtherRules + second.ofOtherRules,
  ok: first.ok && second.ok,
});
