import { fork } from 'node:child_process';
import { once } from 'node:events';
import * as z from 'zod';
import { grantOf } from '../domain/grants/grant.ts';
import { grantPoints } from '../domain/grants/grant-points.ts';
import { AccountId } from '../domain/identity/account.ts';
import { eraseAccount } from '../domain/identity/erase-account.ts';
import { Username } from '../domain/identity/username.ts';
import { rulebook } from '../domain/rules/current-rules.ts';
import { settleAll } from '../domain/shared/settle-all.ts';
import { addDays, dateOf, hourOf, isoOf, MILLISECONDS_PER_HOUR, type UtcHour } from '../domain/shared/utc.ts';
import { dynamoAccounts, toAccountItem, toNameItem } from '../functions/adapters/dynamodb/identity/accounts.ts';
import { dynamoDeviceStore } from '../functions/adapters/dynamodb/telemetry/device-store.ts';
import { chunkItem } from '../functions/adapters/dynamodb/telemetry/telemetry.items.ts';
import { random, randomToken, sha256, sleep } from '../functions/runtime/environment.ts';
import { functionOf, handlerOf, withDeployed, type Deployed } from './deployed.ts';
import { withEngine } from './engine.ts';
import { BATCH, uuidOf } from './events.ts';
import type { Item } from './item-size.ts';
import { largestRequests } from './largest-requests.ts';
import { cost, type Cost, type Measurements } from './measurements.ts';
import { putAll } from './put-all.ts';
import { saveScores, simulatedName, simulatedScore } from './simulated-scores.ts';
import { grantDeps } from './wiring.ts';
import { secondsOnLambda } from './yardstick.ts';

/** The largest hour: 5,000 events a second. */
const EVENTS_OF_AN_HOUR = 18e6;
const MILLION = 1e6;
const MINUTE = 60_000;
/** Messages or records of a batch. */
const BATCH_SIZE = 100;
const SENDERS_OF_A_CHUNK = 25;
const CHUNKS = 8_000;
/** The most devices of an account, each active on so many of the days that events may bear. */
const [DEVICES, DAYS] = [102, 30];
const SCORES = 10_000;
const LINES_OF_A_PAGE = 1_000;
const CHECKED = 100;
const ACCOUNTS_OF_A_PAGE = 1_000;

/** What functions keep of their time: they begin nothing more with less left. */
const KEPT = { queue: 20_000, backfill: 90_000, check: 3.25 * MINUTE, report: 7.5 * MINUTE };

/** Measured by the topic `limits`. */
const ELSEWHERE = ['read-api'];

type Case = {
  readonly role: string;
  /** The most that one invocation does, or that one which ends itself does without a look at its time. */
  readonly most: string;
  /** Makes the event of the first run, which only warms up, and of the second, which is measured. */
  readonly event: (run: 0 | 1) => Promise<unknown>;
  readonly check: (answer: unknown) => void;
  /** How many times as large the largest invocation is. */
  readonly times?: number;
  /** Milliseconds of its time that are kept for what it has begun. Without it, all of its time is. */
  readonly kept?: number;
};

const messages = (...bodies: readonly object[]) => ({
  Records: bodies.map((body, n) => ({
    ...{ messageId: `m${n}`, body: JSON.stringify(body) },
    attributes: { SentTimestamp: String(Date.now()) },
  })),
});
const ALL_DONE = z.object({ batchItemFailures: z.tuple([]) });
const allDone = (answer: unknown) => void ALL_DONE.parse(answer);

/** An item as Lambda gets it. */
const inStream = (item: Item): unknown =>
  JSON.parse(JSON.stringify(item, (_key, value: unknown) => (value instanceof Uint8Array ? base64(value) : value)));
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');

const chunkOf = (device: string, hour: UtcHour, senders: readonly AccountId[], count = BATCH) => {
  const events = Array.from({ length: count }, (_, n) => ({
    id: sha256(`${device}/${hour}/${n}`).slice(0, 16),
    kind: { event: 'cli_invocation', command: 'model', success: true },
    sender: senders[n % senders.length] ?? null,
  }));
  return chunkItem(uuidOf(device), hour, { index: 0, revision: 0, closed: false, events }, 'AAAAAAAA');
};

