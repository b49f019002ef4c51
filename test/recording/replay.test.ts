import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { describe, expect, it, onTestFinished } from 'vitest';
import * as z from 'zod';
import { datesFrom } from '../../domain/shared/by-date.ts';
import { settleAll } from '../../domain/shared/settle-all.ts';
import { addDays, dateOf, dayNumberOf } from '../../domain/shared/utc.ts';
import { dynamoUserTelemetry } from '../../functions/adapters/dynamodb/telemetry/user-telemetry.ts';
import { scoreOn } from '../../proof/model/scoring.ts';
import { expectCommunityTruth } from './community-truth.ts';
import { datedFactsOf, firstDateOf } from './dated-truth.ts';
import { requests, truth, type Recorded } from './recording.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';

/** The recording's 2026-11-20 falls on today: whole days are added, so hours and scores do not change. */
const shiftDays = dayNumberOf(dateOf(Date.now())) - dayNumberOf('2026-11-20');
const shifted = (text: string): string =>
  text.replaceAll(
    /("(?:startedAt|completedAt)":")(\d{4}-\d{2}-\d{2})/gu,
    (_, field: string, date: string) => field + addDays(date, shiftDays),
  );

const devicesOf = ({ body }: Recorded): string[] => [
  ...new Set([...JSON.stringify(body).matchAll(/"distinct_id":"([^"]+)"/gu)].map(([, device]) => device!)),
];
const keysOfDevice = Map.groupBy(
  requests.flatMap((request) => devicesOf(request).map((device) => ({ device, key: request.key }))),
  ({ device }) => device,
);
const hasTwoKeys = (device: string): boolean =>
  new Set(keysOfDevice.get(device)!.flatMap(({ key }) => (key === null ? [] : [key]))).size > 1;

async function keysFor(stack: TestStack): Promise<ReadonlyMap<string, string>> {
  const usernames = [...new Set(requests.flatMap(({ key }) => (key === null ? [] : [key])))];
  const keys = await settleAll(usernames, 4, async (username) => {
    if (username === 'unregistered') return [username, 'lrl_unregistered'] as const;
    const headers = { 'x-api-key': stack.adminKey, 'content-type': 'application/json' };
    const body = JSON.stringify({ kind: 'personal', username });
    const response = await fetch(`${stack.baseUrl}/v1/keys`, { method: 'POST', headers, body });
    expect(response.status).toBe(201);
    return [username, z.object({ key: z.string() }).parse(await response.json()).key] as const;
  });
  return new Map(keys);
}

const Answer = z.object({ accepted: z.int(), duplicates: z.int(), rejected: z.int() });

/** Sends requests in the given queues: each in order, side by side with the others. */
async function send(stack: TestStack, queues: readonly (readonly Recorded[])[]) {
  const keys = await keysFor(stack);
  const sum = { accepted: 0, duplicates: 0, rejected: 0 };
  await settleAll(queues, queues.length, async (queue) => {
    for (const { seq, path, key, headers, body } of queue) {
      const response = await fetch(stack.baseUrl + path, {
        method: 'POST',
        headers: { ...headers, ...(key === null ? {} : { 'x-api-key': keys.get(key)! }) },
        body: shifted(JSON.stringify(body)),
      });
      const isRefused = key === 'unregistered';
      expect({ seq, status: response.status }).toEqual({ seq, status: isRefused ? 401 : 202 });
      if (isRefused) continue;
      const { accepted, duplicates, rejected } = Answer.parse(await response.json());
      sum.accepted += accepted;
      sum.duplicates += duplicates;
      sum.rejected += rejected;
    }
  });
  await stack.drain();
  return sum;
}

async function expectTruth(stack: TestStack): Promise<void> {
  const { dynamodbEndpoint: endpoint, region, tables } = stack;
  const credentials = { accessKeyId: 'operator', secretAccessKey: 'operator' };
  const client = new DynamoDBClient({ endpoint, region, credentials });
  const telemetry = dynamoUserTelemetry(client, tables.telemetry!);
  const perDevice = await settleAll(Object.keys(truth.devices), 8, async (device) => {
    const events = [];
    for await (const hour of telemetry.hoursOf(device))
      events.push(...hour.events.map(({ id }) => `${hour.hour} ${id}`));
    expect(new Set(events).size).toBe(events.length);
    return [device, events.length] as const;
  });
  client.destroy();
  expect(Object.fromEntries(perDevice)).toEqual(truth.devices);

  for (const [username, expected] of Object.entries(truth.users)) {
    const read = async (path: string) => (await fetch(stack.baseUrl + path)).json();
    expect(await read(`/v1/stats?username=${username}`)).toMatchObject({
      username,
      totalEvents: expected.totalEvents,
      eventCounts: { cli_invocation: expected.totalEvents },
      commandCounts: expected.commandCounts,
      activeDates: expected.activeDates.map((date) => addDays(date, shiftDays)),
      devices: expected.devices.length,
    });
    expect(await read(`/v1/scores/${username}`)).toMatchObject({
      username,
      canonicalScore: expected.activityScore,
      activityScore: expected.activityScore,
    });
    const facts = datedFactsOf(username, (date) => addDays(date, shiftDays));
    const [from, to] = [firstDateOf(facts), addDays('2026-11-20', shiftDays)];
    expect(await read(`/v1/scores/${username}/history?from=${from}&to=${to}`)).toEqual({
      days: [...datesFrom(from, to)].map((date) => ({ date, canonicalScore: scoreOn(date, facts) })),
    });
  }
  await expectCommunityTruth(stack, shiftDays);
}

/** A fixed shuffle: what fails can be run again. */
function shuffled<Item>(items: readonly Item[], seed: number): Item[] {
  let state = seed;
  const next = () => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
  return items
    .map((item) => ({ item, place: next() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}

async function aStack(): Promise<TestStack> {
  const stack = await startTestStack({ adapt: (model) => model }); // gathers as it would be deployed: all else is more work
  onTestFinished(() => stack.stop());
  return stack;
}

describe('the recorded traffic of a real client, sent to the running stack', () => {
  it('in order, gives exactly the counts and scores of its truth file', async () => {
    const stack = await aStack();

    const sum = await send(stack, [requests]);

    expect(sum.accepted).toBe(truth.distinctPerDevice);
    expect(sum.accepted + sum.duplicates).toBe(truth.eventsSent - truth.eventsRefused);
    expect(sum.rejected).toBe(0);
    await expectTruth(stack);
  });

  it('by 8 senders at once in random order, gives the same', async () => {
    const stack = await aStack();
    // Of two keys the first counts, so the requests of a device that was used with two keep their order.
    const ordered = requests.filter((request) => devicesOf(request).some(hasTwoKeys));
    const free = shuffled(
      requests.filter((request) => !ordered.includes(request)),
      7,
    );
    const queues = Array.from({ length: 7 }, (_, sender) => free.filter((_request, index) => index % 7 === sender));

    const sum = await send(stack, [ordered, ...queues]);

    expect(sum.accepted).toBe(truth.distinctPerDevice);
    await expectTruth(stack);
  });
});
