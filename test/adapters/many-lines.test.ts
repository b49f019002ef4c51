import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auditOf } from '../../domain/grants/audit.ts';
import { grantPoints } from '../../domain/grants/grant-points.ts';
import { lineText } from '../../domain/grants/line-hash.ts';
import { linesUpTo } from '../../domain/grants/read-lines.ts';
import { dynamoGrantLedger } from '../../functions/adapters/dynamodb/grant-ledger.dynamodb.ts';
import { dynamoGrantLines } from '../../functions/adapters/dynamodb/grant-lines.dynamodb.ts';
import { aFeedPost } from '../builders/grants.ts';
import { aUsername, sha256 } from '../builders/identity.ts';
import { grantsOf } from '../builders/memory-ledger.ts';
import { startTestEngine, type TestEngine } from '../support/engines.ts';

/** What somebody who publishes all day leaves behind: lines without points, which say nothing to a score. */
const PUBLISHES = 1_500;
const ada = aUsername('ada');
const aPublish = (n: number) => ({
  ...aFeedPost('p', ada),
  grantId: `publish:@ada/tool@2026.01.01.${n}:ada`,
  key: 'content:extension-publishes',
  source: 'extensions',
  amount: 0,
});

let engine: TestEngine;
let deps: ReturnType<typeof grantsOf>;
let calls: string[] = [];
beforeAll(async () => {
  engine = await startTestEngine();
  const { score_grants: table } = await engine.createTables(['score_grants']);
  const client = engine.client();
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      (args) => {
        calls.push(commandName);
        return next(args);
      },
    { step: 'initialize' },
  );
  deps = { ...grantsOf(), ledger: dynamoGrantLedger(client, table), lines: dynamoGrantLines(client, table) };
  await grantPoints(
    deps,
    Array.from({ length: PUBLISHES }, (_, n) => aPublish(n)),
  );
});
afterAll(() => engine.stop());

const cpuOf = async <Value>(work: () => Value): Promise<{ readonly value: Awaited<Value>; readonly ms: number }> => {
  const before = process.cpuUsage();
  const value = await work();
  const { user, system } = process.cpuUsage(before);
  return { value, ms: (user + system) / 1_000 };
};

describe('many lines without points', () => {
  it('cost an audit one read a page, and not much more than their hashes and their JSON', async () => {
    await linesUpTo(deps, ada); // warm
    calls = [];
    const audit = async () => auditOf(ada, await linesUpTo(deps, ada), sha256);
    const { value, ms } = await cpuOf(audit);
    expect(value).toMatchObject({ ok: true, grants: PUBLISHES });
    expect(calls.toSorted()).toEqual(['GetItemCommand', 'QueryCommand']);

    const texts = (await linesUpTo(deps, ada)).lines.map(lineText);
    const yardstick = await cpuOf(() => {
      for (let round = 0; round < 20; round += 1) {
        for (const text of texts)
          createHash('sha256')
            .update(JSON.stringify(JSON.parse(text)))
            .digest('hex');
      }
    });
    expect(ms).toBeLessThan(6 * yardstick.ms);
  });
});
