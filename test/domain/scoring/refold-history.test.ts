/**
 * These tests failed when one of these guards was removed:
 * - savePastMonth: the condition on the revision, and starting again when it fails;
 * - rowsThatTell: leaving dates with a row of their own, and telling the date after one again.
 */
import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { refoldHistory } from '../../../domain/scoring/refold-history.ts';
import { refreshScore } from '../../../domain/scoring/refresh-score.ts';
import { addDays, dateOf, MILLISECONDS_PER_DAY } from '../../../domain/shared/utc.ts';
import { historyView } from '../../../domain/scoring/views.ts';
import { dynamoScoreStore } from '../../../functions/adapters/dynamodb/scoring/score-store.ts';
import { toDayItem } from '../../../functions/adapters/dynamodb/scoring/score.items.ts';
import { startTestEngine, type TestEngine } from '../../support/engines.ts';
import { anEvent, aUsername, Clock, dependencies, FactsModel, invocation, ScoresModel } from './model.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startTestEngine();
});
afterAll(() => engine.stop());

const ada = aUsername('ada');
const NOW = new Clock().now;
const TODAY = dateOf(NOW);
/** The last date that a score of today does not know itself. */
const LAST = addDays(TODAY, -92);
const COMMANDS = ['model', 'workflow', 'extension', 'other'];

/** The facts of about a year, one on every third day and some streaks; those of the last `days` only, or until a date. */
function factsOf(isIn: (date: string) => boolean = () => true): FactsModel {
  const facts = new FactsModel();
  for (let ago = 0; ago <= 300; ago += ago % 20 < 6 ? 1 : 3) {
    const at = NOW - ago * MILLISECONDS_PER_DAY;
    if (!isIn(dateOf(at))) continue;
    facts.send('d', at, anEvent(`${ago}`, { kind: invocation(COMMANDS[ago % 4]!), sender: ada }));
    if (ago % 7 === 0) facts.report('issue', ada, at);
  }
  return facts;
}

/** What the score was on a date, with that date as today. */
async function scoreOn(date: string, facts = factsOf((each) => each <= date)): Promise<number> {
  const [scores, clock] = [new ScoresModel(), new Clock()];
  clock.now = Date.parse(`${date}T12:00:00.000Z`);
  await refreshScore(dependencies(facts, scores, clock), { username: ada, days: null });
  return scores.scores.get(ada)?.score.canonicalScore ?? 0;
}

async function setUp(facts = factsOf()) {
  const { user_scores: table } = await engine.createTables(['user_scores']);
  const client = engine.client();
  const history = dynamoScoreStore(client, table);
  const { grants, ...rest } = dependencies(facts, history, new Clock());
  const deps = { ...rest, lines: grants.lines, history };
  await refreshScore({ ...rest, grants }, { username: ada, days: null });
  const told = async (from: string, to: string) => {
    const { score } = await history.load(ada);
    const view = historyView(await history.dayRows(ada, from, to), score!.score, { from, to, today: TODAY });
    return new Map(view.days.map(({ date, canonicalScore }) => [date, canonicalScore]));
  };
  const saveOwn = (date: string, canonicalScore: number) =>
    client.send(new PutItemCommand({ TableName: table, Item: toDayItem(ada, [{ date, canonicalScore }], '1', 1) }));
  return { facts, deps, history, told, saveOwn };
}

it('tells of each past date what the score was on it', async () => {
  const world = await setUp();
  expect((await world.told(addDays(LAST, -30), LAST)).size).toBe(0);

  await refoldHistory(world.deps, ada, { from: null, to: null });

  const told = await world.told(addDays(TODAY, -301), TODAY);
  expect([told.size, [...told.keys()][0]]).toEqual([299, addDays(TODAY, -298)]);
  for (const ago of [298, 297, 250, 221, 180, 179, 120, 93, 92, 91, 60, 0]) {
    const date = addDays(TODAY, -ago);
    expect([date, told.get(date)]).toEqual([date, await scoreOn(date)]);
  }
});

it('keeps a row that was saved on its own day, and tells the dates around it from facts', async () => {
  const world = await setUp();
  const [own, quiet] = [addDays(LAST, -40), addDays(LAST, -39)];
  await world.saveOwn(own, 7);
  await refoldHistory(world.deps, ada, { from: null, to: null });
  await refoldHistory(world.deps, ada, { from: null, to: null });

  const told = await world.told(addDays(own, -1), quiet);
  expect([...told.values()]).toEqual([await scoreOn(addDays(own, -1)), 7, await scoreOn(quiet)]);
});

it('changes no date outside the range', async () => {
  const world = await setUp(factsOf((date) => date >= addDays(LAST, -20)));
  await refoldHistory(world.deps, ada, { from: null, to: null });
  const before = await world.told(addDays(LAST, -60), LAST);
  const [from, to] = [addDays(LAST, -15), addDays(LAST, -10)];
  world.facts.send('d', Date.parse(`${addDays(LAST, -30)}T12:00:00Z`), anEvent('late', { sender: ada }));

  await refoldHistory(world.deps, ada, { from, to });

  const after = await world.told(addDays(LAST, -60), LAST);
  for (const [date, score] of before)
    expect([date, after.get(date)]).toEqual([
      date,
      date < from || date > to ? score : await scoreOn(date, new FactsModelUntil(world.facts, date)),
    ]);
  expect(after.size).toBe(before.size);
});

/** The facts of another model up to a date. */
class FactsModelUntil extends FactsModel {
  constructor(of: FactsModel, date: string) {
    super();
    for (const { deviceId, at, event } of of.sent) if (dateOf(at) <= date) this.send(deviceId, at, event);
    for (const { username, at } of of.issues) if (dateOf(at) <= date) this.report('issue', username, at);
  }
}

it('starts again if another run saved in between', async () => {
  const world = await setUp();
  const older = new FactsModelUntil(world.facts, TODAY);
  let attempts = 0;
  const telemetry = world.facts.with({
    async linksOf() {
      if ((attempts += 1) > 1) return world.facts.linksOf(ada);
      world.facts.send('d', Date.parse(`${addDays(LAST, -200)}T12:00:00Z`), anEvent('late', { sender: ada }));
      await refoldHistory(world.deps, ada, { from: LAST, to: LAST });
      return older.linksOf(ada);
    },
    hoursOf: (...asked: Parameters<FactsModel['hoursOf']>) => (attempts > 1 ? world.facts : older).hoursOf(...asked),
  });

  await refoldHistory({ ...world.deps, telemetry }, ada, { from: null, to: null });

  const told = await world.told(addDays(LAST, -20), LAST);
  expect(told.size).toBe(21);
  for (const [date, score] of told)
    expect([date, score]).toEqual([date, await scoreOn(date, new FactsModelUntil(world.facts, date))]);
});

it('leaves the dates that a score knows to its refresh', async () => {
  const world = await setUp();
  await refoldHistory(world.deps, ada, { from: addDays(LAST, 1), to: null });

  expect(await world.history.pastMonths(ada, '2000-01-01', TODAY)).toEqual([]);
});
