import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { grantsOf } from '../support/template.ts';
import { functions, resources } from './template-under-test.ts';

const path = join(import.meta.dirname, '..', '..', 'docs/security.md');
const section = /(<!-- permissions -->\n)[\s\S]*?(<!-- \/permissions -->)/u;

/** `telemetry: Query, PutItem` for each thing that a function may touch; its own log is in every role. */
function needsOf(role: string): string {
  return Object.entries(grantsOf(resources, role))
    .filter(([target]) => !target.includes('log of /aws/lambda/'))
    .map(([target, actions]) => {
      const verbs = actions.map((action) => action.replace(/^\w+:/u, '')).join(', ');
      return `${target.replace(/^Allow /u, '')}: ${verbs}`;
    })
    .sort()
    .join('<br>');
}

function permissionTable(): string {
  const roles = [...functions.keys()].filter((role) => role !== undefined).sort();
  const rows = roles.map((role) => `| \`${role}\` | ${needsOf(role)} |`);
  return ['| function | may |', '| --- | --- |', ...rows, ''].join('\n');
}

it('docs/security.md lists what each function may do as the template grants it (UPDATE_DOCS=1 writes it)', () => {
  const table = permissionTable();
  const page = readFileSync(path, 'utf8');
  if (process.env.UPDATE_DOCS === '1') {
    writeFileSync(
      path,
      page.replace(section, (_, start: string, end: string) => `${start}\n${table}\n${end}`),
    );
  }
  expect(section.exec(readFileSync(path, 'utf8'))?.[0]).toContain(`\n${table}\n`);
});
