import type { Command } from 'commander';
import * as z from 'zod';
import { callApi } from '../api.ts';
import { addOperation, type Runtime } from '../operation.ts';
import { EXIT } from '../outcome.ts';

const ExportPage = z.object({
  accountId: z.string(),
  items: z.array(z.looseObject({})),
  next: z.string().optional(),
});
const EXPORT = {
  usage: 'export <username>',
  summary: 'write all that is stored of an account as one JSON document to stdout',
  help: '  laurel users export ada > ada.json',
  input: { username: z.string() },
} as const;

/** Adds `users export`, and `export` as a short form. */
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
          const path = `/v1/users/${encodeURIComponent(username)}/export${query}`;
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
}
