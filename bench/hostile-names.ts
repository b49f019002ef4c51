import { createHash } from 'node:crypto';
import { AccountId } from '../domain/identity/account.ts';
import { coalesce, refreshScore } from '../domain/scoring/refresh-score.ts';
import { METRICS_SK } from '../functions/adapters/dynamodb/scoring/score.items.ts';
import { withEngine } from './engine.ts';
import { eventOf } from './events.ts';
import { sendNew } from './ingest.ts';
import { itemSize } from './item-size.ts';
import { apart, cost, ratioAtMost, type Measurements } from './measurements.ts';
import type { Sizes } from './sizes.ts';
import { storedItems } from './stored-items.ts';
import { ingestHandler, personalKey, refreshDeps } from './wiring.ts';

const DATE = '2026-08-21';
const NOW = `${DATE}T20:00:00.000Z`;
const USERNAME = AccountId.parse('mallory');
const FEW_NAMES = 1_000;
const AT_ONCE = 500;
/** Spread over the hours of one date, because ingest reads the whole hour that it adds to. */
const HOURS = 20;
/** The names that get a count differ, and with them how well they compress. */
const EQUAL_WITHIN = 1.1;

/** A name of maximum length that is unlike every other one, so that it compresses badly. */
const nameOf = (number: number, length: number): string =>
  `n${createHash('sha256').update(String(number)).digest('hex')}`.slice(0, length);

/** Each number gives a new command and a new event name of the user. */
function hostileEvents(from: number): readonly object[] {
  const hour = String((from / AT_ONCE) % HOURS).padStart(2, '0');
  const at = `${DATE}T${hour}:30:00.000Z`;
  return Array.from({ length: AT_ONCE }, (_, index) => from + index).flatMap((number) => [
    eventOf({ device: 'laptop', number: 2 * number, at, command: nameOf(number, 32) }),
    eventOf({ device: 'laptop', number: 2 * number + 1, at, event: nameOf(number, 64) }),
  ]);
}

/** Measures the size of the METRICS item of a user who invents a name for everything. */
export const measureHostileNames = ({ hostileNames }: Pick<Sizes, 'hostileNames'>): Promise<Measurements> =>
  withEngine(async (engine) => {
    const surroundings = {
      client: engine.client(),
      tables: await engine.createTables(),
      clock: () => Date.parse(NOW),
    };
    const handler = ingestHandler(surroundings);
    const key = await personalKey(surroundings, USERNAME);
    const dependencies = refreshDeps(surroundings);
    const metricsBytes = async (): Promise<number> => {
      await refreshScore(dependencies, coalesce([{ username: USERNAME, days: [DATE] }]));
      const [metrics] = await storedItems(
        surroundings.client,
        surroundings.tables('user_scores'),
        ({ sk }) => sk === METRICS_SK,
      );
      if (metrics === undefined) throw new Error('the refresh stored no metrics');
      return itemSize(metrics);
    };

    let sent = 0;
    const sendUpTo = async (names: number) => {
      for (; sent < names; sent += AT_ONCE) await sendNew(handler, key, hostileEvents(sent));
    };
    await sendUpTo(FEW_NAMES);
    const few = await metricsBytes();
    await sendUpTo(hostileNames);
    const many = await metricsBytes();
    const [fewNames, manyNames] = [FEW_NAMES, hostileNames].map((count) => count.toLocaleString('en'));
    return {
      costs: [cost(`username_metrics of a user with ${manyNames} names of their own`, 'bytes', many)],
      ratios: [
        ratioAtMost(`username_metrics with ${manyNames} against ${fewNames} names`, apart(many, few), EQUAL_WITHIN),
      ],
    };
  });
