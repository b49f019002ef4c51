import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import * as z from 'zod';
import type { AccountId } from '../domain/identity/account.ts';
import { Username } from '../domain/identity/username.ts';
import type { ObservedInvocation } from '../local/lambda/function-pool.ts';
import type { LocalStack } from '../local/local-stack.ts';
import type { ObservedCall } from '../local/proxy/aws-proxy.ts';
import {
  billOf,
  gbSecondsOfOne,
  nothingUsed,
  scaled,
  sumOf,
  together,
  waitsOf,
  type Consumption,
  type Span,
} from './bill.ts';
import { measureMinute, type Community } from './busy-minute.ts';
import { chargesOf } from './capacity-meter.ts';
import { benchAssembly, withEngine } from './engine.ts';
import { eventsOf, uuidOf } from './events.ts';
import { itemSize } from './item-size.ts';
import { keyFor, post, withLocalStack } from './local-stack.ts';
import { matureAccount } from './mature-account.ts';
import { cost, median, type Cost, type Measurements } from './measurements.ts';
import type { Sizes } from './sizes.ts';
import { storedItems } from './stored-items.ts';
import { namesOf, type Surroundings } from './wiring.ts';

const MILLION = 1e6;
const ACTIVE_DAYS = 700;
const ACCOUNTS_OF_ONE_A_SECOND = 2_000;
const ACCOUNTS_OF_A_HUNDRED_A_SECOND = 100_000;
/**
 * On Lambda, functions that are invoked every few seconds are warm. After this many runs, Node has compiled their code.
 */
const WARM_RUNS = 80;
/** The bench counts from this second of the traffic on: before, each account is refreshed sooner. */
const SECONDS_BEFORE = 12;
/** DynamoDB adds so much to each item and to each entry of an index. developer guide, "item sizes and formats" */
const BYTES_ADDED = 100;
/** CloudWatch adds so much to each line. */
const BYTES_ADDED_TO_A_LINE = 26;

type Traffic = {
  readonly batch: number;
  /** On the stack. */
  readonly requestsASecond: number;
  readonly users: number;
  /** Who pays for a minute's roll-ups and boards. */
  readonly community: Community;
  /** Of one event. */
  readonly units?: { readonly writes: number; readonly reads: number; readonly refreshes: number };
  /** Of a million events, in dollars: with all that is counted but the functions' time, or without roll-ups and boards. */
  readonly whole?: number;
  readonly way?: number;
};

/**
 * A user's requests are always 2 s apart. The targets for a million events are 5.00 dollars at one event a second and
 * 4.00 at a hundred, with everything counted. Budgets leave out the functions' time, which depends on the machine.
 */
const TRAFFIC: readonly Traffic[] = [
  {
    ...{ batch: 1, requestsASecond: 1, users: 2, whole: 4.5 },
    community: { eventsASecond: 1, active: 2, accounts: ACCOUNTS_OF_ONE_A_SECOND },
    units: { writes: 2.4, reads: 3, refreshes: 0.5 },
  },
  {
    ...{ batch: 1, requestsASecond: 10, users: 20, whole: 3.8 },
    community: { eventsASecond: 100, active: 200, accounts: ACCOUNTS_OF_A_HUNDRED_A_SECOND },
    units: { writes: 2.4, reads: 3, refreshes: 0.5 }, // where twenty users begin, two refreshes come close together
  },
  {
    ...{ batch: 25, requestsASecond: 10, users: 20, way: 0.2 },
    community: { eventsASecond: 250, active: 20, accounts: ACCOUNTS_OF_ONE_A_SECOND },
  },
  {
    ...{ batch: 50, requestsASecond: 10, users: 20, way: 0.12 },
    community: { eventsASecond: 500, active: 20, accounts: ACCOUNTS_OF_ONE_A_SECOND },
  },
];

/** Adds when something ran that has just ended. */
function justNow<Observed extends { readonly milliseconds: number }>(observed: Observed): Observed & Span {
  const to = performance.now();
  return { ...observed, from: to - observed.milliseconds, to };
}

/** The functions on an event's way. Roll-ups and boards are counted by the minute, and their messages as well. */
const WAY: ReadonlySet<string> = new Set(['ingest-telemetry', 'announce-changes', 'refresh-score']);

/** Counts the calls and invocations of a stack. */
class Meter {
  #calls: (ObservedCall & Span)[] = [];
  #invocations: (ObservedInvocation & Span)[] = [];
  #logBytes = 0;

