import { grantOf } from '../domain/grants/grant.ts';
import { grantPoints } from '../domain/grants/grant-points.ts';
import type { AccountId } from '../domain/identity/account.ts';
import { eraseAccount } from '../domain/identity/erase-account.ts';
import type { EraseRequested } from '../domain/identity/erase.message.ts';
import { pageOfExport } from '../domain/identity/account-export.ts';
import { mergeAccounts, unmergeAccount } from '../domain/identity/merge-accounts.ts';
import { renameAccount } from '../domain/identity/rename-account.ts';
import { runErasure } from '../domain/identity/run-erasure.ts';
import { Username } from '../domain/identity/username.ts';
import { rulebook } from '../domain/rules/current-rules.ts';
import { coalesce, refreshScore } from '../domain/scoring/refresh-score.ts';
import { addDays, dateOf, isoOf } from '../domain/shared/utc.ts';
import { dynamoErasure } from '../functions/adapters/dynamodb/erasure/account-erasure.ts';
import { dynamoAccountExport } from '../functions/adapters/dynamodb/identity/account-export.ts';
import { dynamoAccounts } from '../functions/adapters/dynamodb/identity/accounts.ts';
import { random, sha256, sleep } from '../functions/runtime/environment.ts';
import { meterCapacity, type Usage } from './capacity-meter.ts';
import { withEngine, type BenchEngine } from './engine.ts';
import { eventOf } from './events.ts';
import { sendNew } from './ingest.ts';
import { cost, ratioAtMost, type Cost, type Measurements } from './measurements.ts';
import type { Sizes } from './sizes.ts';
import { grantDeps, ingestHandler, namesOf, personalKey, refreshDeps } from './wiring.ts';

const NOW = Date.parse('2026-08-21T12:00:00.000Z');
const FEW = 10;
/** Two names and an account, each counted twice because of the transaction. */
const RENAME_FLOOR = 6;
/** Two accounts, their names and their profiles. */
const MERGE_FLOOR = 12;
/** For its keys, names, devices and boards, and for two looks at each of them. */
const ERASE_FIXED = 40;
const [ADA, BOB] = [Username.parse('ada'), Username.parse('bob')];

type Changes = Readonly<Record<'renamed' | 'merged' | 'unmerged' | 'exported', Usage>>;

function awardsTo(username: AccountId, count: number) {
  const award = { kind: 'award', username, points: 5, reason: 'Talk', grantedBy: 'bench' } as const;
  return Array.from({ length: count }, (_, n) => grantOf({ ...award, awardId: `a${n}` }, isoOf(NOW), rulebook));
}

/** Measures changes of an account with this many lines. */
async function changesWith(engine: BenchEngine, lines: number): Promise<Changes> {
  const surroundings = { client: engine.client(), tables: await engine.createTables(), clock: () => NOW };
  const { tables } = surroundings;
  const accountOf = await namesOf(surroundings).accountsOf([ADA, BOB]);
  const [ada, bob] = [accountOf(ADA), accountOf(BOB)];
  await grantPoints(grantDeps(surroundings), awardsTo(ada, lines));

  const client = engine.client();
  const meter = meterCapacity(client);
  const accounts = dynamoAccounts(client, tables('accounts'), { random, sleep }, tables('user_scores'));
  const deps = { accounts, clock: () => NOW, hasMoved: async () => false };
  const must = async <Value>(work: Promise<{ readonly ok: boolean } & Value>): Promise<void> => {
    if (!(await work).ok) throw new Error('a change of an account was refused');
  };
  const account = dynamoAccountExport(client, {
    ...{ accounts: tables('accounts'), telemetry: tables('telemetry'), registry: tables('registry') },
    ...{ grants: tables('score_grants'), scores: tables('user_scores'), credentials: tables('credentials') },
  });
  return {
    renamed: await meter.during(() => must(renameAccount(deps, ada, Username.parse('ada-lovelace')))),
    merged: await meter.during(() => must(mergeAccounts(deps, ada, bob))),
    unmerged: await meter.during(() => must(unmergeAccount(deps, ada))),
    exported: await meter.during(() => pageOfExport(account, ada, { part: 0, after: '' })),
  };
}

