import { beforeEach, describe, expect, it } from 'vitest';
import { type Health, watchHealth } from '../../local/health.ts';

describe('the health of functions', () => {
  const said: string[] = [];
  let health: Health;
  beforeEach(() => {
    said.length = 0;
    health = watchHealth({ say: (sentence) => said.push(sentence), lastError: (role) => `Error:\n  of ${role}` });
  });
  const queue = 'messages of score-refresh';

  it('is reported once when it fails, however often, and once when all failed messages are done', () => {
    health.note('refresh-score', queue, { failed: ['1', '2'] });
    health.note('refresh-score', queue, { failed: ['1'], done: ['3'] });
    expect(said).toEqual(['refresh-score began to fail at messages of score-refresh: Error: of refresh-score']);

    health.note('refresh-score', queue, { done: ['1'] });
    expect(said).toHaveLength(1); // the other failed message has not come again yet
    health.note('refresh-score', queue, { done: ['2'] });
    expect(said.slice(1)).toEqual(['refresh-score is well again']);

    health.note('refresh-score', queue, { done: ['4'] });
    health.note('refresh-score', queue, { failed: ['5'] });
    expect(said).toHaveLength(3);
  });

  it('names given-up messages, after the first or the last of several failures', () => {
    health.note('refresh-score', queue, { failed: ['1', '2'] });
    health.note('refresh-score', queue, { done: ['2'], givenUp: ['1'] });
    expect(said.at(-1)).toBe(
      'refresh-score is well again; 1 of the messages of score-refresh were given up, and wait for an operator',
    );

    health.note('backfill', 'messages of backfill', { givenUp: ['1'] });
    expect(said.slice(2)).toEqual([
      expect.stringMatching(/^backfill began/),
      expect.stringMatching(/^backfill is well/),
    ]);
  });

  it('is separate for each function', () => {
    health.note('refresh-score', queue, { failed: ['1'] });
    health.note('announce-changes', 'the stream of telemetry', { done: ['1'] });

    expect(said).toHaveLength(1);
  });
});
