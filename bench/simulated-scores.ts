import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { nothingGranted } from '../domain/grants/granted.ts';
import { AccountId } from '../domain/identity/account.ts';
import { Username } from '../domain/identity/username.ts';
import { emptyFold } from '../domain/scoring/fold.ts';
import { currentRules } from '../domain/rules/current-rules.ts';
import { tierOf } from '../domain/rules/tiers.ts';
import type { UserScore } from '../domain/scoring/score.ts';
import type { UserMetrics } from '../domain/scoring/user-metrics.ts';
import { nothingByDate } from '../domain/shared/by-date.ts';
import { settleAll } from '../domain/shared/settle-all.ts';
import { addDays, dateOf, isoOf, MILLISECONDS_PER_DAY } from '../domain/shared/utc.ts';
import { toScoreItem } from '../functions/adapters/dynamodb/scoring/score.items.ts';
import type { Item } from './item-size.ts';
import { putAll } from './put-all.ts';

const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789';
const HIGHEST_SCORE = 200_000;
const BATCHES_AT_A_TIME = 8;
const BATCH = 100;

/** A user that Laurel knows only because the ledger has a line of theirs. */
const granted = { ...nothingGranted, balance: { ...nothingGranted.balance, seq: 1 } };
const noMetrics: UserMetrics = {
  foldedBy: '',
  inputsHash: '',
  sealedThrough: '2026-01-01',
  sealed: emptyFold,
  open: new Map(),
  activity: { rulesVersion: currentRules.version, points: nothingByDate },
  ownedDevices: 0,
  sentFrom: [],
  reports: new Map(),
  registry: { publishes: nothingByDate, pulls: nothingByDate },
};

/** Pseudorandom numbers in [0, 1) from a seed: the same users in each run. */
function numbersFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** 8 to 14 random characters, because they compress worse than real names. */
export function simulatedName(index: number): AccountId {
  const random = numbersFrom(index * 2 + 1);
  const letter = () => LETTERS[Math.floor(random() * LETTERS.length)] ?? '';
  const noise = Array.from({ length: 4 + Math.floor(random() * 7) }, letter).join('');
  return AccountId.parse(noise + index.toString(LETTERS.length).padStart(4, '0'));
}

/**
 * The score of one user in a community where a few users have most of the points. A third of the scores changed within
 * the last 90 days, some of them today. With `changed`, it has just grown.
 */
export function simulatedScore(index: number, now: number, { changed = false } = {}): UserScore {
  const random = numbersFrom(index * 2);
  const before = Math.floor(HIGHEST_SCORE ** random()) - 1;
  const isActive = random() < 1 / 3;
  const daysAgo = Math.floor(isActive ? 90 * random() ** 3 : 90 + 900 * random());
  const gain = isActive ? Math.floor(1 + before * random()) : 0;
  const canonicalScore = before + gain + (changed ? 25 : 0);
  const date = dateOf(now);
  return {
    username: simulatedName(index),
    date,
    contributions: [],
    canonicalScore,
    activityScore: 0,
    tier: tierOf(canonicalScore, currentRules).tier,
    tiersReached: [],
    granted,
    standingSince: isoOf(changed ? now : Math.floor(now - (daysAgo + random()) * MILLISECONDS_PER_DAY)),
    steps: gain > 0 ? [{ through: addDays(date, -daysAgo - 1), score: before }] : [],
    isHidden: false,
    nextChangeOn: null,
    rulesVersion: currentRules.version,
    foldedBy: '',
    refreshedAt: isoOf(now),
  };
}

/** Fields that boards do not read are left out, because the engine has to store a million of these items. */
function smallest({ contributions, granted, tiersReached, ...item }: Item): Item {
  return item;
}

/** Saves the scores of the users with these numbers in small groups, so that a million of them needs little memory. */
export async function saveScores(
  client: DynamoDBClient,
  table: string,
  indexes: readonly number[],
  scoreOf: (index: number) => UserScore,
): Promise<void> {
  const batches: (readonly number[])[] = [];
  for (let from = 0; from < indexes.length; from += BATCH) batches.push(indexes.slice(from, from + BATCH));
  await settleAll(batches, BATCHES_AT_A_TIME, (batch) =>
    putAll(
      client,
      table,
      batch.map((index) => smallest(toScoreItem(scoreOf(index), { metrics: noMetrics, revision: 1 }, 1))),
    ),
  );
}

/** Everybody has a name, and each that is looked up costs half a unit: no million accounts have to be stored. */
export function countedNames() {
  let lookUps = 0;
  const withIds = async (ids: readonly AccountId[]) => {
    lookUps += ids.length;
    return new Map(
      ids.map((id) => [
        id,
        { ...{ id, username: Username.parse(id.slice(0, 9)) }, formerNames: [], merged: [], revision: 1 },
      ]),
    );
  };
  const names = { withIds, changedSince: async () => new Map() };
  return { names, units: () => lookUps / 2 };
}
