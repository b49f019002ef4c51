import * as z from 'zod';
import { ConsistencyReport } from '../../domain/consistency-check/consistency-report.ts';
import { anHttpRequest } from '../../test/builders/http-request.ts';
import { fractionOf, inOrderOf } from '../chance.ts';
import { drain } from './drain.ts';
import { expectNone, Finding } from './finding.ts';
import { problemsOfBalances, problemsOfTiers } from '../model/ledger.ts';
import { totalsByDate } from '../model/metrics.ts';
import { rowsOf } from '../model/boards.ts';
import { pointsOn, scoreOn, tierOf, type DatedFacts } from '../model/scoring.ts';
import {
  plannedByRuns,
  savedScores,
  snapshotOf,
  storedLedger,
  storedRegistry,
  storedRollups,
  storedScores,
  storedTelemetry,
} from './stored.ts';
import { queuesOf } from './steps.ts';
import type { World } from './world.ts';

const CLOCKS_OFF_MS = 5_000;
/** After this time a new sample of the gauges is due in a small community, on any machine's clock. */
const BETWEEN_SAMPLES_MS = 60_000 + CLOCKS_OFF_MS;
const USERS = ['ada', 'bob', 'cy'] as const;

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

async function read<Body>(world: World, path: string, query: string, schema: z.ZodType<Body>): Promise<Body | null> {
  const event = anHttpRequest({ method: 'GET', path, query });
  const name = `check ${path}?${query}`;
  const outcome = await world.finish(world.simulation.invoke('read-api', event, name, { isSpared: true }));
  if (outcome.kind !== 'answered') throw new Finding('contract', [`GET ${path} was not answered`]);
  const { statusCode, body } = HttpAnswer.parse(outcome.value);
  if (statusCode === 404) return null;
  if (statusCode !== 200) throw new Finding('contract', [`GET ${path} answered ${statusCode}`]);
  return schema.parse(JSON.parse(body));
}

/** Checks every invariant against the models, after all work is done. */
export async function checkAll(world: World): Promise<void> {
  const { models, schedule } = world;
  const { engine } = world.simulation;
  const [telemetry, ledger, registry] = [
    await storedTelemetry(engine),
    await storedLedger(engine),
    await storedRegistry(engine),
  ];
  expectNone('I1', models.telemetry.settle(telemetry.events, telemetry.devices, telemetry.reports));
  expectNone('registry', models.registry.settle(registry.versions, registry.pulls, registry.live));
  expectNone('I3', problemsOfBalances(ledger.lines, ledger.balances));
  expectNone('I4', models.ledger.settle(ledger.lines, models.registry.grantIds()));

  const scores = new Map((await storedScores(engine)).map((score) => [score.username, score]));
  for (const username of USERS) {
    expectNone('I2', await problemsOfUser(world, username, scores.get(username)?.date ?? ''));
    const score = scores.get(username);
    if (score === undefined || world.forgotten.has(username)) continue;
    expectNone('I2', problemsOfTiers(username, score, models.ledger.linesOf(username)));
  }
  expectNone('I6', await problemsOfBackfills(world));
  await checkConsistency(world, scores.size);
  if (schedule.hasRollups) await checkRollups(world, registry.extensions);
  if (schedule.hasBoards) await checkBoards(world);
}

/** The consistency check must have checked all users, and find no difference if the models find none. */
async function checkConsistency(world: World, users: number): Promise<void> {
  const outcome = await world.finish(
    world.simulation.invoke('check-conservation', { sample: 'all', standingSeconds: 0 }, 'check consistency', {
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
      { checked: users, differences: [], unsettled: 0, complete: true },
    ),
  );
}

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
  return (history?.days ?? []).flatMap((day) =>
    differs(`the score of ${username} on ${day.date}`, day.canonicalScore, scoreOn(day.date, facts)),
  );
}

