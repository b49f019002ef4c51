import { join, resolve } from 'node:path';
import Table from 'cli-table3';
import { Command, InvalidArgumentError, Option } from 'commander';
import * as z from 'zod';
import { withEscapes } from '../domain/shared/text.ts';
import { sentenceOfFault } from '../domain/rules/check-community.ts';
import {
  COMMUNITY_FOLDER,
  CommunityError,
  communityFolder,
  readCommunity,
} from '../functions/adapters/disk/community-files.ts';
import { pageLookOf } from '../functions/adapters/disk/page-look.ts';
import { openBundler } from '../infra/bundler.ts';
import { synthIfStale } from '../infra/synth-if-stale.ts';
import { type EditLoop, openEditLoop } from '../local/edit-loop.ts';
import { ENGINES } from '../local/engines/dynamodb-engine.ts';
import { ExplainedError, explanationOf } from '../local/explained-error.ts';
import { type LocalStack, startLocalStack } from '../local/local-stack.ts';
import { firstOf, leaders, sampleLoad, type SampleLoad } from '../local/sample.ts';
import { beginScript } from '../local/script.ts';
import { readAssembly } from '../local/template/assembly.ts';

const STAGE = 'local';
const PROJECT_ROOT = join(import.meta.dirname, '..');
/** What bundles are made of, beside the community's folder. A change of infra/ needs a new start. */
const WATCHED = ['functions', 'domain', 'pages'].map((folder) => join(PROJECT_ROOT, folder));
const INSPECTOR_PORT = 9229; // Node's own
/** Only a bound on hanging: on a busy machine the sample takes minutes instead of seconds. */
const LOAD_PATIENCE_MS = 1_800_000;

const Options = z.object({
  port: z.number(),
  data: z.string(),
  fresh: z.boolean().default(false),
  empty: z.boolean().default(false),
  sample: z.string().optional(),
  engine: z.enum(ENGINES).optional(),
  community: z.string().optional(),
  watch: z.boolean().default(false),
  inspect: z.union([z.number(), z.literal(true).transform(() => INSPECTOR_PORT)]).optional(),
});

const portOf = (text: string): number => {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError('expected 0 to 65535');
};

process.umask(0o077); // only the owner can read keys and data, also those that the engines write
process.stdout.on('error', () => undefined); // the engines must still be stopped when the terminal is gone
process.stderr.on('error', () => undefined);

const command = new Command('npm start --')
  .description('Runs Laurel on this machine from its synthesized template.')
  .option('--port <port>', 'the port of the API; 0 chooses a free one', portOf, 8787)
  .option('--data <directory>', 'the directory that keeps the data between runs', '.laurel')
  .option('--fresh', 'delete the data of earlier runs first')
  .option('--empty', 'do not load the sample community')
  .option('--sample <directory>', 'the folder of the sample community (default: examples/)')
  .option('--community <directory>', 'the folder of rules, tiers and boards (default: community/)')
  .addOption(new Option('--engine <engine>', 'the engine that runs instead of DynamoDB').choices([...ENGINES]))
  .option('--watch', 'after an edit of the sources or the community, run the new code and compute all scores again')
  .option(
    '--inspect [port]',
    `run the functions for a debugger that attaches to this port (${INSPECTOR_PORT}): in one thread, without timeouts`,
    portOf,
  )
  .parse();
const options = Options.parse(command.opts());
if (options.community !== undefined) process.env[COMMUNITY_FOLDER] = resolve(options.community);

let stack: LocalStack | undefined;
let isEnding = false;
/** What goes on when the stack is ready. */
let afterStart: (() => Promise<void>) | undefined;

/** Stops what was started. A signal during boot only ends the process, because the engines end with their parent. */
async function end(exitCode: number): Promise<void> {
  if (isEnding) return;
  isEnding = true;
  if (stack !== undefined) console.log(`Stopping the API at ${stack.baseUrl}, its functions and engines.`);
  await stack?.stop().catch(() => undefined); // exits in any case: engines that are left end with this process
  if (stack !== undefined) console.log(`Laurel has stopped. Its data stays in ${options.data}.`);
  process.exit(exitCode);
}

function failed(error: unknown): void {
  if (!isEnding) console.error(explanationOf(error, options.data) ?? error);
  void end(1);
}

beginScript(() => void end(0));
process.on('uncaughtException', failed);
try {
  await run();
} catch (error) {
  failed(error);
}

