import { grantOf } from '../domain/grants/grant.ts';
import { grantPoints } from '../domain/grants/grant-points.ts';
import { pageOfExport } from '../domain/identity/account-export.ts';
import { mergeAccounts, unmergeAccount } from '../domain/identity/merge-accounts.ts';
import { renameAccount } from '../domain/identity/rename-account.ts';
import { Username } from '../domain/identity/username.ts';
import { rulebook } from '../domain/rules/current-rules.ts';
import { isoOf } from '../domain/shared/utc.ts';
import { dynamoAccountExport } from '../functions/adapters/dynamodb/identity/account-export.ts';
import { dynamoAccounts } from '../functions/adapters/dynamodb/identity/accounts.ts';
import { random, sleep } from '../functions/runtime/environment.ts';
import { meterCapacity, type Usage } from './capacity-meter.ts';
import { withEngine, type BenchEngine } from './engine.ts';
import { cost, ratioAtMost, type Measurements } from './measurements.ts';
import type { Sizes } from './sizes.ts';
import { grantDeps, namesOf } from './wiring.ts';

const NOW = Date.parse('2026-08-21T12:00:00.000Z');
const FEW = 10;
/** Two names and an account, each counted twice because of the transaction. */
const RENAME_FLOOR = 6;
/** Two accounts, their names and their profiles. */
const MERGE_FLOOR = 12;
const [ADA, BOB] = [Username.parse('ada'), Username.parse('bob')];

type Changes = Readonly<Record<'renamed' | 'merged' | 'unmerged' | 'exported', Usage>>;

/** Measures changes of an account with so many lines. */
async function changesWith(engine: BenchEngine, lines: number): Promise<Changes> {
  const surroundings = { client: engine.client(), tables: await engine.createTables(), clock: () => NOW };
  const { tables } = surroundings;
  const accountOf = await namesOf(surroundings).accountsOf([ADA, BOB]);
  const [ada, bob] = [accountOf(ADA), accountOf(BOB)];
  const award = { kind: 'award', username: ada, points: 5, reason: 'Talk', grantedBy: 'bench' } as const;
  const awards = Array.from({ length: lines }, (_, n) => grantOf({ ...award, awardId: `a${n}` }, isoOf(NOW), rulebook));
  await grantPoints(grantDeps(surroundings), awards);

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
      ],
      ratios: (['renamed', 'merged', 'unmerged'] as const).map((what) =>
        ratioAtMost(`${what}, ${many} against ${FEW} lines, units`, all(long[what]) / all(short[what]), 1),
      ),
    };
  });
