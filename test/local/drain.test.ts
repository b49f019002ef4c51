import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { drain } from '../../local/drain.ts';
import type { EventSource } from '../../local/events/event-source.ts';

/** Drains a stack of one queue, whose messages are all delayed until it was asked a few times. */
async function asksUntilDrained(role: string, sources: readonly EventSource[] = []): Promise<number> {
  let asks = 0;
  await drain({
    stack: { queueMappings: [{ queue: { role, url: 'http://queues/any' } }] } as never,
    functions: new Map(),
    sources,
    operator: async (_operation, input) => {
      asks += 1;
      const { AttributeNames } = input as { AttributeNames: string[] };
      const isDelayed = (name: string) => name.endsWith('Delayed') && asks < 4;
      return { Attributes: Object.fromEntries(AttributeNames.map((name) => [name, isDelayed(name) ? '1' : '0'])) };
    },
    timeoutMs: 60_000,
    logs: mkdtempSync(join(tmpdir(), 'laurel-')),
  });
  return asks;
}

it('asks no queue while something runs', async () => {
  let checks = 0;
  const isIdle = () => ++checks > 3;
  expect(await asksUntilDrained('roll-up', [{ name: 'a stream', isIdle, flush: () => {}, stop: async () => {} }])).toBe(
    2,
  );
});

it('a drained stack has no refresh that waits for further changes', async () => {
  expect(await asksUntilDrained('score-refresh')).toBeGreaterThan(4);
});

it('a drained stack may have roll-ups and boards that wait', async () => {
  expect(await asksUntilDrained('roll-up')).toBe(2);
});
