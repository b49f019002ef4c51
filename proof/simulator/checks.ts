import * as z from 'zod';
import { ConsistencyReport } from '../../domain/consistency-check/consistency-report.ts';
import { anHttpRequest } from '../../test/builders/http-request.ts';
import { fractionOf, inOrderOf } from '../chance.ts';
import { LINKABLE } from './credentials.ts';
import { drain } from './drain.ts';
import { expectNone, Finding } from './finding.ts';
import { problemsOfBalances, problemsOfTiers } from '../model/ledger.ts';
import { communityMetrics } from '../../domain/metrics/catalog.ts';
import { countedIn, rowsByHour, totalsByDate } from '../model/metrics.ts';
import { memberOf, ranked, type Row, type SavedScore } from '../model/boards.ts';
import { pointsOn, scoreOn, tierOf, VERSION_1, VERSION_2, type DatedFacts, type Numbers } from '../model/scoring.ts';
import { plannedByRuns } from '../model/runs.ts';
import {
  boardsIn,
  countsIn,
  lastingIn,
  ledgerIn,
  registryIn,
  rollupsIn,
  scoresIn,
  telemetryIn,
  type Item,
  STRAY,
} from '../model/stored.ts';
import { tally } from '../model/telemetry.ts';
import { itemOf, type Engine, WireItem, type WireRecord } from './engine.ts';
import { queuesOf, type Schedule } from './steps.ts';
import type { World } from './world.ts';

const CLOCKS_OFF_MS = 5_000;
/** After this time a new sample of the gauges is due in a small community, on any machine's clock. */
const BETWEEN_SAMPLES_MS = 60_000 + CLOCKS_OFF_MS;
const DAY = 86_400_000;
/** The dates before today that late events may have; older ones are sealed. */
const OPEN_DAYS = 34;
const USERS = ['ada', 'bob', 'cy', LINKABLE.username] as const;

const HttpAnswer = z.object({ statusCode: z.number(), body: z.string() });
const Stats = z.object({
  eventCounts: z.record(z.string(), z.number()),
  commandCounts: z.record(z.string(), z.number()),
  activeDates: z.array(z.string()),
  devices: z.number(),
  lastEventAt: z.string().nullable(),
});
const Score = z.object({
  canonicalScore: z.number(),
  tier: z.string(),
  scoreSources: z.record(z.string(), z.object({ points: z.number() })),
  balance: z.object({ totalScore: z.number(), grants: z.number() }),
});

const History = z.object({ days: z.array(z.object({ date: z.string(), canonicalScore: z.number() })) });

const differs = (what: string, found: unknown, expected: unknown): readonly string[] => {
  const [is, should] = [JSON.stringify(found), JSON.stringify(expected)];
  return is === should ? [] : [`${what} is ${is}, and should be ${should}`];
};

export async function read<Body>(
  world: World,
  path: string,
  query: string,
  schema: z.ZodType<Body>,
): Promise<Body | null> {
  const event = anHttpRequest({ method: 'GET', path, query });
  const name = `check ${path}?${query}`;
  const outcome = await world.finish(world.simulation.invoke('read-api', event, name, { isSpared: true }));
  if (outcome.kind !== 'answered') throw new Finding('contract', [`GET ${path} was not answered`]);
  const { statusCode, body } = HttpAnswer.parse(outcome.value);
  if (statusCode === 404) return null;
  if (statusCode !== 200) throw new Finding('contract', [`GET ${path} answered ${statusCode}`]);
  return schema.parse(JSON.parse(body));
}

/** Every item has the version of its format, except items that were put there by hand. */
const itemsWithoutFormat = (role: string, items: readonly Item[]): readonly string[] =>
  items
    .filter((item) => !('v' in item) && !String(item.pk).startsWith(STRAY))
    .map(({ pk, sk }) => `${role}: ${String(pk)} / ${String(sk)} has no version`);

