import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { changesSince, surroundings } from './support/left-behind.ts';

/** A file in a shared process that leaves one of these behind fails by the setup file. Each is taken back here. */
describe('what a test file leaves behind is noticed', () => {
  const before = surroundings();
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
    vi.unstubAllEnvs();
    expect(changesSince(before)).toEqual([]);
  });

  it.each<[string, () => unknown]>([
    ['process.env.LAUREL_LEFT', () => vi.stubEnv('LAUREL_LEFT', 'yes')],
    ['process.env.PATH', () => vi.stubEnv('PATH', undefined)],
    ['globalThis.fetch', () => vi.stubGlobal('fetch', () => undefined)],
    ['globalThis.laurel', () => vi.stubGlobal('laurel', 1)],
    ['globalThis.Date', () => vi.useFakeTimers()],
    ['Date.now', () => vi.spyOn(Date, 'now')],
    ['process.exit', () => vi.spyOn(process, 'exit')],
    ['process.stdout.write', () => vi.spyOn(process.stdout, 'write')],
    ['console.error', () => vi.spyOn(console, 'error')],
  ])('%s', (name, change) => {
    change();

    expect(changesSince(before)).toContain(name);
  });

  it('a mock of an SDK client', () => {
    const mock = mockClient(DynamoDBClient);

    expect(changesSince(before)).toEqual(['DynamoDBClient.prototype.send']);
    mock.restore();
  });
});