  readonly onCall = (call: ObservedCall): void => void this.#calls.push(justNow(call));
  readonly onInvocation = (invocation: ObservedInvocation): void => void this.#invocations.push(justNow(invocation));

  /** Returns the consumption since the last call, and the refreshes. */
  take(logBytes: number): { readonly used: Consumption; readonly refreshes: number } {
    const calls = this.#calls.filter(({ caller, body }) => WAY.has(caller) && !/-(?:roll-up|rank)"/u.test(body));
    const invocations = this.#invocations.filter(({ role }) => WAY.has(role));
    const logged = logBytes - this.#logBytes;
    this.#logBytes = logBytes;
    this.#calls = [];
    this.#invocations = [];
    const units = { writes: 0, reads: 0 };
    let refreshes = 0;
    for (const { operation, body, status, consumedCapacity: ConsumedCapacity } of calls) {
      if (status >= 400 && /Put|Update/u.test(operation)) units.writes += 1; // a failed condition costs a write
      if (ConsumedCapacity === undefined) continue;
      const charges = chargesOf({ ConsumedCapacity });
      const taken = charges.reduce((sum, { units: each }) => sum + each, 0);
      if (/Put|Update|Delete|Write/u.test(operation)) units.writes += taken;
      else units.reads += taken;
      if (isSaveOfScore(operation, body)) refreshes += 1;
    }
    const queueRequests = calls.filter(
      // empty polls do not depend on the traffic
      ({ operation, received }) => operation.startsWith('AmazonSQS.') && received !== 0,
    ).length;
    return {
      used: {
        ...nothingUsed,
        invocations: invocations.length,
        gbSeconds: gbSecondsOf(invocations, calls),
        writeUnits: units.writes,
        readUnits: units.reads,
        queueRequests,
        logBytes: logged,
      },
      refreshes,
    };
  }
}

const Put = z.object({ Item: z.object({ sk: z.object({ S: z.string() }) }) });
const isSaveOfScore = (operation: string, body: string): boolean =>
  operation.endsWith('.PutItem') && Put.safeParse(JSON.parse(body)).data?.Item.sk.S === 'SCORE';

/** Uses the median of each function's CPU time, so that cold starts and a busy machine count less. */
function gbSecondsOf(
  invocations: readonly (ObservedInvocation & Span)[],
  calls: readonly (ObservedCall & Span)[],
): number {
  const byRole = Map.groupBy(invocations, ({ role }) => role);
  return [...byRole].reduce((sum, [role, each]) => {
    const cpuMs = median(each.flatMap((invocation) => invocation.cpuMs ?? []));
    // Lambda polls queues and streams outside the function's time.
    const own = calls.filter(
      ({ caller, operation }) => caller === role && !/(?:Receive|Delete)Message|Streams_/u.test(operation),
    );
    const most = own.length / each.length; // of invocations at the same time, each would have the calls of all
    return each.reduce((ofRole, { memoryMb, from, to }) => {
      const waits = waitsOf(own.filter((call) => call.from >= from && call.to <= to));
      return ofRole + gbSecondsOfOne({ memoryMb, cpuMs, waits: Math.min(most, waits) });
    }, sum);
  }, 0);
}

/** What the functions have logged, as CloudWatch counts it. */
function loggedIn(dataDirectory: string): number {
  const logs = join(dataDirectory, 'logs');
  const lines = readdirSync(logs)
    .filter((file) => file !== 'engine.log')
    .flatMap((file) => readFileSync(join(logs, file), 'utf8').split('\n').filter(Boolean));
  return lines.reduce((sum, line) => sum + Buffer.byteLength(line) + BYTES_ADDED_TO_A_LINE, 0);
}

const HttpStage = z.object({
  Type: z.literal('AWS::ApiGatewayV2::Stage'),
  Properties: z.object({ AccessLogSettings: z.object({ Format: z.string() }) }),
});
/** What the gateway writes for `$context.…`, by its last word. */
const LOGGED_VALUES: Readonly<Record<string, string>> = {
  requestId: 'JKJaXmPLvHcESHA=',
  sourceIp: '203.0.113.100',
  httpMethod: 'POST',
  routeKey: 'ANY /ingest',
  status: '202',
  responseType: '-',
  responseLength: '143',
  responseLatency: '25',
};