async function run(): Promise<void> {
  const { port, data: dataDirectory, fresh, engine, inspect: inspectorPort } = options;
  const community = readCommunity(communityFolder());
  if (!community.ok) throw new ExplainedError(community.error.map(sentenceOfFault).join('\n'));
  const editLoop = options.watch ? await startEditLoop() : undefined;
  console.log('Synthesizing the stack (only if its sources changed)');
  const assembly = readAssembly(await synthIfStale({ stage: STAGE }), `Laurel-${STAGE}`);
  const load = options.empty
    ? undefined
    : sampleLoad(join(dataDirectory, 'sample.json'), { now: Date.now(), fresh, folder: options.sample });
  stack = await startLocalStack({
    assembly,
    dataDirectory,
    fresh,
    port,
    ...(engine && { engine }),
    inspectorPort,
    progress: (step) => console.log(step),
    ...(load && {
      load: async (target) => {
        console.log('Loading the sample community (once)');
        await load.importAll(target);
        console.log('Computing its scores');
      },
    }),
    onHealth: (sentence) => console.log(withEscapes(sentence)),
  });
  void stack.failed.then(failed);
  if (!options.empty) await showSample(stack, load);
  stack.publish();
  editLoop?.run(stack.replaceCode, scoreAgain);
  if (stack.inspectorUrl() !== undefined) console.log(`A debugger can attach at ${stack.inspectorUrl()}`);
  console.log(nextSteps(stack.baseUrl, dataDirectory, await firstOf(stack)));
  console.log(`Laurel is ready at ${stack.baseUrl}. Data and logs are in ${dataDirectory}; Ctrl-C stops it.`);
  await afterStart?.().catch((error: unknown) => {
    if (!isEnding) console.error('The history of the sample was not computed:', error);
  });
}

async function startEditLoop(): Promise<EditLoop> {
  const community = () => {
    const read = readCommunity(communityFolder());
    if (read.ok) return read.value;
    throw new CommunityError(read.error);
  };
  return openEditLoop({
    sources: [...WATCHED, communityFolder()],
    bundle: (
      await openBundler({
        community,
        look: () => pageLookOf(community(), communityFolder()),
        logLevel: 'silent',
        splitting: true,
      })
    ).bundle,
    directory: join(PROJECT_ROOT, 'cdk.out'),
    say: (text) => console.log(text.split('\n').map(withEscapes).join('\n')),
  });
}

/** Stored scores follow the new rules, too, also if nobody gave these a new version. */
async function scoreAgain(roles: readonly string[]): Promise<void> {
  if (roles.includes('refresh-score')) await stack?.invoke('backfill', { mode: 'all' });
}

async function showSample(running: LocalStack, load: SampleLoad | undefined): Promise<void> {
  if (load === undefined) console.log('An earlier start has already loaded the sample community.');
  else {
    await load.finish(running);
    await running.drain({ timeoutMs: LOAD_PATIENCE_MS, except: ['roll-up'] });
    await running.loaded();
    afterStart = async () => {
      await running.invoke('roll-up-metrics', {}); // older days follow within minutes
      await running.invoke('backfill', { mode: 'history' }); // scores of days long past
    };
  }
  const table = new Table({
    head: ['rank', 'username', 'score', 'tier'],
    colAligns: ['right', 'left', 'right', 'left'],
    style: { head: [], border: [], compact: true },
  });
  const leading = await leaders(running, 5);
  table.push(...leading.map(({ rank, username, points, tier }) => [rank, username, points, tier]));
  console.log(table.toString());
}

/** Commands to paste into a second terminal, in this order. They name a user only if one exists. */
function nextSteps(baseUrl: string, dataDirectory: string, username: string | undefined): string {
  const someone = `
Who leads:       curl '${baseUrl}/v1/leaderboards/alltime'
A score:         curl '${baseUrl}/v1/scores/${username}'
Its telemetry:   curl '${baseUrl}/v1/stats?username=${username}'`;
  return `
The page:        ${baseUrl}/

In a second terminal, in this folder:
${username === undefined ? '' : someone}
A key of yours:  key=$(curl -s -X POST ${baseUrl}/v1/keys -H 'content-type: application/json' \\
                   -H "x-api-key: $(cat '${join(dataDirectory, 'admin-key')}')" \\
                   -d '{"kind": "personal", "username": "you"}' | node -p 'JSON.parse(fs.readFileSync(0)).key')
An event:        curl -X POST ${baseUrl}/ingest -H "x-api-key: $key" -H 'content-type: application/json' \\
                   -d '{"event": "cli_invocation", "distinct_id": "laptop", "timestamp": "${new Date().toISOString()}"}'
`;
}
