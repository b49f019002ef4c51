import { UpdateItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import { emptyBalance, type Balance } from '../../domain/grants/balance.ts';
import type { GrantRequest } from '../../domain/grants/grant.ts';
import {
  MAX_LINES_AT_ONCE,
  type GrantAppend,
  type GrantLedger,
  type GrantLines,
} from '../../domain/grants/grant-ledger.port.ts';
import { linesUpTo, pageOfLines } from '../../domain/grants/read-lines.ts';
import type { AccountId } from '../../domain/identity/account.ts';
import { dynamoGrantLedger } from '../../functions/adapters/dynamodb/grants/grant-ledger.ts';
import { dynamoGrantLines } from '../../functions/adapters/dynamodb/grants/grant-lines.ts';
import { anAward, decide } from '../builders/grants.ts';
import { aUsername } from '../builders/identity.ts';
import { onBothEngines } from '../support/on-both-engines.ts';
import { aLossyClient } from './lossy-client.ts';
import { ODD_TEXTS } from './odd-texts.ts';

onBothEngines('the grant ledger', (engine) => {
  let client: DynamoDBClient;
  let table: string;
  let ledger: GrantLedger;
  let lines: GrantLines;
  beforeAll(async () => {
    client = engine().client();
    table = (await engine().createTables(['score_grants'])).score_grants;
    ledger = dynamoGrantLedger(client, table);
    lines = dynamoGrantLines(client, table);
  });

  let user: AccountId;
  let users = 0;
  beforeEach(() => {
    user = aUsername(`user-${(users += 1)}`);
  });

  const award = (id: string, points = 10, of = user): GrantRequest => anAward(`${of}-${id}`, points, { username: of });
  let writes = 0;
  const appendOf = (before: Balance, ...requests: GrantRequest[]): GrantAppend => {
    const { lines: added, balance: after } = decide(before, requests);
    return { username: requests[0]!.username, before, lines: added, after, writeId: `write-${(writes += 1)}` };
  };
  /** Decides on the current balance, and appends. */
  const grant = async (...requests: GrantRequest[]): Promise<GrantAppend> => {
    const append = appendOf(await ledger.balanceOf(requests[0]!.username), ...requests);
    expect(await ledger.append(append)).toBe('appended');
    return append;
  };
  /** Waits until the index shows the lines, because it lags behind the table. */
  const indexed = (count: number, of = user) =>
    expect.poll(async () => (await lines.allOf(of)).lines.length, { timeout: 600_000 }).toBe(count);

  it('is empty before the first grant', async () => {
    expect(await ledger.balanceOf(user)).toEqual(emptyBalance);
    expect(await lines.balanceOf(user)).toEqual(emptyBalance);
    expect(await ledger.find('award:none')).toBeUndefined();
    expect(await lines.allOf(user)).toEqual({ lines: [], faults: [] });
    expect(await lines.newestOf(user, { limit: 5 })).toEqual({ lines: [], faults: [] });
  });

  it('returns lines and balance as they were written, with their write id', async () => {
    const first = await grant(award('a', 10), award('b', 0));
    const second = await grant({ ...award('c', -3), category: 'content', source: 'feed' });

    expect(await ledger.balanceOf(user)).toEqual(second.after);
    expect(await lines.balanceOf(user)).toEqual(second.after);
    for (const { lines: added, writeId } of [first, second]) {
      for (const line of added) expect(await ledger.find(line.grantId)).toEqual({ line, writeId });
    }
    await indexed(3);
    expect(await lines.allOf(user)).toEqual({ lines: [...first.lines, ...second.lines], faults: [] });
  });

  it('refuses a line whose id is taken, and the lines beside it', async () => {
    const [other, before] = [aUsername(`${user}.`), await grant(award('a'))];
    const taken = { ...award('fresh', 5, other), grantId: before.lines[0]!.grantId };

    expect(await ledger.append(appendOf(emptyBalance, award('beside', 5, other), taken))).toBe('stale');

    expect(await ledger.find(award('beside', 5, other).grantId)).toBeUndefined();
    expect(await ledger.balanceOf(other)).toEqual(emptyBalance);
    expect((await ledger.find(taken.grantId))?.line.username).toBe(user);
  });

  it('refuses a line that was decided on an older balance, also the first one', async () => {
    const first = await grant(award('a'));
    expect(await ledger.append(appendOf(emptyBalance, award('late')))).toBe('stale');
    const second = await grant(award('b'));
    expect(await ledger.append(appendOf(first.after, award('later')))).toBe('stale');

    expect(await ledger.balanceOf(user)).toEqual(second.after);
    expect(await ledger.find(award('late').grantId)).toBeUndefined();
    expect(await ledger.find(award('later').grantId)).toBeUndefined();
  });

  it('lets one of many writers win, with and without an earlier line', async () => {
    for (const round of ['first', 'next']) {
      const before = await ledger.balanceOf(user);
      const appends = Array.from({ length: 10 }, (_, n) => appendOf(before, award(`${round}-${n}`)));

      const outcomes = await Promise.all(appends.map((append) => ledger.append(append)));

      // A busy engine may refuse them all; then nothing was written.
      const winners = appends.filter((_, n) => outcomes[n] === 'appended');
      expect(winners.length).toBeLessThanOrEqual(1);
      expect(await ledger.balanceOf(user)).toEqual(winners[0]?.after ?? before);
      const found = await Promise.all(appends.map((append) => ledger.find(append.lines[0]!.grantId)));
      expect(found.filter((line) => line !== undefined)).toHaveLength(winners.length);
      if (winners.length === 0) await grant(award(`${round}-alone`));
    }
  });

  it('lets only one of many users use an id', async () => {
    const racers = Array.from({ length: 10 }, (_, n) => aUsername(`${user}-${n}`));
    const appends = racers.map((of) => appendOf(emptyBalance, { ...award('one', 7, of), grantId: `award:${user}` }));

    const outcomes = await Promise.all(appends.map((append) => ledger.append(append)));

    const winners = racers.filter((_, n) => outcomes[n] === 'appended');
    expect(winners.length).toBeLessThanOrEqual(1);
    expect((await ledger.find(`award:${user}`))?.line.username).toBe(winners[0]);
    const totals = await Promise.all(racers.map(async (of) => (await ledger.balanceOf(of)).totalScore));
    expect(totals.reduce((sum, total) => sum + total, 0)).toBe(7 * winners.length);
  });

  it('writes once after a lost answer, and the lines carry the write id', async () => {
    const lossy = aLossyClient(engine());
    const append = appendOf(emptyBalance, award('a'), award('b'));
    const outcome = await dynamoGrantLedger(lossy, table).append(append);

    expect(['appended', 'stale']).toContain(outcome); // `stale` makes the caller read again
    expect(await ledger.balanceOf(user)).toEqual(append.after);
    for (const line of append.lines) {
      expect(await ledger.find(line.grantId)).toEqual({ line, writeId: append.writeId });
    }
  });

  it('accepts its maximum number of lines at once', async () => {
    const { after } = await grant(...Array.from({ length: MAX_LINES_AT_ONCE }, (_, n) => award(`${n}`)));

    expect(await ledger.balanceOf(user)).toEqual(after);
    await indexed(MAX_LINES_AT_ONCE);
  });

  it('distinguishes similar ids', async () => {
    const texts = ODD_TEXTS.map((text) => award(text));
    await grant(...texts);

    for (const { grantId } of texts) expect((await ledger.find(grantId))?.line.grantId).toBe(grantId);
    await indexed(texts.length);
    expect((await lines.allOf(user)).lines.map(({ grantId }) => grantId)).toEqual(texts.map(({ grantId }) => grantId));
  });

  it('returns the newest lines first, optionally before a seq, and all lines in the order of seq', async () => {
    await grant(...Array.from({ length: 11 }, (_, n) => award(`${n}`)));
    await grant(award('other', 5, aUsername(`${user}-x`)));
    await indexed(11);
    const seqs = async (limit: number, before?: number) =>
      (await lines.newestOf(user, { limit, before })).lines.map(({ seq }) => seq);

    expect(await seqs(3)).toEqual([11, 10, 9]); // compared as numbers: 9 comes before 10
    expect(await seqs(3, 10)).toEqual([9, 8, 7]);
    expect(await seqs(3, 2)).toEqual([1]);
    expect(await seqs(3, 1)).toEqual([]);
    expect(await seqs(50)).toHaveLength(11);
    expect((await lines.allOf(user)).lines.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });

  it('skips a line that it cannot read, and reports it, and reports a line under a wrong key', async () => {
    const { lines: written } = await grant(...Array.from({ length: 4 }, (_, n) => award(`${n}`)));
    await indexed(4);
    const change = (seq: number, UpdateExpression: string, value: string) => {
      const Key = marshall({ pk: `GRANT#${written[seq - 1]!.grantId}`, sk: 'GRANT' });
      const ExpressionAttributeValues = marshall({ ':value': value });
      return client.send(new UpdateItemCommand({ TableName: table, Key, UpdateExpression, ExpressionAttributeValues }));
    };
    await change(2, 'SET amount = :value', 'many');
    await change(3, 'SET dayShard = :value', '2020-01-01#00');

    await expect
      .poll(async () => (await lines.allOf(user)).faults, { timeout: 600_000 })
      .toEqual([
        { seq: 2, code: 'unreadable_line', error: 'line 2 cannot be read: amount' },
        { seq: 3, code: 'misplaced_line', error: expect.stringContaining('line 3') },
      ]);
    const read = await lines.allOf(user, { after: 1, limit: 2 });
    expect(read.lines).toEqual([written[2]]);
  });

  it('returns lines past the end of a page', async () => {
    const reason = 'x'.repeat(300_000); // four such lines fill a page of 1 MB
    for (let n = 0; n < 5; n += 1) await grant({ ...award(`${n}`), reason });

    await indexed(5);
    expect((await lines.newestOf(user, { limit: 5 })).lines.map(({ seq }) => seq)).toEqual([5, 4, 3, 2, 1]);
  });

  it('shows every reader a complete ledger up to a balance while it grows', async () => {
    const deps = { lines, random: Math.random, sleep: (ms: number) => new Promise<void>((go) => setTimeout(go, ms)) };
    let isGrowing = true;
    const grow = async () => {
      for (let n = 0; n < 20; n += 1) await grant(award(`${n}`));
    };
    const read = async () => {
      while (isGrowing) {
        const { balance, lines: found } = await linesUpTo(deps, user);
        expect(found.map(({ seq }) => seq)).toEqual(Array.from({ length: balance.seq }, (_, n) => n + 1));
        expect(found.at(-1)?.hash ?? null).toBe(balance.head);
      }
    };
    await Promise.all([grow().finally(() => (isGrowing = false)), read()]);

    const { page, next } = await pageOfLines(deps, user, { limit: 5 });
    expect([page.map(({ seq }) => seq), next]).toEqual([[20, 19, 18, 17, 16], 16]);
  });
});
