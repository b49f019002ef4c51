import { type Command, Option } from 'commander';
import * as z from 'zod';
import { AuditView } from '../../domain/grants/audit.ts';
import { GrantedView } from '../../domain/grants/views.ts';
import { Username } from '../../domain/identity/username.ts';
import { callApi } from '../api.ts';
import type { HttpAccess } from '../connection.ts';
import { addOperation, type Runtime, wholeNumber } from '../operation.ts';
import { EXIT } from '../outcome.ts';
import { tableOf } from '../output.ts';

const reason = new Option('--reason <text>', 'the reason, for the ledger').makeOptionMandatory();

const grantText = ({ grantId, balance, grantedAt, replayed }: z.infer<typeof GrantedView>): string =>
  `${grantId}: ${replayed === true ? 'given before,' : 'given'} at ${grantedAt}; the balance after it was ${balance}`;

/** Adds `award`, `reverse` and `audit`. */
export function addLedgerCommands(program: Command, runtime: Runtime): void {
  addOperation(program, runtime, {
    usage: 'award <username> <points>',
    summary: 'give points to a user, once per --id',
    options: [
      new Option('--id <award-id>', 'the id of the award: the same id is granted only once').makeOptionMandatory(),
      reason,
      new Option('--granted-by <name>', 'who gives the award; by default the label of the key'),
    ],
    help: `
  laurel award ada 50 --id hackathon-2026-ada --reason 'Won the hackathon'
`,
    input: {
      username: Username,
      points: wholeNumber(1, 100_000),
      id: z.string(),
      reason: z.string(),
      grantedBy: z.string().optional(),
    },
    async run({ connect, output }, { id, ...award }) {
      const body = { awardId: id, ...award };
      const granted = await callApi(connect().http(), {
        method: 'POST',
        path: '/v1/awards',
        body,
        answer: GrantedView,
      });
      output.result(granted, grantText(granted));
      return EXIT.ok;
    },
  });

  addOperation(program, runtime, {
    usage: 'reverse <grant-id>',
    summary: 'reverse a grant, once, with a new line',
    options: [reason],
    help: `
GET /v1/scores/{username}/grants lists grants and their ids. The ledger is append-only: no line is changed or removed.

  laurel reverse award:hackathon-2026-ada --reason 'Was given to the wrong account'
`,
    input: { grantId: z.string(), reason: z.string() },
    async run({ connect, output }, body) {
      const path = '/v1/grants/reverse'; // an id may hold what a path cannot carry
      const granted = await callApi(connect().http(), { method: 'POST', path, body, answer: GrantedView });
      output.result(granted, grantText(granted));
      return EXIT.ok;
    },
  });

  addOperation(program, runtime, {
    usage: 'audit <username>',
    summary: "verify a user's balance: recompute it now from every line of the ledger",
    help: `
Exits with ${EXIT.found} if something is wrong: a changed line, a missing line, or a wrong total.

  laurel audit ada
  laurel audit ada --json | jq .problems
`,
    input: { username: Username },
    async run({ connect, output }, { username }) {
      const audit = await auditAll(connect().http(), username);
      const rows = Object.entries(audit.sourceTotals).map(([source, points]) => [source, points]);
      const text = [
        `${audit.username}: ${audit.grants} grants, their sum ${audit.sum}, the balance ${audit.balance}`,
        ...(rows.length === 0 ? [] : [tableOf(['source', 'points'], rows)]),
        ...(audit.ok
          ? ['It adds up.']
          : ['It does not add up:', ...audit.problems.map(({ code, error }) => `- ${code}: ${error}`)]),
      ];
      output.result(audit, text.join('\n'));
      return audit.ok ? EXIT.ok : EXIT.found;
    },
  });
}

/** Repeats the audit while there are more lines than one request covers, and merges sums and problems. */
async function auditAll(http: HttpAccess, username: Username): Promise<AuditView> {
  const path = `/v1/scores/${username}/audit`;
  let all = await callApi(http, { method: 'GET', path, answer: AuditView });
  for (let { next } = all; next !== undefined;) {
    const more = await callApi(http, { method: 'GET', path: `${path}?from=${next}`, answer: AuditView });
    all = {
      ...more,
      grants: all.grants + more.grants,
      sum: all.sum + more.sum,
      categoryTotals: plus(all.categoryTotals, more.categoryTotals),
      sourceTotals: plus(all.sourceTotals, more.sourceTotals),
      ok: all.ok && more.ok,
      problems: [...all.problems, ...more.problems],
    };
    next = more.next;
  }
  return all;
}

type Totals = Readonly<Record<string, number>>;
const plus = (a: Totals, b: Totals): Record<string, number> =>
  Object.fromEntries(
    [...new Set([...Object.keys(a), ...Object.keys(b)])].map((name) => [name, (a[name] ?? 0) + (b[name] ?? 0)]),
  );
