import { fork } from 'node:child_process';
import { channel } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import * as z from 'zod';
import type { FunctionModel } from '../local/template/stack-model.ts';
import { benchStack, type BenchEngine } from './engine.ts';
import type { Surroundings } from './wiring.ts';

export type Handler = (event: unknown, context?: unknown) => Promise<unknown>;
const Bundle = z.object({ handler: z.custom<Handler>((value) => typeof value === 'function') });
const Listening = z.tuple([z.object({ port: z.number() })], z.unknown());

/** A function of the template. */
export async function functionOf(role: string): Promise<FunctionModel> {
  const found = (await benchStack()).functions.find((each) => each.role === role);
  if (found === undefined) throw new Error(`The template has no function with the role ${role}`);
  return found;
}

const require = createRequire(import.meta.url);

/** The handler of a bundle that would be deployed, in an environment of its own: it keeps nothing of another one. */
export async function handlerOf(role: string): Promise<Handler> {
  const { codeDirectory, file } = await functionOf(role);
  const bundle = join(codeDirectory, `${file}.js`);
  Reflect.deleteProperty(require.cache, bundle);
  return Bundle.parse(require(bundle)).handler;
}

/** The deployed functions on the tables of an engine, with the machine's clock. */
export type Deployed = Surroundings & {
  readonly roles: readonly string[];
  /** How many AWS calls some work makes. */
  callsDuring(work: () => Promise<unknown>): Promise<number>;
};

/** Gives this process the environment of the functions while it works with them. Their messages go nowhere. */
export async function withDeployed<Value>(engine: BenchEngine, work: (deployed: Deployed) => Promise<Value>) {
  const { tables: models, functions } = await benchStack();
  const tables = await engine.createTables();
  const sink = fork(new URL('call-sink.ts', import.meta.url), { execArgv: ['--disable-warning=ExperimentalWarning'] });
  const [{ port }] = Listening.parse(await once(sink, 'message'));
  const address = `http://127.0.0.1:${port}`;
  const nameOf = new Map(models.map(({ name, role }) => [name, tables(role)]));
  const variables = functions.flatMap(({ environment }) => Object.entries(environment));
  const before = { ...process.env };
  Object.assign(process.env, {
    ...Object.fromEntries(variables.map(([name, value]) => [name, nameOf.get(value) ?? value])),
    ...Object.fromEntries(
      variables.flatMap(([name]) => (name.endsWith('_QUEUE_URL') ? [[name, `${address}/1/q`]] : [])),
    ),
    ...{ AWS_ENDPOINT_URL_DYNAMODB: engine.endpoint, AWS_ENDPOINT_URL_SQS: address, AWS_ENDPOINT_URL_LAMBDA: address },
    ...{ AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'bench', AWS_SECRET_ACCESS_KEY: 'bench' },
  });
  let calls = 0;
  const onCall = () => void (calls += 1);
  channel('http.client.request.start').subscribe(onCall);
  try {
    return await work({
      ...{ roles: functions.map(({ role }) => role), client: engine.client(), tables, clock: Date.now },
      async callsDuring(counted) {
        calls = 0;
        await counted();
        return calls;
      },
    });
  } finally {
    channel('http.client.request.start').unsubscribe(onCall);
    process.env = before;
    sink.disconnect();
  }
}
