import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { meterCapacity, type CapacityMeter } from '../../bench/capacity-meter.ts';
import { auditOf, linesToAudit } from '../../domain/grants/audit.ts';
import { readGranted, type Granted } from '../../domain/grants/granted.ts';
import { grantPoints } from '../../domain/grants/grant-points.ts';
import { linesUpTo, MAX_UNITS_OF_LINES, pageOfLines } from '../../domain/grants/read-lines.ts';
import { dynamoGrantLedger } from '../../functions/adapters/dynamodb/grants/grant-ledger.ts';
import { dynamoGrantLines } from '../../functions/adapters/dynamodb/grants/grant-lines.ts';
import { aFeedPost } from '../builders/grants.ts';
import { aUsername, sha256 } from '../builders/identity.ts';
import { grantsOf } from '../builders/memory-ledger.ts';
import { startTestEngine, type TestEngine } from '../support/engines.ts';

/** The ledger of a user who publishes all day: lines without points, which do not change a score. */
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
let meter: CapacityMeter;
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
  meter = meterCapacity(client);
  deps = { ...grantsOf(), ledger: dynamoGrantLedger(client, table), lines: dynamoGrantLines(client, table) };
  await grantPoints(
    deps,
    Array.from({ length: PUBLISHES }, (_, n) => aPublish(n)),
  );
});
afterAll(() => engine.stop());

const DATE = '2026-09-01';
const readOf = (previous: Granted | null) =>
  readGranted(deps, ada, { date: DATE, previous: previous && { granted: previous, date: DATE } });

describe('many lines without points', () => {
  it('cost a score no reads if it lists no lines, and only a few if the listed ones are older', async () => {
    calls = [];
    const nothing = await readOf(null);
    expect(calls).toEqual(['GetItemCommand']);

    await grantPoints(deps, [aFeedPost('above', ada), ...[1, 2, 3].map((n) => aPublish(PUBLISHES + n))]);
    calls = [];
    const granted = await readOf(nothing);
    expect(granted.listed.map(({ key }) => key)).toEqual(['content:feed-post:above']);
    expect(calls).toEqual(['GetItemCommand', 'QueryCommand']);

    // After one more publish, only its line is read, and none of the older ones.
    await grantPoints(deps, [aPublish(PUBLISHES + 4)]);
    calls = [];
    const after = await readOf(granted);
    expect(after).toEqual({ ...granted, balance: { ...granted.balance, seq: PUBLISHES + 5 } });
    expect(calls).toEqual(['GetItemCommand', 'QueryCommand']);
  });

  it('do not hide older lines from a score', async () => {
    const bob = aUsername('bob');
    const publishes = Array.from({ length: 340 }, (_, n) => ({
      ...aPublish(n),
      grantId: `publish:b@${n}:bob`,
      username: bob,
    }));
    await grantPoints(deps, [aFeedPost('below', bob), ...publishes]);
    calls = [];
    const { listed } = await readGranted(deps, bob, { date: DATE, previous: null });

    expect(listed.map(({ key }) => key)).toEqual(['content:feed-post:below']);
    expect(calls).toEqual(['GetItemCommand', 'QueryCommand', 'QueryCommand', 'QueryCommand']); // 100, 200 and the rest
  });

  it('cost an audit one read per page', async () => {
    calls = [];
    const audit = auditOf(ada, await linesUpTo(deps, ada), sha256);
    expect(audit).toMatchObject({ ok: true, grants: PUBLISHES + 5 });
    expect(calls.toSorted()).toEqual(['GetItemCommand', 'QueryCommand']);
  });

  it('are given in answers of at most 60 read units, however long they are, and in a next one', async () => {
    const cy = aUsername('cy');
    const reason = 'r'.repeat(300);
    const long = (n: number) => ({ ...aFeedPost(`long-${n}`, cy), reason, grantedBy: 'g'.repeat(100) });
    await grantPoints(
      deps,
      Array.from({ length: 900 }, (_, n) => long(n)),
    );
    const seen: number[] = [];
    for (let before: number | null | undefined; before !== null;) {
      const range = { limit: 1_000, before, maxUnits: MAX_UNITS_OF_LINES };
      const { readUnits } = await meter.during(async () => {
        const { page, next } = await pageOfLines(deps, cy, range);
        seen.push(...page.map(({ seq }) => seq));
        before = next;
      });
      expect(readUnits).toBeLessThanOrEqual(60);
    }
    expect(seen).toEqual(Array.from({ length: 900 }, (_, n) => 900 - n));

    const audits: number[] = [];
    for (let from = 1 as number | undefined; from !== undefined;) {
      const first: number = from;
      const { readUnits } = await meter.during(async () => {
        const audit = auditOf(cy, await linesUpTo(deps, cy, linesToAudit(first)), sha256, first);
        expect(audit).toMatchObject({ ok: true, problems: [] });
        audits.push(audit.grants);
        from = audit.next;
      });
      expect(readUnits).toBeLessThanOrEqual(60);
    }
    expect(audits.length).toBeGreaterThan(1);
    expect(audits.reduce((sum, grants) => sum + grants)).toBe(900);
  });
});