/** Checks every invariant against the models, after all work is done. */
export async function checkAll(world: World): Promise<void> {
  const { models, schedule } = world;
  const { engine } = world.simulation;
  const [ledger, registry] = [ledgerIn(await engine.items('score_grants')), registryIn(await engine.items('registry'))];
  expectNone('I1', models.telemetry.settle(telemetryIn(await engine.items('telemetry'))));
  expectNone('registry', models.registry.settle(registry.versions, registry.pulls, registry.live));
  expectNone('I3', problemsOfBalances(ledger.lines, ledger.balances));
  expectNone('I4', models.ledger.settle(ledger.lines, models.registry.grantIds()));

  const projections = await engine.items('user_scores');
  const counts = countsIn(projections);
  const scores = new Map(scoresIn(projections).map((score) => [score.username, score]));
  for (const username of USERS) {
    expectNone('I2', await problemsOfUser(world, username, scores.get(username)?.date ?? ''));
    const own = counts.get(username);
    if (own !== undefined) {
      const found = { ...own, events: tally(own.events), outcomes: tally(own.outcomes) };
      expectNone('I2', differs(`METRICS of ${username}`, found, models.telemetry.foldOf(username)));
    }
    const score = scores.get(username);
    if (score === undefined || world.forgotten.has(username)) continue;
    const wasTogether = schedule.steps.some(
      ({ act }) =>
        (act.kind === 'merge' && act.into === username) || (act.kind === 'link' && act.username === username),
    );
    expectNone('I2', problemsOfTiers(username, score, models.ledger.linesOf(username), wasTogether));
  }
  for (const role of engine.tables.keys()) expectNone('formats', itemsWithoutFormat(role, await engine.items(role)));
  expectNone('I6', await problemsOfBackfills(world));
  await checkConsistency(world);
  if (schedule.hasRollups) await checkRollups(world, registry.extensions);
  if (schedule.hasBoards) await checkBoards(world);
}

/** The consistency check must have checked all users, and find no difference if the models find none. */
export async function checkConsistency(world: World, name = 'check consistency'): Promise<void> {
  const { engine } = world.simulation;
  // Of an erased user it checks the ledger.
  const [scores, grants] = [await engine.items('user_scores'), await engine.items('score_grants')];
  const users = new Set(
    [...scores, ...grants].flatMap(({ pk, sk }) => (sk === 'SCORE' || sk === 'BALANCE' ? [pk] : [])),
  );
  const outcome = await world.finish(
    world.simulation.invoke('check-conservation', { sample: 'all', standingSeconds: 0 }, name, {
      isSpared: true,
      context: { getRemainingTimeInMillis: () => 900_000 },
    }),
  );
  if (outcome.kind !== 'answered') throw new Finding('consistency', ['the check did not answer']);
  const { checked, differences, unsettled, complete } = ConsistencyReport.parse(outcome.value);
  expectNone(
    'consistency',
    differs(
      'the check',
      { checked, differences, unsettled, complete },
      { checked: users.size, differences: [], unsettled: 0, complete: true },
    ),
  );
}

/** The numbers of the rules in force. */
const numbersOf = ({ rules }: World): Numbers => (rules === '1' ? VERSION_1 : VERSION_2);

/** All facts that count for a user, by date. */
function datedFactsOf({ models: { telemetry, ledger, registry } }: World, username: string): DatedFacts {
  const { dated: events, issues, signIns } = telemetry.countsOf(username);
  const pulls = registry.pullsOf(username, telemetry.ownedBy(username));
  return { events, issues, signIns, versions: registry.versionsOf(username), pulls, lines: ledger.datedOf(username) };
}

/** The history up to the date of the score must equal a naive fold of all facts at every date. */
async function problemsOfHistory(world: World, username: string, date: string): Promise<readonly string[]> {
  const facts = datedFactsOf(world, username);
  const history = await read(world, `/v1/scores/${username}/history`, `to=${date}`, History);
  const oldest = new Date(Date.parse(date) - OPEN_DAYS * DAY).toISOString().slice(0, 10);
  // A sealed day keeps the score of the rules under which it was sealed.
  const days = (history?.days ?? []).filter((day) => !world.hasDeployed || day.date > oldest);
  return days.flatMap((day) =>
    differs(`the score of ${username} on ${day.date}`, day.canonicalScore, scoreOn(day.date, facts, numbersOf(world))),
  );
}

/** The public answers about a user must follow from the facts by the rules, on the date of the score. */
async function problemsOfUser(world: World, username: string, date: string): Promise<readonly string[]> {
  const { telemetry, ledger } = world.models;
  const counts = telemetry.countsOf(username);
  const lines = ledger.linesOf(username);
  const isKnown = counts.devices > 0 || Object.keys(counts.names).length > 0 || lines.length > 0;
  const stats = await read(world, '/v1/stats', `username=${username}`, Stats);
  const score = await read(world, `/v1/scores/${username}`, '', Score);
  if (!isKnown) return differs(`what is known of ${username}`, { stats, score }, { stats: null, score: null });
  if (stats === null || score === null) return [`${username} is unknown, and has facts`];
  const lastEventAt = counts.lastHour === null ? null : `${counts.lastHour}:00:00.000Z`;
  const { names: eventCounts, commands: commandCounts, activeDates, devices } = counts;
  const facts = datedFactsOf(world, username);
  const points = pointsOn(date, facts, numbersOf(world));
  const canonicalScore = scoreOn(date, facts, numbersOf(world));
  const found = Object.fromEntries(Object.keys(points).map((key) => [key, score.scoreSources[key]?.points]));
  const totalScore = lines.reduce((sum, { amount }) => sum + amount, 0);
  return [
    ...differs(`the stats of ${username}`, stats, { eventCounts, commandCounts, activeDates, devices, lastEventAt }),
    ...differs(`the sources of ${username} on ${date}`, found, points),
    ...differs(
      `the score of ${username}`,
      [score.canonicalScore, score.tier],
      [canonicalScore, tierOf(canonicalScore)],
    ),
    ...(await problemsOfHistory(world, username, date)),
    ...differs(`the shown balance of ${username}`, score.balance, { totalScore, grants: lines.length }),
  ];
}

