import { LambdaClient, InvokeCommand } from '@aws-sdk/client-lambda';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { expect } from 'vitest';
import { addDays, dateOf, dayNumberOf } from '../../domain/shared/utc.ts';
import { dynamoRollupStore } from '../../functions/adapters/dynamodb/metrics/rollup-store.ts';
import type { TestStack } from '../support/stack.ts';
import { truth } from './recording.ts';

const DAY = 86_400_000;

/** Runs all roll-ups now, as the queue does a minute later. */
async function rollUpNow({ lambdaEndpoint, region, functions }: TestStack): Promise<void> {
  const credentials = { accessKeyId: 'operator', secretAccessKey: 'operator' };
  const lambda = new LambdaClient({ endpoint: lambdaEndpoint, region, credentials });
  const command = new InvokeCommand({ FunctionName: functions['roll-up-metrics']!, Payload: Buffer.from('{}') });
  const { FunctionError, Payload } = await lambda.send(command);
  lambda.destroy();
  expect({ FunctionError, answer: JSON.parse(Buffer.from(Payload ?? []).toString()) }).toMatchObject({
    answer: { status: 'done' },
  });
}

/** Compares every hour, day and week in the truth file with the stack's roll-ups. */
export async function expectCommunityTruth(stack: TestStack, shiftDays: number): Promise<void> {
  const shifted = (date: string) => addDays(date, shiftDays);
  await rollUpNow(stack);

  const { dynamodbEndpoint: endpoint, region, tables, baseUrl } = stack;
  const credentials = { accessKeyId: 'operator', secretAccessKey: 'operator' };
  const client = new DynamoDBClient({ endpoint, region, credentials });
  const rollups = dynamoRollupStore(client, tables.metric_rollup_hour!, { clock: Date.now, sleep: async () => {} });
  const hours: Record<string, number> = {};
  for (const date of Object.keys(truth.activeDevicesByDay)) {
    const { day } = await rollups.load(shifted(date));
    for (const [hour, { eventCount }] of day.series.get('CLI_INVOCATION#community')!.hours) {
      hours[`${date}T${String(hour).padStart(2, '0')}`] = Number(eventCount);
    }
  }
  client.destroy();
  expect(hours).toEqual(truth.communityHours);

  const today = dayNumberOf(dateOf(Date.now())) * DAY;
  const read = async (path: string): Promise<any> => (await fetch(`${baseUrl}/community-metrics${path}`)).json();
  const series = await read(`/series?since=${today - 40 * DAY}&to=${today}`);
  const byDay = (field: string) =>
    Object.fromEntries(
      (series.steps_start_times as number[])
        .map((start, index) => [addDays(dateOf(start), -shiftDays), series[field][index]] as const)
        .filter(([, count]) => count !== 0),
    );
  const invocationsByDay: Record<string, number> = {};
  for (const [hour, count] of Object.entries(truth.communityHours)) {
    invocationsByDay[hour.slice(0, 10)] = (invocationsByDay[hour.slice(0, 10)] ?? 0) + count;
  }
  expect(byDay('cli_invocations')).toEqual(invocationsByDay);
  expect(byDay('active_devices')).toEqual(truth.activeDevicesByDay);

  const week = await read('?interval=WEEK');
  const lastWeek = Object.entries(invocationsByDay).filter(([date]) => date >= '2026-11-13' && date < '2026-11-20');
  expect(week.active_devices.newer).toEqual({
    period_start: today - 7 * DAY,
    period_end: today,
    event_count: truth['activeDevicesWeekTo2026-11-20'],
    value_count: 0,
  });
  expect(week.cli_invocations.newer.event_count).toBe(lastWeek.reduce((sum, [, count]) => sum + count, 0));
  const day = await read('?interval=DAY');
  expect(day.active_devices.newer.event_count).toBe(truth.activeDevicesByDay['2026-11-19']);
  expect(day.active_devices.older.event_count).toBe(truth.activeDevicesByDay['2026-11-18']);
}
