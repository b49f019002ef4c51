import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, expect, vi } from 'vitest';

/** The setup file of test files that share processes: a file fails if it changes what the files after it find. */

/** Vitest's own marks, the helpers that libraries compiled from TypeScript add, and what the CDK's file system wraps. */
const OF_LIBRARIES = /^(?:globalThis\.(?:__|vitest)|process\.(?:cwd|chdir)$)/u;
/** What a spy or a stub replaces. */
const WATCHED: Readonly<Record<string, object>> = {
  globalThis,
  process,
  'process.stdout': process.stdout,
  'process.stderr': process.stderr,
  console,
  Date,
  Math,
  JSON,
  crypto,
  performance,
  'DynamoDBClient.prototype': DynamoDBClient.prototype,
  'SQSClient.prototype': SQSClient.prototype,
};

export type Surroundings = ReadonlyMap<string, unknown>;

/** All variables and functions, by name, and what else a file may change for others. */
export function surroundings(): Surroundings {
  const found = new Map<string, unknown>([
    ['the working directory', process.cwd()],
    ['process.exitCode', process.exitCode],
  ]);
  for (const [name, value] of Object.entries(process.env)) found.set(`process.env.${name}`, value);
  for (const [owner, object] of Object.entries(WATCHED)) {
    for (const [name, { value, get }] of Object.entries(Object.getOwnPropertyDescriptors(object))) {
      // Node replaces a getter by its value at the first use. Other values are state, for example counters.
      if (typeof value === 'function' || owner === 'globalThis') found.set(`${owner}.${name}`, get ? LAZY : value);
    }
  }
  return found;
}
const LAZY = Symbol('not used yet');

/** The names of what is another than before, added or gone. */
export const changesSince = (before: Surroundings, now = surroundings()): readonly string[] =>
  [...new Set([...before.keys(), ...now.keys()])]
    .filter(
      (name) => before.get(name) !== LAZY && !Object.is(before.get(name), now.get(name)) && !OF_LIBRARIES.test(name),
    )
    .sort();

const before = surroundings();
afterAll(() => {
  const changed = changesSince(before);
  expect(changed, 'left behind for the files after it').toEqual([]);
  expect(vi.isFakeTimers(), 'the timers are still fake').toBe(false);
});