const Requested = z.object({
  username: z.string(),
  days: z.array(z.string()).optional(),
  grants: z.boolean().optional(),
  changedAt: z.string().optional(),
});

/** I6: every user that a backfill planned was enqueued by it at least once. */
async function problemsOfBackfills({ simulation }: World): Promise<readonly string[]> {
  const bodies = simulation.queues.get('score-refresh')?.log ?? [];
  const requests = bodies.map((body) => Requested.parse(JSON.parse(body)));
  // Only backfills send this: with grants if they have folded the days, otherwise for everything.
  const ofBackfills = requests.filter(
    ({ days, grants, changedAt }) => grants === true || (days === undefined && changedAt === undefined),
  );
  const runs = plannedByRuns(await simulation.engine.items('backfill_runs'));
  return USERS.flatMap((username) => {
    const times = [...runs.values()].filter((planned) => planned.has(username)).length;
    const enqueued = ofBackfills.filter((request) => request.username === username).length;
    return enqueued >= times ? [] : [`${times} backfills went through ${username}, who was enqueued ${enqueued} times`];
  });
}

const Board = z.object({
  asOf: z.string().nullable(),
  rows: z.array(z.object({ username: z.string(), points: z.number() })),
});
const BOARD_NAMES = ['alltime', 'today', 'week', 'season'] as const;
const textOfRows = (rows: readonly Pick<Row, 'username' | 'points'>[]): string =>
  rows.map(({ username, points }) => `${username} ${points}`).join(', ');

const SavedImage = z.object({ dynamodb: z.object({ Keys: WireItem, NewImage: WireItem.optional() }) });

/** Every saved score from the stream, by user and in order. A deleted score ends the list of earlier ones. */
function savedScores(records: readonly WireRecord[]): ReadonlyMap<string, readonly SavedScore[]> {
  const all = new Map<string, readonly SavedScore[]>();
  for (const record of records) {
    const { Keys, NewImage = {} } = SavedImage.parse(record).dynamodb;
    const { pk, sk } = itemOf(Keys);
    if (sk !== 'SCORE') continue;
    const username = String(pk).slice('USER#'.length);
    const [saved] = scoresIn([itemOf(NewImage)]);
    // Nothing is known of this user any more: a bind was undone.
    if (saved?.memberScore === undefined) all.delete(username);
    else all.set(username, [...(all.get(username) ?? []), saved]);
  }
  return all;
}

/** Every board must be one sort over the scores at its build, without hidden users. */
async function checkBoards(world: World): Promise<void> {
  const { boards } = world.models;
  const history = savedScores(world.simulation.streams.get('user_scores')?.log ?? []);
  const storedRows = boardsIn(await world.simulation.engine.items('leaderboards'));
  const known = USERS.filter((username) => (history.get(username) ?? []).length > 0);
  for (const board of BOARD_NAMES) {
    const found = await read(world, `/v1/leaderboards/${board}`, '', Board);
    const date = found?.asOf?.slice(0, 10);
    if (found === null) continue;
    const rows = textOfRows(found.rows);
    const possible = subsetsOf(known)
      .filter((shown) => known.every((username) => boards.mayBe(username, !shown.includes(username))))
      .map((shown) =>
        shown.flatMap(
          (username) => memberOf(username, history.get(username) ?? [], datedFactsOf(world, username)) ?? [],
        ),
      )
      .map((members) => textOfRows(ranked(board, date ?? '', members)));
    const stored = textOfRows(storedRows.get(board) ?? []);
    expectNone('boards', differs(`the stored ${board}`, stored, textOfRows(found.rows)));
    if (!possible.includes(rows)) {
      expectNone('boards', [`${board} of ${date ?? 'never'} is ${rows}, and should be ${possible.join(' or ')}`]);
    }
  }
}

const subsetsOf = <Item>(items: readonly Item[]): readonly (readonly Item[])[] =>
  items.reduce<readonly (readonly Item[])[]>((all, item) => [...all, ...all.map((some) => [...some, item])], [[]]);

/**
 * I5: everything that was sent and recorded is delivered again in another order, and no fact and no score may change.
 */