const accountItems = (ids: readonly AccountId[]) =>
  ids.flatMap((id) => {
    const name = Username.parse(id);
    return [toNameItem(name, id), toAccountItem({ id, username: name, formerNames: [], merged: [], revision: 1 })];
  });
const userOf = (n: number) => AccountId.parse(`user-${n}`);
const HEAVY = AccountId.parse('heavy');
const GIVERS = [AccountId.parse('giver-0'), AccountId.parse('giver-1')] as const;

/** Accounts with a device and a day, one with as many devices and days as an account may have, and one that gave many lines. */
async function fill(deployed: Deployed): Promise<void> {
  const { client, tables, clock } = deployed;
  const now = clock();
  const users = Array.from({ length: CHECKED }, (_, n) => userOf(n));
  await putAll(client, tables('accounts'), accountItems([...users, HEAVY, ...GIVERS]));
  const devices = dynamoDeviceStore(client, tables('telemetry'), { random, sleep, randomToken });
  const owned = [
    ...users.map((user, n) => ({ user, device: `device-${n}`, days: 1 })),
    ...Array.from({ length: DEVICES }, (_, n) => ({ user: HEAVY, device: `heavy-${n}`, days: DAYS })),
  ];
  await settleAll(owned, 8, async ({ user, device, days }) => {
    await devices.bind(uuidOf(device), user, isoOf(now));
    const hours = Array.from({ length: days }, (_, back): UtcHour => `${addDays(dateOf(now), -1 - back)}T12`);
    await putAll(
      client,
      tables('telemetry'),
      hours.map((hour) => chunkOf(device, hour, [user])),
    );
  });
  const award = { kind: 'award', points: 1, reason: 'r' } as const;
  for (const [index, grantedBy] of GIVERS.entries()) {
    const lines = Array.from({ length: index === 0 ? CHECKED : LINES_OF_A_PAGE }, (_, n) =>
      grantOf(
        { ...award, grantedBy, awardId: `${grantedBy}-${n}`, username: userOf(n % CHECKED) },
        isoOf(now),
        rulebook,
      ),
    );
    await grantPoints(grantDeps(deployed), lines);
  }
  const accounts = dynamoAccounts(client, tables('accounts'), { random, sleep }, tables('user_scores'));
  for (const giver of GIVERS) await eraseAccount({ accounts, clock, hasMoved: async () => false }, giver);
}

/** Scores, as they are or of other rules. */
async function storeScores({ client, tables, clock }: Deployed, count: number, rulesVersion?: string): Promise<void> {
  const all = Array.from({ length: count }, (_, index) => index);
  await saveScores(client, tables('user_scores'), all, (index) => ({
    ...simulatedScore(index, clock()),
    ...(rulesVersion === undefined ? {} : { rulesVersion }),
  }));
  await putAll(client, tables('accounts'), accountItems(all.map(simulatedName)));
}

const Run = z.object({ status: z.literal('done'), failed: z.literal(0) });
const Checked = z.object({ checked: z.literal(CHECKED), complete: z.literal(true) });