/** Measures a whole erasure of an account with this many active days and awards; the awards give points. */
async function erasure(engine: BenchEngine, days: number, lines: number): Promise<readonly Cost[]> {
  let now = NOW;
  const surroundings = { client: engine.client(), tables: await engine.createTables(), clock: () => now };
  const { tables } = surroundings;
  const ada = (await namesOf(surroundings).accountsOf([ADA]))(ADA);
  const key = await personalKey(surroundings, ada);
  const handler = ingestHandler(surroundings);
  for (let number = 1; number <= days; number += 1) {
    const day = addDays(dateOf(NOW), number - days);
    now = Date.parse(`${day}T12:00:00.000Z`);
    await sendNew(handler, key, [eventOf({ device: 'laptop', number, at: isoOf(now) })]);
    await refreshScore(refreshDeps(surroundings), coalesce([{ username: ada, days: [day] }]));
  }
  await grantPoints(grantDeps(surroundings), awardsTo(ada, lines));

  const client = engine.client();
  const environment = { random, sleep, clock: () => now };
  const accounts = dynamoAccounts(client, tables('accounts'), environment, tables('user_scores'));
  const of = {
    ...{ accounts: tables('accounts'), credentials: tables('credentials'), telemetry: tables('telemetry') },
    ...{ registry: tables('registry'), leaderboards: tables('leaderboards') },
    ...{ grants: tables('score_grants'), scores: tables('user_scores') },
    rollups: tables('metric_rollup_hour'),
  };
  let request: EraseRequested = { account: ada };
  const job = {
    ...dynamoErasure(client, of, { ...environment, sha256 }),
    goOn: async (rest: EraseRequested) => void (request = rest),
  };
  const { readUnits, writeUnits } = await meterCapacity(client).during(async () => {
    const { ok } = await eraseAccount({ accounts, clock: () => now, hasMoved: async () => false }, ada);
    const looks = [await runErasure(job, request, () => true), await runErasure(job, request, () => true)];
    if (!ok || looks.join() !== 'looks-again,done') throw new Error(`the erasure ended with ${looks.join()}`);
  });
  const name = `erase, account with ${days} days and ${lines} lines`;
  return [
    // A line's text is in the table and in its index. A refresh may have added a row for its day.
    cost(name, 'WRU', writeUnits, { budget: 2 * lines + days + ERASE_FIXED, floor: lines }),
    cost(name, 'RRU', readUnits, { budget: (lines + days) / 5 + ERASE_FIXED }),
  ];
}

/** Measures what a rename, a merge and an export cost, and checks that the first two cost the same whatever the history. */
export const measureAccounts = ({ longHistoryDays: many }: Pick<Sizes, 'longHistoryDays'>): Promise<Measurements> =>
  withEngine(async (engine) => {
    const [short, long] = [await changesWith(engine, FEW), await changesWith(engine, many)];
    const writes = (name: string, { writeUnits, readUnits }: Usage, floor: number) => [
      cost(name, 'WRU', writeUnits, { budget: floor + 2, floor }),
      cost(name, 'RRU', readUnits, { budget: 4 }),
    ];
    const all = ({ readUnits, writeUnits }: Usage): number => readUnits + writeUnits;
    return {
      costs: [
        ...writes(`rename, account with ${many} lines`, long.renamed, RENAME_FLOOR),
        ...writes(`merge, account with ${many} lines`, long.merged, MERGE_FLOOR),
        ...writes(`unmerge, account with ${many} lines`, long.unmerged, MERGE_FLOOR),
        cost(`export, account with ${FEW} lines`, 'RRU', short.exported.readUnits),
        cost(`export, account with ${many} lines`, 'RRU', long.exported.readUnits),
        ...(await erasure(engine, many, Math.round((many * 10) / 7))),
      ],
      ratios: (['renamed', 'merged', 'unmerged'] as const).map((what) =>
        ratioAtMost(`${what}, ${many} against ${FEW} lines, units`, all(long[what]) / all(short[what]), 1),
      ),
    };
  });