/** The gateway's line of a request, by the format in the template. */
async function accessLineBytes(): Promise<number> {
  const resources = Object.values((await benchAssembly()).template.Resources);
  const [format] = resources.flatMap(
    (resource) => HttpStage.safeParse(resource).data?.Properties.AccessLogSettings.Format ?? [],
  );
  if (format === undefined) throw new Error('the template has no access log');
  const line = format.replaceAll(/\$context\.[\w.]*?(\w+)(?=")/gu, (_, name: string) => {
    const value = LOGGED_VALUES[name];
    if (value === undefined) throw new Error(`the access log has ${name}, whose length is not known`);
    return value;
  });
  return line.length + BYTES_ADDED_TO_A_LINE;
}

/**
 * Measures the cost of events on their whole way: request, facts, announcement, refresh of a mature account, logs, the
 * facts that stay, and its part of roll-ups and boards.
 *
 * Units and requests are counted on a running stack. Function time is computed from the processor's time here, the memory in
 * the template and the calls that wait for each other (`gbSecondsOfOne`); Lambda's may differ. A hundred events a second are
 * counted at ten: invocations share more there. Not included: metrics and alarms, outgoing traffic, polls of empty queues, midnight, and the two log lines a minute of
 * roll-ups and boards.
 */
export const measurePrice = async ({ priceSeconds }: Pick<Sizes, 'priceSeconds'>): Promise<Measurements> => {
  const costs: Cost[] = [];
  for (const traffic of TRAFFIC) costs.push(...(await measureTraffic(traffic, priceSeconds)));
  return { costs, ratios: [] };
};

async function measureTraffic(traffic: Traffic, seconds: number): Promise<readonly Cost[]> {
  const meter = new Meter();
  const observing = { observe: meter.onCall, observeInvocation: meter.onInvocation, countsCapacity: true };
  const way = await withLocalStack(observing, (stack, dataDirectory) =>
    measureWay(stack, { meter, traffic, seconds, dataDirectory }),
  );
  const minute = await withEngine((engine) => measureMinute(engine, traffic.community));
  const ofOne = scaled(minute, 1 / (60 * traffic.community.eventsASecond));
  return [...wayRows(traffic, way), ...priceRows(traffic, { ...way, minute: ofOne })];
}

type Sender = { readonly device: string; readonly key: string; readonly account: AccountId };

type Way = {
  readonly used: Consumption;
  /** The part of it that an address of Lambda would save. */
  readonly gateway: Consumption;
  readonly refreshes: number;
};

/** The consumption per event. */
async function measureWay(
  stack: LocalStack,
  {
    meter,
    traffic: { batch, requestsASecond, users },
    seconds,
    dataDirectory,
  }: { readonly meter: Meter; readonly traffic: Traffic; readonly seconds: number; readonly dataDirectory: string },
): Promise<Way> {
  const credentials = { accessKeyId: 'operator', secretAccessKey: 'operator' };
  const { region } = stack;
  const client = new DynamoDBClient({ endpoint: stack.dynamodbEndpoint, region, credentials });
  const lambda = new LambdaClient({ endpoint: stack.lambdaEndpoint, region, credentials });
  const tables = (role: string) => stack.tables[role] ?? role;
  const surroundings: Surroundings = { client, tables, clock: Date.now };
  try {
    const at = new Date().toISOString();
    const senders: Sender[] = [];
    for (let index = 0; index < users; index += 1) {
      const name = `user-${index}`;
      const device = `device-${index}`;
      const key = await keyFor(stack, name);
      await post(stack, '/ingest', { events: eventsOf(device, at, 0, 1) }, key); // binds the device
      const username = Username.parse(name);
      const account = (await namesOf(surroundings).accountsOf([username]))(username);
      await matureAccount(surroundings, account, { deviceId: uuidOf(device), activeDays: ACTIVE_DAYS });
      senders.push({ device, key, account });
    }
    const send = async (number: number) => {
      const sender = senders[number % users];
      if (sender === undefined) throw new Error('nobody sends');
      const { device, key } = sender;
      const events = eventsOf(device, at, 1 + Math.floor(number / users) * batch, batch);
      return post(stack, '/ingest', { events }, key);
    };
    const warm = Math.ceil(WARM_RUNS / users) * users;
    for (let number = 0; number < warm; number += 1) await send(number); // with today's first refresh
    await stack.drain();
    for (let run = 0; run < WARM_RUNS / users; run += 1) {
      const FunctionName = 'laurel-local-refresh-score';
      await lambda.send(new InvokeCommand({ FunctionName, Payload: refreshesOf(senders, at) }));
    }
    let next = warm;
    const sendFor = async (time: number): Promise<void> => {
      const sent: Promise<unknown>[] = [];
      for (const end = next + time * requestsASecond; next < end; next += 1) {
        sent.push(send(next));
        await sleep(1_000 / requestsASecond);
      }
      await Promise.all(sent);
    };
    await sendFor(SECONDS_BEFORE);
    meter.take(loggedIn(dataDirectory));
    const storedBefore = await storedBytes(surroundings);
    await sendFor(seconds);
    const requests = seconds * requestsASecond;
    const { used, refreshes } = meter.take(loggedIn(dataDirectory));
    const stored = (await storedBytes(surroundings)) - storedBefore;
    await stack.drain();
    const gateway = { ...nothingUsed, apiRequests: requests, logBytes: requests * (await accessLineBytes()) };
    const events = requests * batch;
    return {
      used: scaled(together({ ...used, storedBytes: stored }, gateway), 1 / events),
      gateway: scaled(gateway, 1 / events),
      refreshes: refreshes / events,
    };
  } finally {
    client.destroy();
    lambda.destroy();
  }
}

