import { it } from 'vitest';
import { expectDocumented } from '../support/documented-table.ts';
import { grantsOf } from '../support/template.ts';
import { functions, resources } from './template-under-test.ts';

/**
 * `telemetry: Query, PutItem` for each resource that a function may use. Its own log is left out, because every role
 * has it.
 */
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

it('docs/security.md lists what each function may do as the template grants it (UPDATE_DOCS=1 writes it)', () => {
  const roles = [...functions.keys()].filter((role) => role !== undefined).sort();
  const rows = roles.map((role) => [`\`${role}\``, needsOf(role)]);

  expectDocumented('docs/security.md', 'permissions', [['function', 'may'], ...rows]);
});
