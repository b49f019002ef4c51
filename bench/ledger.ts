import { auditOf } from '../domain/grants/audit.ts';
import { grantOf, type GrantRequest } from '../domain/grants/grant.ts';
import { grantPoints } from '../domain/grants/grant-points.ts';
import { linesUpTo } from '../domain/grants/read-lines.ts';
import { AccountId } from '../domain/identity/account.ts';
import { rulebook } from '../domain/rules/current-rules.ts';
import { isoOf } from '../domain/shared/utc.ts';
import { sha256 } from '../functions/runtime/environment.ts';
import { meterCapacity } from './capacity-meter.ts';
import { withEngine } from './engine.ts';
import { BYTES_PER_READ_UNIT, itemSize } from './item-size.ts';
import { cost, type Measurements } from './measurements.ts';
import type { Sizes } from './sizes.ts';
import { storedItems } from './stored-items.ts';
import { grantDeps } from './wiring.ts';

const NOW = Date.parse('2026-08-21T12:00:00.000Z');
const ADA = AccountId.parse('ada');
/** As long as the id of every account. It is in every line, and in the key of a badge. */
const LONGEST = AccountId.parse(`acc_${'a'.repeat(16)}`);
const BATCH = 25;
const BUDGET = 6;
/** A line and a balance, each counted twice because of the transaction. */
const FLOOR = 4;
/** Each page of an index is rounded up to whole units. */
const PAGES_ROUND_UP_BY = 1.05;

const anAward = (id: string, account = ADA, reason = 'for helping others in the forum'): GrantRequest =>
  grantOf(
    { kind: 'award', awardId: id, username: account, points: 50, reason, grantedBy: 'the forum' },
    isoOf(NOW),
    rulebook,
  );
const awards = (prefix: string, count: number): readonly GrantRequest[] =>
  Array.from({ length: count }, (_, n) => anAward(`${prefix}-${n}`));

/** Measures grants, alone and in groups, and the audit of a long ledger. */
export const measureLedger = ({ auditedLines }: Pick<Sizes, 'auditedLines'>): Promise<Measurements> =>
  withEngine(async (engine) => {
    const client = engine.client();
    const tables = await engine.createTables();
    const deps = grantDeps({ client, tables, clock: () => NOW });
    const meter = meterCapacity(client);
    const unmetered = grantDeps({ client: engine.client(), tables, clock: () => NOW });
    const granting = (requests: readonly GrantRequest[]) => meter.during(() => grantPoints(deps, requests));

    const first = await granting([anAward('first')]);
    const later = await granting([anAward('later')]);
    const again = await granting([anAward('later')]);
    await granting([anAward('before', LONGEST)]);
    const largest = await granting([anAward('x'.repeat(128), LONGEST, 'x'.repeat(300))]);
    const batch = await granting(awards('batch', BATCH));

    const many = awards('many', auditedLines - BATCH - 2);
    for (let from = 0; from < many.length; from += 1_000) await grantPoints(unmetered, many.slice(from, from + 1_000));
    const lines = await storedItems(client, tables('score_grants'), ({ sk }) => sk === 'GRANT');
    const bytes = lines.filter(({ username }) => username?.S === ADA).reduce((sum, line) => sum + itemSize(line), 0);
    const audit = await meter.during(async () => {
      const read = await linesUpTo(deps, ADA);
      const { ok } = auditOf(ADA, read, sha256);
      if (!ok) throw new Error('the ledger of the benchmark does not add up');
    });
    const auditFloor = bytes / BYTES_PER_READ_UNIT / 2; // index reads are eventually consistent, at half the price

    return {
      costs: [
        cost("grant, a user's first", 'WRU', first.writeUnits, { budget: BUDGET, floor: FLOOR }),
        cost('grant', 'WRU', later.writeUnits, { budget: BUDGET, floor: FLOOR }),
        cost('grant', 'RRU', later.readUnits),
        cost('grant, everything in it as long as it may be', 'WRU', largest.writeUnits, {
          budget: BUDGET,
          floor: FLOOR,
        }),
        cost('grant, sent again', 'WRU', again.writeUnits, { budget: 0 }),
        cost(`grant, of ${BATCH} at once for one user`, 'WRU', batch.writeUnits / BATCH, { budget: BUDGET }),
        cost(`grants, ${BATCH} at once for one user, in transactions`, 'transactions', batch.transactions, {
          budget: 1,
        }),
        cost(`audit of ${auditedLines} lines, ${Math.round(bytes / 1_024)} KB`, 'RRU', audit.readUnits, {
          budget: Math.ceil(auditFloor * PAGES_ROUND_UP_BY) + 2,
          floor: auditFloor,
        }),
      ],
      ratios: [],
    };
  });