export async function checkReplays(world: World): Promise<void> {
  const { simulation, schedule } = world;
  const { engine, queues, streams } = simulation;
  await bringToToday(world);
  const before = await lastingOf(engine, schedule);
  const shuffled = <Item>(items: readonly Item[], what: string): readonly Item[] =>
    inOrderOf(items, (_, index) => fractionOf(`${schedule.seed} again ${what} ${index}`));
  for (const [queueName, queue] of queues) {
    // A message that starts a backfill would start another one. Other tests cover that.
    const isBegin = (body: string) => queueName === 'backfill' && !body.includes('checkpoint');
    if (!queuesOf(schedule).includes(queueName)) continue;
    const bodies = queue.log.filter((body) => !isBegin(body));
    for (const body of shuffled(bodies, queueName)) queue.send(body, { now: simulation.now });
  }
  for (const stream of streams.values()) {
    const records = shuffled(stream.log, stream.table);
    stream.waiting.push(...records.map((record, number) => ({ number, record, tries: 0 })));
  }
  await drain(world, 'again');
  const after = await lastingOf(engine, schedule);
  const problems = [...new Set([...before.keys(), ...after.keys()])].flatMap((key) =>
    before.get(key) === after.get(key)
      ? []
      : [`${key} was ${before.get(key) ?? 'nothing'} and is ${after.get(key) ?? 'nothing'}`],
  );
  expectNone('I5', problems);
  if (schedule.hasRollups) await checkGauges(world);
}

/** Everything that a replay must not change. */
async function lastingOf(engine: Engine, { hasRollups }: Schedule): Promise<ReadonlyMap<string, string>> {
  const all = new Map<string, string>();
  const note = (lasting: Iterable<readonly [string, string]>) => {
    for (const [key, value] of lasting) all.set(key, value);
  };
  for (const role of ['telemetry', 'score_grants', 'registry', 'user_scores'])
    note(lastingIn(role, await engine.items(role)));
  if (!hasRollups) return all;
  const rollups = await engine.items('metric_rollup_hour');
  note(lastingIn('metric_rollup_hour', rollups));
  note([...rollupsIn(rollups).totals].map(([date, rows]) => [`totals of ${date}`, rows.join(', ')]));
  return all;
}

/** The newest sample must equal the sum over all scores. The replay requested one, long enough after the last one. */
async function checkGauges({ simulation }: World): Promise<void> {
  if (simulation.queues.get('roll-up')?.log.length === 0) return; // samples are taken with the roll-ups
  const newest = [...rollupsIn(await simulation.engine.items('metric_rollup_hour')).gauges]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .at(-1);
  const scores = scoresIn(await simulation.engine.items('user_scores')).flatMap(({ memberScore }) => memberScore ?? []);
  const total = scores.reduce((sum, score) => sum + score, 0);
  expectNone(
    'gauges',
    differs('the newest sample', newest?.[1], [`MEMBER_COUNT ${scores.length}`, `TOTAL_SCORE ${total}`]),
  );
}

/** Brings scores of earlier dates to today, because a replay would do so. */
async function bringToToday(world: World): Promise<void> {
  const { simulation } = world;
  simulation.now += BETWEEN_SAMPLES_MS;
  const latest = new Date(simulation.now + CLOCKS_OFF_MS).toISOString().slice(0, 10);
  // Clocks differ: at midnight two machines would score two dates.
  if (new Date(simulation.now - CLOCKS_OFF_MS).toISOString().slice(0, 10) !== latest)
    simulation.now += 2 * CLOCKS_OFF_MS;
  for (const { username, date } of scoresIn(await simulation.engine.items('user_scores'))) {
    if (date === latest) continue;
    simulation.queues.get('score-refresh')?.send(JSON.stringify({ username, days: [] }), { now: simulation.now });
  }
  await drain(world, 'today');
}

async function checkRollups(world: World, extensions: readonly { readonly name: string; readonly owner: string }[]) {
  const { telemetry, registry, ledger } = world.models;
  const stored = rollupsIn(await world.simulation.engine.items('metric_rollup_hour'));
  const facts = {
    events: telemetry.events(),
    devices: telemetry.devices(),
    versions: registry.versions(),
    pulls: registry.pulls(),
    lines: ledger.lines(),
  };
  const counted = countedIn(facts, communityMetrics);
  const rows = (found: ReadonlyMap<string, unknown>) => [...found].sort(([a], [b]) => (a < b ? -1 : 1));
  expectNone('I7', differs('the totals by date', rows(stored.totals), rows(totalsByDate(counted))));
  expectNone('I7', differs('the counts by hour', rows(stored.hours), rows(rowsByHour(counted))));
  const summaries = extensions.map(({ name, owner }) => {
    const versions = registry.versions().filter((version) => version.name === name).length;
    const pulls = registry.pulls().filter((pull) => pull.name === name).length;
    return `${name} of ${owner}: ${versions} versions, ${pulls} pulls`;
  });
  expectNone('I7', differs('the summary of extensions', stored.extensions, summaries.sort()));
}
