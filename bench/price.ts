import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { awsCaller } from '../local/aws-client.ts';
import type { ObservedInvocation } from '../local/lambda/function-pool.ts';
import type { LocalStack } from '../local/local-stack.ts';
import type { ObservedCall } from '../local/proxy/aws-proxy.ts';
import { chargesOf } from './capacity-meter.ts';
import { eventsOf } from './events.ts';
import { keyFor, post, withLocalStack } from './local-stack.ts';
import { cost, type Cost, type Measurements } from './measurements.ts';
import { PRICES } from './prices.ts';
import type { Sizes } from './sizes.ts';

const BATCH_SIZES = [1, 25, 50] as const;
const USERS = 20;
const REQUESTS_A_SECOND = 10;
/** The interval between roll-ups of an hour that changes all the time. */
const ROLL_UP_EVERY_SECONDS = 60;
const MILLION = 1e6;

/** The billed resources. */
export type Consumption = {
  readonly apiRequests: number;
  readonly invocations: number;
  readonly gbSeconds: number;
  readonly writeUnits: number;
  readonly readUnits: number;
  readonly queueRequests: number;
};

export type Bill = { readonly api: number; readonly lambda: number; readonly dynamodb: number; readonly sqs: number };

/** The bill in US dollars. */
export const billOf = (used: Consumption): Bill => ({
  api: used.apiRequests * PRICES.apiRequest,
  lambda: used.invocations * PRICES.lambdaRequest + used.gbSeconds * PRICES.lambdaGbSecond,
  dynamodb: used.writeUnits * PRICES.writeRequestUnit + used.readUnits * PRICES.readRequestUnit,
  sqs: used.queueRequests * PRICES.queueRequest,
});

export const scaled = (used: Consumption, factor: number): Consumption => ({
  apiRequests: used.apiRequests * factor,
  invocations: used.invocations * factor,
  gbSeconds: used.gbSeconds * factor,
  writeUnits: used.writeUnits * factor,
  readUnits: used.readUnits * factor,
  queueRequests: used.queueRequests * factor,
});

export const together = (a: Consumption, b: Consumption): Consumption => ({
  apiRequests: a.apiRequests + b.apiRequests,
  invocations: a.invocations + b.invocations,
  gbSeconds: a.gbSeconds + b.gbSeconds,
  writeUnits: a.writeUnits + b.writeUnits,
  readUnits: a.readUnits + b.readUnits,
  queueRequests: a.queueRequests + b.queueRequests,
});

/** Counts the calls and invocations of a stack. */
class Meter {
  #calls: ObservedCall[] = [];
  #invocations: ObservedInvocation[] = [];
  /** The roll-ups that were announced, with a delay. */
  readonly rollUps = new Set<string>();

  readonly onCall = (call: ObservedCall): void => void this.#calls.push(call);
  readonly onInvocation = (invocation: ObservedInvocation): void => void this.#invocations.push(invocation);

  /** Returns the consumption since the last call. Each API request is one invocation of its function. */
  take(apiRequests: number): Consumption {
    // the benchmark itself, which waits for the queues to drain
    const calls = this.#calls.filter(({ caller }) => caller !== 'operator');
    const invocations = this.#invocations;
    this.#calls = [];
    this.#invocations = [];
    const units = { writes: 0, reads: 0 };
    for (const { operation, consumedCapacity: ConsumedCapacity } of calls) {
      if (ConsumedCapacity === undefined) continue;
      const taken = chargesOf({ ConsumedCapacity }).reduce((sum, { units: each }) => sum + each, 0);
      if (/Put|Update|Delete|Write/u.test(operation)) units.writes += taken;
      else units.reads += taken;
    }
    const queueRequests = calls.filter(
      // empty polls do not depend on the traffic
      ({ operation, received }) => operation.startsWith('AmazonSQS.') && received !== 0,
    );
    for (const { operation, body } of queueRequests) {
      if (operation.startsWith('AmazonSQS.SendMessage')) for (const text of rollUpsIn(body)) this.rollUps.add(text);
    }
    return {
      apiRequests,
      invocations: invocations.length,
      gbSeconds: invocations.reduce(
        (sum, { milliseconds, memoryMb }) => sum + ((memoryMb / 1_024) * Math.ceil(milliseconds)) / 1_000,
        0,
      ),
      writeUnits: units.writes,
      readUnits: units.reads,
      queueRequests: queueRequests.length,
    };
  }
}

const ROLL_UP_QUEUE = '-roll-up';
const Sent = z.object({
  QueueUrl: z.string(),
  Entries: z.array(z.object({ MessageBody: z.string() })).default([]),
});
/**
 * The hours that a send request announces for a roll-up. Boards are left out: they are built when scores change, not
 * once per event.
 */
