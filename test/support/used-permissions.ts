import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ObservedCall } from '../../local/proxy/aws-proxy.ts';
import { byRole, grantsOf, type Resources } from './template.ts';

/** One thing that a function may do: `refresh-score`, `dynamodb:Query`, `telemetry`. */
export type Permission = { readonly role: string; readonly action: string; readonly target: string };

export const textOf = ({ role, action, target }: Permission): string => `${role} ${action} ${target}`;

/** Where the processes of a run note what their functions were allowed; unset where nobody asks. */
const DIRECTORY = 'LAUREL_TEST_PERMISSIONS';

/**
 * What the Lambda service does in a function's name, of which the local stack does only a part, and what only a failure
 * would use. Each with the reason why no test can.
 */
export const EXCEPTIONS: readonly { readonly of: RegExp; readonly because: string }[] = [
  { of: / logs:(CreateLogStream|PutLogEvents) /u, because: 'Lambda writes the log' },
  { of: / sqs:GetQueueAttributes /u, because: "Lambda's poller looks at the queue, the local one does not" },
  { of: / dynamodb:ListStreams /u, because: 'Lambda asks for it before it creates the mapping, and nobody calls it' },
  {
    of: /^announce-changes sqs:SendMessage announce-changes-failures$/u,
    because: "Lambda's poller leaves there what the function gave up; shown on a stack of its own (stream-source.test)",
  },
];

/** `arn:aws:dynamodb:…:table/laurel-local-telemetry/index/byHour` as `telemetry/index/byHour`. */
export function targetOfArn(arn: string): string {
  const [, , service, , , ...rest] = arn.split(':');
  const name = rest.join(':').replace(/^(?:table\/|function:)/u, '');
  const target = name.replace(/^laurel-[^-]+-/u, '');
  return service === 'dynamodb' ? target.replace(/\/stream\/.*$/u, '.StreamArn') : target;
}

const noted = new Set<string>();

/** Notes what a function was allowed, once a process. */
export function notePermissions({ caller, accesses, status }: ObservedCall): void {
  const directory = process.env[DIRECTORY];
  if (directory === undefined || status >= 300) return;
  for (const { action, resource } of accesses) {
    const permission = textOf({ role: caller, action, target: targetOfArn(resource) });
    if (noted.has(permission)) continue;
    noted.add(permission);
    appendFileSync(join(directory, `${process.pid}`), `${permission}\n`);
  }
}

/** All that the functions of a template may do. */
export function grantedBy(resources: Resources): readonly Permission[] {
  const roles = [...byRole(resources, 'AWS::Lambda::Function').keys()].filter((role) => role !== undefined);
  return roles.flatMap((role) =>
    Object.entries(grantsOf(resources, role)).flatMap(([target, actions]) =>
      actions.map((action) => ({ role, action, target: target.replace(/^Allow /u, '') })),
    ),
  );
}

/** What is granted and was not used, without what nobody could use. */
export const unusedOf = (granted: readonly Permission[], used: ReadonlySet<string>): readonly string[] =>
  granted
    .map(textOf)
    .filter((permission) => !used.has(permission) && !EXCEPTIONS.some(({ of }) => of.test(permission)))
    .sort();

/** Has all processes that are started from now on note what they use. */
export function collectPermissions() {
  const directory = mkdtempSync(join(tmpdir(), 'laurel-permissions-'));
  process.env[DIRECTORY] = directory;
  return {
    used: (): ReadonlySet<string> =>
      new Set(readdirSync(directory).flatMap((file) => readFileSync(join(directory, file), 'utf8').trim().split('\n'))),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
