import { join } from 'node:path';
import Table from 'cli-table3';
import { Command, InvalidArgumentError, Option } from 'commander';
import * as z from 'zod';
import { synthIfStale } from '../infra/synth-if-stale.ts';
import { DataDirectoryInUseError } from '../local/data-directory.ts';
import { ENGINES } from '../local/engines/dynamodb-engine.ts';
import { TableChangedError } from '../local/engines/tables.ts';
import { type LocalStack, startLocalStack } from '../local/local-stack.ts';
import { leaders, loadSample } from '../local/sample.ts';
import { readAssembly } from '../local/template/assembly.ts';
import { UnsupportedTemplateError } from '../local/template/unsupported.ts';

const STAGE = 'local';

const Options = z.object({
  port: z.number(),
  data: z.string(),
  fresh: z.boolean().default(false),
  empty: z.boolean().default(false),
  engine: z.enum(ENGINES).optional(),
});

const portOf = (text: string): number => {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError('expected 0 to 65535');
};

const command = new Command('npm start --')
  .description('Runs Laurel on this machine from its synthesized template.')
  .option('--port <port>', 'where the API listens; 0 for any free port', portOf, 8787)
  .option('--data <directory>', 'where data is kept between runs', '.laurel')
  .option('--fresh', 'delete what the data directory holds first')
  .option('--empty', 'do not load the sample community')
  .addOption(new Option('--engine <engine>', 'what plays DynamoDB').choices([...ENGINES]))
  .parse();

let stack: LocalStack | undefined;
let isEnding = false;

/** Ends what was started. A signal during boot just ends the process: engines end with their parent. */
async function end(exitCode: number): Promise<void> {
  if (isEnding) return;
  isEnding = true;
  await stack?.stop();
  process.exit(exitCode);
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void end(0));

try {
  await run(Options.parse(command.opts()));
} catch (error) {
  const isExplained = [DataDirectoryInUseError, TableChangedError, UnsupportedTemplateError].some(
    (type) => error instanceof type,
  );
  const isPortTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
  if (isPortTaken) console.error('The port is taken: choose another with --port, or 0 for any');
  else console.error(isExplained && error instanceof Error ? error.message : error);
  await end(1);
}

async function run(options: z.infer<typeof Options>): Promise<void> {
  console.log('Synthesizing the stack (again only when its sources changed)');
  const assembly = readAssembly(await synthIfStale({ stage: STAGE }), `Laurel-${STAGE}`);
  const { port, data: dataDirectory, fresh, engine } = options;
  stack = await startLocalStack({
    assembly,
    dataDirectory,
    fresh,
    port,
    ...(engine && { engine }),
    progress: (step) => console.log(step),
  });
  if (!options.empty) await showSample(stack, join(dataDirectory, 'sample.json'));
  stack.publish();
  console.log(nextSteps(stack.baseUrl, stack.adminKey));
  console.log(`Laurel is ready at ${stack.baseUrl}. Data and logs are in ${dataDirectory}; Ctrl-C stops it.`);
  const failure = await stack.failed;
  console.error(`${failure.message}: see ${join(dataDirectory, 'logs')}`);
  await end(1);
}

async function showSample(running: LocalStack, progressFile: string): Promise<void> {
  console.log('Loading the sample community (once)');
  if (await loadSample(running, progressFile, Date.now())) await running.drain();
  const table = new Table({
    head: ['rank', 'username', 'score', 'tier'],
    colAligns: ['right', 'left', 'right', 'left'],
    style: { head: [], border: [], compact: true },
  });
  const leading = await leaders(running, 5);
  table.push(...leading.map(({ rank, username, points, tier }) => [rank, username, points, tier]));
  console.log(table.toString());
}

function nextSteps(baseUrl: string, adminKey: string): string {
  return `
Who leads:       curl ${baseUrl}/v1/leaderboards/alltime
A score:         curl ${baseUrl}/v1/scores/alder
Its telemetry:   curl '${baseUrl}/v1/stats?username=alder'
A key of yours:  curl -X POST ${baseUrl}/v1/keys -H 'x-api-key: ${adminKey}' -H 'content-type: application/json' \\
                   -d '{"kind": "personal", "username": "you"}'
An event:        curl -X POST ${baseUrl}/ingest -H 'x-api-key: <that key>' -H 'content-type: application/json' \\
                   -d '{"event": "cli_invocation", "distinct_id": "laptop", "timestamp": "${new Date().toISOString()}"}'
`;
}
