import { type Command, Option } from 'commander';
import * as z from 'zod';
import { Username } from '../../domain/identity/username.ts';
import { callApi } from '../api.ts';
import { addOperation, type Runtime } from '../operation.ts';
import { EXIT, OperatorError } from '../outcome.ts';
import { addLinkLoginsCommand } from './link-logins.ts';

const ExportPage = z.object({
  accountId: z.string(),
  items: z.array(z.looseObject({})),
  next: z.string().optional(),
});
const EXPORT = {
  usage: 'export <username>',
  summary: 'write all that is stored of an account as one JSON document to stdout',
  help: '  laurel users export ada > ada.json',
  input: { username: Username },
} as const;

const Renamed = z.object({ accountId: z.string(), username: z.string(), previous: z.string() });
const Erasing = z.object({ accountId: z.string(), status: z.literal('erasing'), note: z.string() });
const Merged = z.object({ accountId: z.string(), into: z.string().optional() });

/** Adds `users export | rename | merge | unmerge | link-logins | erase`, and `export` as a short form. */
export function addUserCommands(program: Command, runtime: Runtime): void {
  const users = program.command('users').description('what concerns one account');
  for (const parent of [users, program]) {
    addOperation(parent, runtime, {
      ...EXPORT,
      async run({ connect, output }, { username }) {
        const http = connect().http();
        const items: z.infer<typeof ExportPage>['items'] = [];
        let [accountId, cursor]: [string, string | undefined] = ['', undefined];
        do {
          const query = cursor === undefined ? '' : `?cursor=${encodeURIComponent(cursor)}`;
          const path = `/v1/users/${username}/export${query}`;
          const page: z.infer<typeof ExportPage> = await callApi(http, { method: 'GET', path, answer: ExportPage });
          items.push(...page.items);
          [accountId, cursor] = [page.accountId, page.next];
          output.note(`${items.length} items${cursor === undefined ? '.' : ' so far'}`);
        } while (cursor !== undefined);
        const whole = { accountId, items };
        output.result(whole, JSON.stringify(whole, null, 2));
        return EXIT.ok;
      },
    });
  }

  addOperation(users, runtime, {
    usage: 'rename <username> <to>',
    summary: 'give a user another name; the old one stays reserved for 90 days',
    help: `
  laurel users rename ada ada-lovelace
`,
    input: { username: Username, to: Username },
    async run({ connect, output }, { username, to }) {
      const path = `/v1/users/${username}/rename`;
      const renamed = await callApi(connect().http(), { method: 'POST', path, body: { to }, answer: Renamed });
      output.result(renamed, `${renamed.accountId}: ${renamed.previous} is ${renamed.username} now`);
      return EXIT.ok;
    },
  });

  addOperation(users, runtime, {
    usage: 'merge <username> <into>',
    summary: 'show a user as part of another one, as if all had been done by that one',
    help: `
  laurel users merge ada-old ada
`,
    input: { username: Username, into: Username },
    async run({ connect, output }, { username, into }) {
      const path = `/v1/users/${username}/merge`;
      const merged = await callApi(connect().http(), { method: 'POST', path, body: { into }, answer: Merged });
      output.result(merged, `${username} answers as ${into} now`);
      return EXIT.ok;
    },
  });

  addOperation(users, runtime, {
    usage: 'unmerge <username>',
    summary: 'undo a merge',
    help: `
  laurel users unmerge ada-old
`,
    input: { username: Username },
    async run({ connect, output }, { username }) {
      const path = `/v1/users/${username}/unmerge`;
      const unmerged = await callApi(connect().http(), { method: 'POST', path, answer: Merged });
      output.result(unmerged, `${username} answers by itself again`);
      return EXIT.ok;
    },
  });

  addLinkLoginsCommand(users, runtime);

  addOperation(users, runtime, {
    usage: 'erase <username>',
    summary: 'erase a user, and all who are merged into it; nothing brings it back',
    options: [new Option('--yes', 'do not ask for confirmation at a terminal')],
    help: `
Its name and its keys are gone at once; a job removes what else is stored of it. Extensions stay published under
their names. To keep a copy: laurel users export ada > ada.json

  laurel users erase ada
`,
    input: { username: Username, yes: z.boolean().default(false) },
    async run({ connect, output }, { username, yes }) {
      const http = connect().http();
      if (!yes && !(await output.confirm(`Erase ${username} for ever?`))) {
        throw new OperatorError('declined', 'nothing was erased');
      }
      const path = `/v1/users/${username}`;
      const asked = { method: 'DELETE', path, body: { confirm: username }, answer: Erasing } as const;
      const erasing = await callApi(http, { ...asked, repeatable: false }); // a second one would not find it
      output.result(erasing, `${username} is being erased: ${erasing.accountId}. ${erasing.note}`);
      return EXIT.ok;
    },
  });
}
