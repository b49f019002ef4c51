import { type Command, Option } from 'commander';
import * as z from 'zod';
import { LONGEST_STANDING_SECONDS } from '../../domain/consistency-check/consistency-event.ts';
import { ConsistencyReport } from '../../domain/consistency-check/consistency-report.ts';
import { Username } from '../../domain/identity/username.ts';
import { invoke } from '../invoke.ts';
import { addOperation, commaList, type Runtime, wholeNumber } from '../operation.ts';
import { EXIT, usageError } from '../outcome.ts';
import { tableOf } from '../output.ts';

const HEAD = ['username', 'what', 'expected', 'found'];
const MAX_SHOWN = 100;

/** Adds `consistency`. */
export function addConsistencyCommand(program: Command, runtime: Runtime): void {
  addOperation(program, runtime, {
    usage: 'consistency',
    alias: 'conservation', // its old name, which scripts may use
    summary: 'compare metrics and scores with the facts, and balances with the ledger',
    options: [
      new Option('--all', "every user, instead of this hour's sample"),
      new Option('--usernames <a,b>', 'just these'),
      new Option(
        '--standing <seconds>',
        'report a difference once it has lasted this long, even if work is queued; sets off no alarm',
      ),
    ],
    help: `
Folds the facts and adds up the ledger, compares the results with the stored items, and changes none of them. A difference
is reported if it lasts for two minutes while nothing is queued and no stream is late, or for eight minutes. Then the alarm
goes off, and every run checks that user again until the user is right. A run of this command does so, too. Exits with
${EXIT.found} if there is a difference.

  laurel consistency --all --stage prod
  laurel consistency --usernames ada,grace
  laurel consistency --standing 0                  on a stack without traffic
  laurel consistency --json | jq .differences
`,
    input: {
      all: z.literal(true).optional(),
      usernames: commaList.pipe(z.array(Username)).optional(),
      standing: wholeNumber(0, LONGEST_STANDING_SECONDS).optional(),
    },
    async run({ connect, output }, { all, usernames, standing }) {
      if (all === true && usernames !== undefined) throw usageError('choose either --all or --usernames');
      const connection = connect();
      const event = {
        ...(all === true ? { sample: 'all' } : {}),
        ...(usernames === undefined ? {} : { usernames }),
        ...(standing === undefined ? {} : { standingSeconds: standing }),
      };
      const check = async (asked: object) =>
        ConsistencyReport.parse(await invoke(connection, 'check-conservation', asked));
      let report = await check(event);
      while (report.next !== null) {
        output.note(`${report.checked} users so far`);
        report = together(report, await check({ ...event, from: report.next }));
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
          ? [
              `The alarm is on: ${report.remembered} users were found different, now or before, and not found right since.`,
            ]
          : []),
        ...(report.ofOtherRules > 0
          ? [`${report.ofOtherRules} have scores of other rules: only their ledger was compared`]
          : []),
        ...(report.complete ? [] : ['The time limit was reached before the whole sample was compared.']),
        ...(rows.length > 0 ? [tableOf(HEAD, rows)] : []),
      ];
      output.result(report, text.join('\n'));
      return report.ok ? EXIT.ok : EXIT.found;
    },
  });
}

/** Merges the reports of two invocations. The second one continued where the first one stopped. */
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