/** The public answers about a user must follow from the facts by the rules, on the date of the score. */
async function problemsOfUser(world: World, username: string, date: string): Promise<readonly string[]> {
  const { telemetry, ledger } = world.models;
  const counts = telemetry.countsOf(username);
  const lines = ledger.linesOf(username);
  const isKnown = counts.devices > 0 || Object.keys(counts.events).length > 0 || lines.length > 0;
  const stats = await read(world, '/v1/stats', `username=${username}`, Stats);
  const score = await read(world, `/v1/scores/${username}`, '', Score);
  if (!isKnown) return differs(`what is known of ${username}`, { stats, score }, { stats: null, score: null });
  if (stats === null || score === null) return [`${username} is unknown, and has facts`];
  const lastEventAt = counts.lastHour === null ? null : `${counts.lastHour}:00:00.000Z`;
  const { events: eventCounts, commands: commandCounts, activeDates, devices } = counts;
  const facts = datedFactsOf(world, username);
  const points = pointsOn(date, facts);
  const canonicalScore = scoreOn(date, facts);
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
  const runs = await plannedByRuns(simulation.engine);
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

/** Every board must be one sort over the scores at its build, without hidden users. */
async function checkBoards(world: World): Promise<void> {
  const { boards } = world.models;
  const history = savedScores(world.simulation.streams.get('user_scores')?.log ?? []);
  const known = USERS.filter((username) => (history.get(username) ?? []).length > 0);
  for (const board of BOARD_NAMES) {
    const found = await read(world, `/v1/leaderboards/${board}`, '', Board);
    const date = found?.asOf?.slice(0, 10);
    if (found === null) continue;
    const rows = found.rows.map(({ username, points }) => `${username} ${points}`);
    const possible = subsetsOf(known)
      .filter((shown) => known.every((username) => boards.mayBe(username, !shown.includes(username))))
      .map((shown) =>
        shown.map((username) => ({
          username,
          saves: history.get(username) ?? [],
          facts: datedFactsOf(world, username),
        })),
      )
      .map((members) => rowsOf(board, date ?? '', members).join(', '));
    if (!possible.includes(rows.join(', '))) {
      expectNone('boards', [
        `${board} of ${date ?? 'never'} is ${rows.join(', ')}, and should be ${possible.join(' or ')}`,
      ]);
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
  const before = await snapshotOf(engine, schedule.hasRollups);
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
  const after = await snapshotOf(engine, schedule.hasRollups);
  const problems = [...new Set([...before.keys(), ...after.keys()])].flatMap((key) =>
    before.get(key) === after.get(key)
      ? []
      : [`${key} was ${before.get(key) ?? 'nothing'} and is ${after.get(key) ?? 'nothing'}`],
  );
  expectNone('I5', problems);
  if (schedule.hasRollups) await checkGauges(world);
}

/** The newest sample must equal the sum over all scores. The replay requested one, long enough after the last one. */
async function checkGauges({ simulation }: World): Promise<void> {
  if (simulation.queues.get('roll-up')?.log.length === 0) return; // samples are taken with the roll-ups
  const newest = [...(await storedRollups(simulation.engine)).gauges].sort(([a], [b]) => (a < b ? -1 : 1)).at(-1);
  const scores = (await storedScores(simulation.engine)).flatMap(({ memberScore }) => memberScore ?? []);
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
  for (const { username, date } of await storedScores(simulation.engine)) {
    if (date === latest) continue;
    simulation.queues.get('score-refresh')?.send(JSON.stringify({ username, days: [] }), { now: simulation.now });
  }
  await drain(world, 'today');
}

async function checkRollups(world: World, extensions: readonly { readonly name: string; readonly owner: string }[]) {
  const { telemetry, registry, ledger } = world.models;
  const stored = await storedRollups(world.simulation.engine);
  const facts = {
    events: telemetry.events(),
    devices: telemetry.devices(),
    versions: registry.versions(),
    pulls: registry.pulls(),
    lines: ledger.lines(),
  };
  const expected = totalsByDate(facts);
  const dates = [...new Set([...stored.totals.keys(), ...expected.keys()])].sort();
  expectNone(
    'I7',
    dates.flatMap((date) => differs(`the totals of ${date}`, stored.totals.get(date), expected.get(date))),
  );
  const summaries = extensions.map(({ name, owner }) => {
    const versions = registry.versions().filter((version) => version.name === name).length;
    const pulls = registry.pulls().filter((pull) => pull.name === name).length;
    return `${name} of ${owner}: ${versions} versions, ${pulls} pulls`;
  });
  expectNone('I7', differs('the summary of extensions', stored.extensions, summaries.sort()));
}
