import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { type DynamoDbEngine, startDynamoDbEngine } from '../../local/engines/dynamodb-engine.ts';
import { endWithParent } from '../../local/script.ts';
import { assemblyOfRun } from './assembly.ts';
import type { Resources } from './template.ts';
import { collectPermissions, grantedBy, unusedOf } from './used-permissions.ts';

declare module 'vitest' {
  // The name is vitest's, and only an interface can be added to.
  // eslint-disable-next-line @typescript-eslint/consistent-type-definitions
  export interface ProvidedContext {
    /** Directory of the assembly of stage `local`: `inject('assembly')` in a test. */
    assembly: string;
    /** Answers with the endpoint of a DynamoDB Local that all test files share, and starts it when first asked. */
    sharedEngine: string;
  }
}

/** What may stand on vitest's command line while it runs every test there is. */
const WHOLE_RUN = /^(run|--(reporter|outputFile|maxWorkers)\b.*)$/u;

/**
 * Synthesizes once for all test files, so that none of them waits for the bundler, and starts Amazon's engine once at
 * most: each start of it takes seconds, and it is slow until its code is warm. After a whole run it fails on what the
 * template grants and no test has used.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  endWithParent(() => process.exit(1)); // its workers end with it, and the engines with them
  // Inherited by all processes of the run: the command, the local stack and the bundler load in less than half the time.
  process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'node-compile');
  const assembly = await assemblyOfRun();
  process.env.LAUREL_TEST_ASSEMBLY = assembly; // for all processes of the run, the sources being the same
  project.provide('assembly', assembly);

  let starting: Promise<DynamoDbEngine> | undefined;
  const server = createServer((_request, response) => {
    starting ??= startDynamoDbEngine('dynamodb-local');
    starting.then(
      ({ endpoint }) => response.end(endpoint),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port');
  project.provide('sharedEngine', `http://127.0.0.1:${address.port}`);

  const permissions = collectPermissions();
  const isWhole = process.argv.slice(2).every((argument) => WHOLE_RUN.test(argument));
  return async () => {
    server.close();
    await (await starting)?.stop();
    const template: unknown = JSON.parse(readFileSync(join(assembly, 'Laurel-local.template.json'), 'utf8'));
    const { Resources } = template as { readonly Resources: Resources };
    const unused = unusedOf(grantedBy(Resources), permissions.used());
    permissions.remove();
    // Where only some tests ran, most of it was not used, which says nothing.
    if (isWhole && unused.length > 0) throw new Error(`granted, and used by no test:\n${unused.join('\n')}`);
    if (process.env.LAUREL_UNUSED_PERMISSIONS !== undefined) process.stdout.write(`${unused.join('\n')}\n`);
  };
}
