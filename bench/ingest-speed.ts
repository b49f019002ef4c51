import {
  BatchGetItemCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  type BatchGetItemCommandInput,
  type DynamoDBClient,
  type GetItemCommandInput,
  type PutItemCommandInput,
  type QueryCommandInput,
} from '@aws-sdk/client-dynamodb';
import * as z from 'zod';
import { TelemetryEvent } from '../domain/telemetry/telemetry-event.ts';
import { withEngine, type BenchEngine } from './engine.ts';
import { BATCH, eventsOf, ingestRequest } from './events.ts';
import { assertAllNew, sendNew } from './ingest.ts';
import { cost, median, ratioAtLeast, ratioAtMost, type Measurements } from './measurements.ts';
import type { Sizes } from './sizes.ts';
import { recordingClient, replayingClient } from './transports.ts';
import { ingestHandler, personalKey, type IngestHandler, type Surroundings } from './wiring.ts';

const NOW = '2026-08-21T12:30:00.000Z';
const EARLIER_HOUR = '2026-08-21T11:30:00.000Z';
const CPU_TARGET = 60;
const THROUGHPUT_TARGET = 0.6;
const WARM_UP_ROUNDS = 3;

/** The requests of one device-hour, whose cost `ingest.ts` measures. */
const requestsOf = (count: number, key: string): readonly object[] =>
  Array.from({ length: count }, (_, index) => ingestRequest(eventsOf('laptop', NOW, (index + 1) * BATCH), key));

type Ready = { readonly surroundings: Surroundings; readonly handler: IngestHandler; readonly key: string };

/** Prepares the common path: a handler that has cached its sender's key, and a bound device. */
async function getReady(engine: BenchEngine, client = engine.client()): Promise<Ready> {
  const surroundings = { client, tables: await engine.createTables(), clock: () => Date.parse(NOW) };
  const key = await personalKey(surroundings, 'ada');
  const handler = ingestHandler(surroundings);
  await sendNew(handler, key, eventsOf('laptop', EARLIER_HOUR, 0));
  return { surroundings, handler, key };
}

async function sendAll(handler: IngestHandler, requests: readonly object[]): Promise<void> {
  for (const request of requests) assertAllNew(await handler(request), BATCH);
}

const WithBody = z.object({ body: z.string() });
const Batch = z.object({ events: z.array(TelemetryEvent) });
/** One reading is shorter than the clock of CPU time. */
const READINGS = 10;

/** Milliseconds of CPU time. */
function cpuSince(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1_000;
}

async function millisecondsOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

type SentRequest = { readonly command: string; readonly input: unknown };

/** Records the requests of a client from now on. */
function recordRequests(client: DynamoDBClient): readonly SentRequest[] {
  const requests: SentRequest[] = [];
  client.middlewareStack.add(
    (next, { commandName = 'unknown' }) =>
      (args) => {
        requests.push({ command: commandName, input: args.input });
        return next(args);
      },
    { step: 'initialize', name: 'record-requests' },
  );
  return requests;
}

/** The benchmark recorded these itself, so they need no validation. */
const BatchGet = z.custom<BatchGetItemCommandInput>();
const Get = z.custom<GetItemCommandInput>();
const Query = z.custom<QueryCommandInput>();
const Put = z.custom<PutItemCommandInput>();

/** Builds the same request for another table in advance, so that only the sending is measured. */
function prebuilt(client: DynamoDBClient, TableName: string, { command, input }: SentRequest): () => Promise<unknown> {
  switch (command) {
    case 'BatchGetItemCommand': {
      const get = new BatchGetItemCommand(BatchGet.parse(input)); // whether the account was erased
      return () => client.send(get);
    }
    case 'GetItemCommand': {
      const get = new GetItemCommand({ ...Get.parse(input), TableName });
      return () => client.send(get);
    }
    case 'QueryCommand': {
      const query = new QueryCommand({ ...Query.parse(input), TableName });
      return () => client.send(query);
    }
    case 'PutItemCommand': {
      const put = new PutItemCommand({ ...Put.parse(input), TableName });
      return () => client.send(put);
    }
    default:
      throw new Error(`the common path of ingest does not send ${command}`);
  }
}

/** Compares the handler with a bare loop that sends the same prebuilt requests through the same kind of client. */
export const measureThroughput = ({ ingestBatches, rounds }: Pick<Sizes, 'ingestBatches' | 'rounds'>) =>
  withEngine(async (engine): Promise<Measurements> => {
    const recorded = await getReady(engine);
    const sent = recordRequests(recorded.surroundings.client);
    await sendAll(recorded.handler, requestsOf(ingestBatches, recorded.key));

    const timings: { readonly handler: number; readonly bare: number }[] = [];
    for (let round = -WARM_UP_ROUNDS; round < rounds; round += 1) {
      const ready = await getReady(engine);
      const requests = requestsOf(ingestBatches, ready.key);
      const handler = await millisecondsOf(() => sendAll(ready.handler, requests));

      const { surroundings } = await getReady(engine);
      const telemetry = surroundings.tables('telemetry');
      const sends = sent.map((request) => prebuilt(surroundings.client, telemetry, request));
      const bare = await millisecondsOf(async () => {
        for (const send of sends) await send();
      });
      if (round >= 0) timings.push({ handler, bare });
    }
    const seconds = median(timings.map(({ handler }) => handler)) / 1_000;
    const ratios = timings.map(({ handler, bare }) => bare / handler);
    return {
      costs: [
        cost('ingest, one sender, through the handler', 'events/s', Math.round((ingestBatches * BATCH) / seconds)),
      ],
      ratios: [
        ratioAtLeast(
          'events/s through the handler against a bare loop of its requests',
          median(ratios),
          THROUGHPUT_TARGET,
        ),
      ],
    };
  });

/**
 * Measures the CPU time of a batch in the handler and the SDK, in units of parsing and validating the same body in the
 * same run: a busy or slow machine changes both. The answers were recorded from a real engine and are returned without a
 * delay.
 */
export const measureHandlerCpu = ({ ingestBatches, rounds }: Pick<Sizes, 'ingestBatches' | 'rounds'>) =>
  withEngine(async (engine): Promise<Measurements> => {
    const recording = recordingClient(engine.endpoint);
    const { surroundings, key } = await getReady(engine, recording.client);
    const before = recording.answers.length;
    const requests = requestsOf(ingestBatches, key);
    await sendAll(ingestHandler(surroundings), requests); // a new handler still has to look up the key
    const answers = recording.answers.slice(before);

    const [handling, reading]: [number[], number[]] = [[], []];
    for (let round = -WARM_UP_ROUNDS; round < rounds; round += 1) {
      const handler = ingestHandler({ ...surroundings, client: replayingClient(answers) });
      for (const request of requests) {
        const { body } = WithBody.parse(request);
        const start = process.cpuUsage();
        const answer = await handler(request);
        const handled = cpuSince(start);
        const again = process.cpuUsage();
        for (let time = 0; time < READINGS; time += 1) Batch.parse(JSON.parse(body));
        const read = cpuSince(again) / READINGS;
        assertAllNew(answer, BATCH);
        if (round >= 0) {
          handling.push(handled);
          reading.push(read);
        }
      }
    }
    recording.client.destroy();
    return {
      costs: [cost('ingest handler, CPU of a 25-event batch, p50', 'ms', median(handling))],
      ratios: [
        ratioAtMost(
          'CPU of the ingest handler against parsing and validating the same 25 events',
          median(handling) / median(reading),
          CPU_TARGET,
        ),
      ],
    };
  });
