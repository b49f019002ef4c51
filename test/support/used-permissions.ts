import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Access } from '../../local/proxy/policy.ts';
import { byRole, grantsOf, type Resources } from './template.ts';

/** One permission of a function: `refresh-score`, `dynamodb:Query`, `telemetry`. */
export type Permission = { readonly role: string; readonly action: string; readonly target: string };

export const textOf = ({ role, action, target }: Permission): string => `${role} ${action} ${target}`;

/**
 * The variable with the directory in which the processes of a run record used permissions. Unset if nothing collects
 * them.
 */
const DIRECTORY = 'LAUREL_TEST_PERMISSIONS';

/**
 * Permissions that Lambda itself uses in a function's name, of which the local stack uses only some, and permissions
 * that only a failure uses. Each has the reason why no test can use it.
 */
export const EXCEPTIONS: readonly { readonly of: RegExp; readonly because: string }[] = [
  { of: / logs:(CreateLogStream|PutLogEvents) /u, because: 'Lambda writes the log' },
  { of: / sqs:GetQueueAttributes /u, because: "Lambda's poller looks at the queue, the local one does not" },
  { of: / dynamodb:ListStreams /u, because: 'Lambda asks for it before it creates the mapping, and nobody calls it' },
  {
    of: /^announce-changes sqs:SendMessage announce-changes-failures$/u,
    because: "Lambda's poller leaves there what the function gave up; shown on a stack of its own (stream-source.test)",
  },
  {
    of: /^link-logins dynamodb:GetItem score_grants$/u,
    because: 'a login that moves to another account asks for it; shown on a stack of its own (database-tool.test)',
  },
  {
    of: /^serve-pages dynamodb:BatchGetItem user_scores$/u,
    because: 'a page of a past board asks who is hidden until a build of this release lists them (read-boards.test)',
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

/** Records the permissions that a function used, once per process. */
export function notePermissions(role: string, accesses: readonly Access[]): void {
  const directory = process.env[DIRECTORY];
  if (directory === undefined) return;
  for (const { action, resource } of accesses) {
    const permission = textOf({ role, action, target: targetOfArn(resource) });
    if (noted.has(permission)) continue;
    noted.add(permission);
    appendFileSync(join(directory, `${process.pid}`), `${permission}\n`);
  }
}

/** All permissions of a template's functions. */
export function grantedBy(resources: Resources): readonly Permission[] {
  const roles = [...byRole(resources, 'AWS::Lambda::Function').keys()].filter((role) => role !== undefined);
  return roles.flatMap((role) =>
    Object.entries(grantsOf(resources, role)).flatMap(([target, actions]) =>
      actions.map((action) => ({ role, action, target: target.replace(/^Allow /u, '') })),
    ),
  );
}

/** Granted permissions that were not used, without the exceptions. */
export const unusedOf = (granted: readonly Permission[], used: ReadonlySet<string>): readonly string[] =>
  granted
    .map(textOf)
    .filter((permission) => !used.has(permission) && !EXCEPTIONS.some(({ of }) => of.test(permission)))
    .sort();

/** Makes all processes that are started later record their permissions. */
export function collectPermissions() {
  const directory = mkdtempSync(join(tmpdir(), 'laurel-permissions-'));
  process.env[DIRECTORY] = directory;
  return {
    used: (): ReadonlySet<string> =>
      new Set(readdirSync(directory).flatMap((file) => readFileSync(join(directory, file), 'utf8').trim().split('\n'))),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