/** An event of the queue that requests a refresh of each sender. */
const refreshesOf = (senders: readonly Sender[], at: string): string =>
  JSON.stringify({
    Records: senders.map(({ account }) => ({
      messageId: account,
      body: JSON.stringify({ username: account, days: [at.slice(0, 10)], ledger: false }),
    })),
  });

const INDEXED = ['pk', 'sk', 'dayShard', 'hour'] as const;

/** The facts, each with its entry in the index by hour. */
async function storedBytes({ client, tables }: Surroundings): Promise<number> {
  const chunks = await storedItems(client, tables('telemetry'), ({ sk }) => sk.startsWith('HOUR#'));
  return chunks.reduce((sum, chunk) => {
    const entry = INDEXED.flatMap((name) => (chunk[name] === undefined ? [] : [[name, chunk[name]] as const]));
    return sum + itemSize(chunk) + itemSize(Object.fromEntries(entry)) + 2 * BYTES_ADDED;
  }, 0);
}

function wayRows({ batch, requestsASecond, units }: Traffic, { used: ofOne, refreshes }: Way): readonly Cost[] {
  const what = `way of an event, batches of ${batch}, ${requestsASecond} a second`;
  return [
    cost(what, 'WRU', ofOne.writeUnits, { floor: 1 / batch, budget: units?.writes ?? null }), // one write a batch
    cost(what, 'RRU', ofOne.readUnits, { budget: units?.reads ?? null }),
    cost(what, 'refreshes', refreshes, { budget: units?.refreshes ?? null }),
    cost(what, 'SQS requests', ofOne.queueRequests),
    cost(what, 'invocations', ofOne.invocations, { floor: 1 / batch }),
    cost(what, 'GB-seconds here', ofOne.gbSeconds),
    cost(what, 'bytes of logs', ofOne.logBytes),
    cost(what, 'bytes that stay', ofOne.storedBytes),
  ];
}

function priceRows(
  { batch, community: { eventsASecond, accounts }, way: wayBudget, whole }: Traffic,
  { used: way, gateway, minute }: Way & { readonly minute: Consumption },
): readonly Cost[] {
  const price = `a million events in batches of ${batch}, ${eventsASecond} a second, ${accounts.toLocaleString('en')} accounts`;
  const bill = billOf(scaled(way, MILLION));
  const all = scaled(together(way, minute), MILLION);
  const floor = sumOf(billOf({ ...nothingUsed, apiRequests: MILLION / batch, invocations: MILLION / batch }));
  return [
    cost(`${price}: API Gateway`, 'USD', bill.api),
    cost(`${price}: Lambda`, 'USD', bill.lambda),
    cost(`${price}: DynamoDB`, 'USD', bill.dynamodb),
    cost(`${price}: SQS`, 'USD', bill.sqs),
    cost(`${price}: logs`, 'USD', bill.logs),
    cost(`${price}: storage, a month`, 'USD', bill.storage),
    cost(`${price}: roll-ups and boards`, 'USD', sumOf(billOf(scaled(minute, MILLION)))),
    cost(`${price}: all of it without roll-ups and boards`, 'USD', sumOf(bill), { floor, budget: wayBudget ?? null }),
    cost(`${price}: all of it`, 'USD', sumOf(billOf(all)), { floor }),
    cost(
      `${price}: all of it, through an address of Lambda`,
      'USD',
      sumOf(billOf(all)) - sumOf(billOf(scaled(gateway, MILLION))),
    ),
    // A busy machine takes longer.
    cost(`${price}: all of it without function time`, 'USD', sumOf(billOf({ ...all, gbSeconds: 0 })), {
      floor,
      budget: whole ?? null,
    }),
  ];
}