/** In this order: what a later one needs is there, and what would disturb an earlier one is not. */
const casesOf = (deployed: Deployed): readonly Case[] => {
  const { client, tables, clock } = deployed;
  const now = clock();
  const hoursAgo = (hours: number) => hourOf(now - hours * MILLISECONDS_PER_HOUR);
  const changes = (run: number) =>
    Array.from({ length: BATCH_SIZE }, (_, n) => {
      const device = `stream-${run}-${n}`;
      const senders = Array.from({ length: SENDERS_OF_A_CHUNK }, (_sender, m) => userOf(1_000 + 100 * n + m));
      const item = inStream(chunkOf(device, hoursAgo(1 + BATCH_SIZE * run + n), senders, SENDERS_OF_A_CHUNK));
      return {
        eventSourceARN: `arn:aws:dynamodb:us-east-1:1:table/${tables('telemetry')}/stream/1`,
        dynamodb: {
          ...{ Keys: item, NewImage: item, SequenceNumber: `${n}` }, // it reads the keys alone of `Keys`
          ApproximateCreationDateTime: now / 1_000,
        },
      };
    });
  return [
    {
      role: 'announce-changes',
      most: `${BATCH_SIZE} changed hours of ${SENDERS_OF_A_CHUNK} senders each`,
      event: async (run) => ({ Records: changes(run) }),
      check: allDone,
    },
    {
      role: 'refresh-score',
      most: `${BATCH_SIZE} accounts, from nothing`,
      event: async () => messages(...Array.from({ length: BATCH_SIZE }, (_, n) => ({ username: userOf(n) }))),
      check: allDone,
    },
    {
      role: 'refresh-score',
      most: `an account with ${DEVICES} devices and ${DAYS} days of each, from nothing`,
      event: async (run) => messages({ username: run === 0 ? userOf(0) : HEAVY }),
      check: allDone,
      kept: 60_000 - KEPT.queue,
    },
    {
      role: 'check-conservation',
      most: `a page of ${ACCOUNTS_OF_A_PAGE} accounts`,
      event: async () => ({ usernames: Array.from({ length: CHECKED }, (_, n) => userOf(n)) }),
      check: (answer) => void Checked.parse(answer),
      times: ACCOUNTS_OF_A_PAGE / CHECKED,
      kept: KEPT.check,
    },
    {
      role: 'shadow-report',
      most: `a page of ${ACCOUNTS_OF_A_PAGE} accounts`,
      event: async () => ({}),
      check: (answer) => void z.object({ users: z.literal(CHECKED + 1), next: z.null() }).parse(answer),
      times: ACCOUNTS_OF_A_PAGE / (CHECKED + 1),
      kept: KEPT.report,
    },
    {
      role: 'erase-accounts',
      most: `a page of ${LINES_OF_A_PAGE} lines that the account gave`,
      event: async (run) => messages({ account: GIVERS[run], place: { look: 2, step: 'lines-of-others', after: '' } }),
      check: allDone,
      kept: KEPT.queue,
    },
    {
      role: 'backfill',
      most: `an account with ${DEVICES} devices and ${DAYS} days of each, from nothing`,
      event: async (run) => ({ usernames: [run === 0 ? userOf(0) : HEAVY] }),
      check: (answer) => void Run.parse(answer),
      kept: KEPT.backfill,
    },
    {
      role: 'roll-up-metrics',
      most: `an hour of ${EVENTS_OF_AN_HOUR / MILLION} million events`,
      async event(run) {
        const [hour, count] = [hoursAgo(30 + run), run === 0 ? CHUNKS / 10 : CHUNKS];
        const chunks = Array.from({ length: count }, (_, n) => chunkOf(`large-${n}`, hour, [userOf(n % CHECKED)]));
        await putAll(client, tables('telemetry'), chunks);
        return messages({ hour });
      },
      check: allDone,
      times: EVENTS_OF_AN_HOUR / (CHUNKS * BATCH),
    },
    {
      role: 'backfill',
      most: `4 pages of ${ACCOUNTS_OF_A_PAGE} stale scores`,
      async event() {
        await storeScores(deployed, SCORES, 'other');
        return { mode: 'stale' };
      },
      check: (answer) => void Run.extend({ enqueued: z.number().min(SCORES) }).parse(answer),
      times: (4 * ACCOUNTS_OF_A_PAGE) / SCORES,
      kept: KEPT.backfill,
    },
    {
      role: 'rank-leaderboards',
      most: 'the boards of a million scores',
      async event(run) {
        await storeScores(deployed, run === 0 ? SCORES / 10 : SCORES);
        return {};
      },
      check: (answer) => void z.object({ status: z.literal('done') }).parse(answer),
      times: MILLION / SCORES,
    },
    {
      role: 'forward-request',
      most: 'a request and an answer of 5 MB',
      event: async () => ({
        ...{ rawPath: '//ingest', rawQueryString: '', headers: {}, isBase64Encoded: false },
        ...{ requestContext: { requestId: 'bench', http: { method: 'POST' } }, body: 'a'.repeat(5 << 20) },
      }),
      check: (answer) => void z.object({ statusCode: z.literal(200) }).parse(answer),
    },
  ];
};

