import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addDays, dateOf } from '../../domain/shared/utc.ts';
import { operate, spawnOperator } from '../support/operator.ts';
import { startTestStack, type TestStack, until } from '../support/stack.ts';

let stack: TestStack;
const file = (name: string) => join(stack.dataDirectory, name);
beforeAll(async () => {
  stack = await startTestStack({ adapt: (model) => model }); // gathers batches as deployed: many changes of few users
  stack.publish();
});
afterAll(() => stack.stop());

/** Each request has a new event and one of the request before it, as from a client that retries. */
function writeRecording(name: string, username: string, requests: number): string {
  const eventOf = (index: number) => ({
    event: 'cli_invocation',
    distinct_id: `device-of-${username}`,
    properties: { startedAt: `2026-03-0${1 + (index % 5)}T10:00:00.000Z`, invocation: { command: `c${index}` } },
  });
  const lines = Array.from({ length: requests }, (_, index) => ({
    path: index % 2 === 0 ? '/ingest' : '//ingest',
    key: username,
    headers: { 'content-type': 'application/json' },
    body: { events: [eventOf(Math.max(0, index - 1)), eventOf(index)] },
  }));
  writeFileSync(file(name), lines.map((line) => JSON.stringify(line)).join('\n'));
  return file(name);
}

const statsOf = async (username: string) =>
  await (await fetch(`${stack.baseUrl}/v1/stats?username=${username}`)).json();

describe('replay', () => {
  it('counts nothing twice after a kill, and keeps its original shift', async () => {
    const recording = writeRecording('killed.ndjson', 'eve', 80);
    const state = `${recording}.replay`;
    const sent = () => {
      try {
        return (JSON.parse(readFileSync(state, 'utf8')) as { sent: number }).sent;
      } catch {
        return 0; // not started
      }
    };
    const args = ['replay', recording, '--shift-to-today', '--local', stack.dataDirectory, '--json'];
    const first = spawnOperator(args);
    await until(() => sent() >= 5);
    first.process.kill('SIGKILL');
    await first.ended;
    expect(sent()).toBeLessThan(80);
    // As after a kill between an answer and its checkpoint.
    const kept = JSON.parse(readFileSync(state, 'utf8')) as { sent: number };
    writeFileSync(state, JSON.stringify({ ...kept, sent: kept.sent - 3 }));

    const second = await operate(stack.dataDirectory, 'replay', recording);

    expect(second).toMatchObject({
      code: 0,
      said: { requests: 80, sent: 80, resumedAt: kept.sent - 3, done: true, rejected: 0, refused: {} },
    });
    await stack.drain();
    const today = dateOf(Date.now());
    expect(await statsOf('eve')).toMatchObject({
      totalEvents: 80,
      devices: 1,
      activeDates: [-4, -3, -2, -1, 0].map((days) => addDays(today, days)),
    });

    const again = await operate(stack.dataDirectory, 'replay', recording);
    expect(again).toMatchObject({ code: 0, said: { sent: 80, resumedAt: 80 } });
    const restarted = await operate(stack.dataDirectory, 'replay', recording, '--restart', '--shift-to-today');
    expect(restarted).toMatchObject({ code: 0, said: { accepted: 0, duplicates: 160 } });
  });

  it('ends with 3 and the counts if requests are refused', async () => {
    const recording = writeRecording('refused.ndjson', 'mallory', 2);
    writeFileSync(file('keys.json'), JSON.stringify({ mallory: 'lrl_unregistered' }));

    const { code, said } = await operate(stack.dataDirectory, 'replay', recording, '--keys', file('keys.json'));

    expect(code).toBe(3);
    expect(said).toMatchObject({ accepted: 0, refused: { 401: 2 } });
  });

  it('sends nothing of a recording with an invalid line', async () => {
    writeRecording('broken.ndjson', 'frank', 2);
    writeFileSync(file('broken.ndjson'), '{"path": 1}', { flag: 'a' });

    expect(await operate(stack.dataDirectory, 'replay', file('broken.ndjson'))).toMatchObject({
      code: 2,
      said: { code: 'usage' },
    });
    expect((await fetch(`${stack.baseUrl}/v1/stats?username=frank`)).status).toBe(404);
  });

  it('does not continue with the state of another recording', async () => {
    const recording = writeRecording('changed.ndjson', 'gil', 1);
    await operate(stack.dataDirectory, 'replay', recording, '--shift-to-today');
    writeRecording('changed.ndjson', 'gil', 2);

    expect(await operate(stack.dataDirectory, 'replay', recording)).toMatchObject({ code: 2 });
  });
});
