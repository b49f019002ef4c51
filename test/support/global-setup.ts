import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { MessageChannel, Worker } from 'node:worker_threads';
import type { TestProject } from 'vitest/node';
import { type DynamoDbEngine, startDynamoDbEngine } from '../../local/engines/dynamodb-engine.ts';
import { endWithParent } from '../../local/script.ts';
import { assemblyOfRun } from './assembly.ts';
import { byRole, type Resources } from './template.ts';
import { collectPermissions, grantedBy, unusedOf } from './used-permissions.ts';

declare module 'vitest' {
  // The name is vitest's, and only an interface can be added to.
  // eslint-disable-next-line @typescript-eslint/consistent-type-definitions
  export interface ProvidedContext {
    /** The directory of the assembly of the stage `local`: `inject('assembly')` in a test. */
    assembly: string;
    /**
     * What all test files share, made at the first request: `GET /engine` returns the endpoint of a DynamoDB Local, and
     * `POST /template` the template of a stage.
     */
    services: string;
  }
}

/** The command line of vitest in a run of all tests. */
const WHOLE_RUN = /^(run|--(reporter|outputFile|maxWorkers)\b.*)$/u;

/**
 * Synthesizes once for all test files, so that none waits for the bundler. Starts Amazon's engine and the CDK at most
 * once, because each start takes seconds, and their code is slow at first. A run of all tests fails if the template
 * grants a permission that no test has used.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  endWithParent(() => process.exit(1)); // its workers and engines end with it
  // All processes of the run inherit it: the command, the local stack and the bundler load in less than half the time.
  process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'node-compile');
  const assembly = await assemblyOfRun();
  process.env.LAUREL_TEST_ASSEMBLY = assembly; // for all processes of the run, because the sources are the same
  project.provide('assembly', assembly);
  const template: unknown = JSON.parse(readFileSync(join(assembly, 'Laurel-local.template.json'), 'utf8'));
  const { Resources } = template as { readonly Resources: Resources };
  const bundles = mkdtempSync(join(tmpdir(), 'laurel-bundles-'));
  for (const [role = '', { Properties }] of byRole(Resources, 'AWS::Lambda::Function')) {
    symlinkSync(join(assembly, `asset.${Properties.Code.S3Key.replace('.zip', '')}`), join(bundles, role));
  }
  process.env.LAUREL_BUNDLES = bundles; // templates of other stages have the same ones
  process.env.LAUREL_THREAD_PROGRAM = join(bundles, 'threads.js'); // the first process that starts one makes it

  let starting: Promise<DynamoDbEngine> | undefined;
  const engine = () => (starting ??= startDynamoDbEngine('dynamodb-local'));
  let synthesizer: Worker | undefined;
  const templateOf = async (asked: string): Promise<string> => {
    // The CDK's own checks take most of its time; a test has those of AWS's specification, and `bin/app.ts` runs them.
    const env = { ...process.env, CDK_VALIDATION: 'false' };
    synthesizer ??= new Worker(join(import.meta.dirname, 'synthesizer.ts'), { env });
    const { port1, port2 } = new MessageChannel();
    synthesizer.postMessage({ asked, port: port2 }, [port2]);
    const [answer] = (await once(port1, 'message')) as [{ readonly text: string } | { readonly error: unknown }];
    port1.close();
    if ('error' in answer) throw answer.error;
    return answer.text;
  };
  const server = createServer((request, response) => {
    const answer =
      request.url === '/template' ? text(request).then(templateOf) : engine().then(({ endpoint }) => endpoint);
    answer.then(
      (body) => response.end(body),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port');
  project.provide('services', `http://127.0.0.1:${address.port}`);

  const permissions = collectPermissions();
  const isWhole = process.argv.slice(2).every((argument) => WHOLE_RUN.test(argument));
  return async () => {
    server.close();
    await (await starting)?.stop();
    await synthesizer?.terminate();
    rmSync(bundles, { recursive: true });
    const unused = unusedOf(grantedBy(Resources), permissions.used());
    permissions.remove();
    // A run of some tests does not use most permissions, which means nothing.
    if (isWhole && unused.length > 0) throw new Error(`granted, and used by no test:\n${unused.join('\n')}`);
    if (process.env.LAUREL_UNUSED_PERMISSIONS !== undefined) process.stdout.write(`${unused.join('\n')}\n`);
  };
}