async function measureCase(deployed: Deployed, { role, most, event, check, times = 1, kept }: Case) {
  const model = await functionOf(role);
  const handler = await handlerOf(role);
  const context = { getRemainingTimeInMillis: () => model.timeoutMs };
  let [seconds, calls] = [0, 0];
  for (const run of [0, 1] as const) {
    const given = await event(run);
    calls = await deployed.callsDuring(async () => {
      seconds = await secondsOnLambda(model.memoryMb, async () => check(await handler(given, context)));
    });
  }
  const name = `${role} in ${model.memoryMb} MB: ${most}`;
  return [
    cost(name, 'calls', Math.round(times * calls)),
    cost(name, 's', times * seconds, { budget: (kept ?? model.timeoutMs) / 2_000 }),
  ];
}

/** The size of a process that folds a large hour, with the heap that Lambda gives it. */
async function measureFoldSize(): Promise<Cost> {
  const { memoryMb } = await functionOf('roll-up-metrics');
  const [semiSpace, oldSpace] = [0.05, 0.9].map((part) => Math.floor(part * memoryMb)); // as its runtime starts node
  const child = fork(new URL('large-fold.ts', import.meta.url), {
    execArgv: [`--max-semi-space-size=${semiSpace}`, `--max-old-space-size=${oldSpace}`],
  });
  const [{ megabytes }] = z
    .tuple([z.object({ megabytes: z.number() })], z.unknown())
    .parse(await once(child, 'message'));
  return cost(`roll-up-metrics in ${memoryMb} MB: a fold of a million events, resident`, 'MB', megabytes, {
    budget: 512,
  });
}

/** Functions that end themselves do nothing more once only what they keep is left. */
async function measureEnds(deployed: Deployed): Promise<readonly Cost[]> {
  const events: Readonly<Record<string, readonly [kept: number, event: unknown]>> = {
    'refresh-score': [KEPT.queue, messages({ username: HEAVY })],
    'erase-accounts': [KEPT.queue, messages({ account: GIVERS[1] })],
    backfill: [KEPT.backfill, { mode: 'stale', dryRun: true }],
  };
  const costs: Cost[] = [];
  for (const [role, [kept, event]] of Object.entries(events)) {
    const handler = await handlerOf(role);
    const context = { getRemainingTimeInMillis: () => kept - 1 };
    const calls = await deployed.callsDuring(() => handler(event, context));
    costs.push(cost(`${role} with less than ${kept / 1_000} s left`, 'calls', calls, { budget: 5 }));
  }
  return costs;
}

/**
 * The time of the largest invocation of every function: its CPU, measured in the bundle that is deployed and counted in units
 * of a yardstick, at the function's share of a processor. At most half of its time, which the template has.
 */
export const measureTimeouts = (): Promise<Measurements> =>
  withEngine((engine) =>
    withDeployed(engine, async (deployed) => {
      await fill(deployed);
      const costs: Cost[] = [];
      const cases = [...casesOf(deployed), ...(await largestRequests(deployed, HEAVY))];
      const missing = deployed.roles.filter(
        (role) => !ELSEWHERE.includes(role) && !cases.some((each) => each.role === role),
      );
      if (missing.length > 0) throw new Error(`no largest invocation of ${missing.join(', ')}`);
      for (const each of cases) costs.push(...(await measureCase(deployed, each)));
      costs.push(...(await measureEnds(deployed)), await measureFoldSize());
      return { costs, ratios: [] };
    }),
  );