function rollUpsIn(body: string): readonly string[] {
  const { QueueUrl, Entries } = Sent.parse(JSON.parse(body));
  return QueueUrl.endsWith(ROLL_UP_QUEUE) ? Entries.map(({ MessageBody }) => MessageBody) : [];
}

const HourOf = z.object({ hour: z.string() });

/** Runs the announced roll-ups once per hour, without their delay. */
async function rollUpNow(stack: LocalStack, announced: ReadonlySet<string>): Promise<void> {
  const QueueUrl = stack.queues['roll-up'];
  const latest = new Map([...announced].map((text) => [HourOf.parse(JSON.parse(text)).hour, text]));
  const call = awsCaller(stack.sqsEndpoint, 'operator');
  for (const MessageBody of latest.values()) await call('AmazonSQS.SendMessage', { QueueUrl, MessageBody });
  await stack.drain();
}

/**
 * Measures the cost of events on their whole way: request, facts, announcement, refresh, and roll-ups of their hour.
 *
 * Units and requests are counted on a running stack, at ten requests a second of twenty users, each with a bound
 * device. A quieter community has fewer events per refresh and roll-up, a busier one has more. Function time is
 * measured on this machine, with the memory of the template; Lambda's may differ. Not included: logs, metrics, storage,
 * backups, outgoing traffic, polls of empty queues, and the boards, which are built at most once a minute.
 */
export const measurePrice = async ({ priceSeconds }: Pick<Sizes, 'priceSeconds'>): Promise<Measurements> => {
  const costs: Cost[] = [];
  for (const size of BATCH_SIZES) {
    const meter = new Meter();
    const observing = { observe: meter.onCall, observeInvocation: meter.onInvocation, countsCapacity: true };
    const used = await withLocalStack(observing, (stack) => measureBatches(stack, meter, size, priceSeconds));
    costs.push(...rowsOf(size, used));
  }
  return { costs, ratios: [] };
};

/** The consumption per event. */
async function measureBatches(stack: LocalStack, meter: Meter, size: number, seconds: number): Promise<Consumption> {
  const at = new Date().toISOString();
  const senders: { readonly device: string; readonly key: string }[] = [];
  for (let index = 0; index < USERS; index += 1) {
    const sender = { device: `device-${index}`, key: await keyFor(stack, `user-${index}`) };
    await post(stack, '/ingest', { events: eventsOf(sender.device, at, 0, 1) }, sender.key); // binds the device
    senders.push(sender);
  }
  await stack.drain();
  meter.take(0);

  const requests = seconds * REQUESTS_A_SECOND;
  const sent: Promise<unknown>[] = [];
  for (let number = 0; number < requests; number += 1) {
    const { device, key } = senders[number % USERS] ?? { device: '', key: '' };
    const events = eventsOf(device, at, 1 + Math.floor(number / USERS) * size, size);
    sent.push(post(stack, '/ingest', { events }, key));
    await sleep(1_000 / REQUESTS_A_SECOND);
  }
  await Promise.all(sent);
  await stack.drain();
  const way = meter.take(requests);
  await rollUpNow(stack, meter.rollUps);
  const rollUps = scaled(meter.take(0), seconds / ROLL_UP_EVERY_SECONDS);
  return scaled(together(way, rollUps), 1 / (requests * size));
}

function rowsOf(size: number, ofOne: Consumption): readonly Cost[] {
  const thousand = scaled(ofOne, 1_000);
  const { api, lambda, dynamodb, sqs } = billOf(scaled(ofOne, MILLION));
  const what = `whole way of 1,000 events in batches of ${size}`;
  const price = `a million events in batches of ${size}`;
  return [
    cost(what, 'API requests', thousand.apiRequests, { floor: 1_000 / size }),
    cost(what, 'WRU', thousand.writeUnits, { floor: 1_000 / size }), // at least one write per batch
    cost(what, 'RRU', thousand.readUnits),
    cost(what, 'SQS requests', thousand.queueRequests),
    cost(what, 'invocations', thousand.invocations),
    cost(what, 'GB-seconds here', thousand.gbSeconds),
    cost(`${price}, API Gateway`, 'USD', api),
    cost(`${price}, Lambda`, 'USD', lambda),
    cost(`${price}, DynamoDB`, 'USD', dynamodb),
    cost(`${price}, SQS`, 'USD', sqs),
    cost(`${price}, all of it`, 'USD', api + lambda + dynamodb + sqs),
  ];
}
