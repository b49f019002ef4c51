import { GetItemCommand, PutItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import {
  newTask,
  PLAN_SEGMENTS,
  segmentOf,
  type BackfillRun,
  type TaskName,
} from '../../domain/backfill/backfill-run.ts';
import type { BackfillRuns } from '../../domain/backfill/backfill-runs.port.ts';
import type { AccountId } from '../../domain/identity/account.ts';
import { dynamoBackfillRuns } from '../../functions/adapters/dynamodb/backfill/backfill-runs.ts';
import { aUsername } from '../builders/identity.ts';
import { onBothEngines } from '../support/on-both-engines.ts';
import { aLossyClient } from './lossy-client.ts';

/** Far in the future, because DynamoDB Local soon deletes items that are expired by the machine's clock. */
const STARTED = '2126-08-21T12:00:00.000Z';
const WORK: TaskName = { phase: 'work', segment: 3 };
const PLAN: TaskName = { phase: 'plan', source: 'telemetry', segment: 0 };
const QUARTER_PAGE = 'x'.repeat(300_000); // four such items fill a page of 1 MB

onBothEngines('the runs of backfills', (engine) => {
  let client: DynamoDBClient;
  let table: string;
  let runs: BackfillRuns;
  let run: BackfillRun;
  let tokens = 0;
  const deps = { random: () => 0.5, sleep: async () => {}, randomToken: () => `token-${(tokens += 1)}` };
  beforeAll(() => {
    client = engine().client();
  });
  beforeEach(async () => {
    table = (await engine().createTables(['backfill_runs'])).backfill_runs;
    runs = dynamoBackfillRuns(client, table, deps);
    run = aRun();
  });

  const aRun = (startedAt = STARTED, change: Partial<BackfillRun> = {}): BackfillRun => ({
    runId: `${startedAt.replaceAll(/[-:.]/gu, '')}-a_-Z`,
    order: { mode: 'all', dryRun: false, usernames: null },
    startedAt,
    status: 'running',
    ...change,
  });
  const usersOf = (segment: number, count: number): AccountId[] => {
    const all = Array.from({ length: 1_000 }, (_, n) => aUsername(`u.${String(n).padStart(4, '0')}`));
    return all.filter((user) => segmentOf(user) === segment).slice(0, count);
  };
  const state = async (name: TaskName) => (await runs.tasks(run.runId, [name]))[0]!.state;

  it('find a started run as it was stored, and no other run', async () => {
    const named = aRun(STARTED, { order: { mode: 'all', dryRun: true, usernames: [aUsername('a'), aUsername('b')] } });

    expect(await runs.start(named)).toEqual(named);
    expect(await runs.find(named.runId)).toEqual(named);
    expect(await runs.find('unknown')).toBeUndefined();
  });

  it('return a run unchanged when it is started again', async () => {
    await runs.start(run);
    await runs.finish(run.runId);

    const again = await runs.start({ ...run, order: { mode: 'stale', dryRun: true, usernames: null } });

    expect(again).toEqual({ ...run, status: 'done' });
    expect(await runs.find(run.runId)).toEqual({ ...run, status: 'done' });
  });

  it('start a run once after a lost answer', async () => {
    const lossy = aLossyClient(engine());

    expect(await dynamoBackfillRuns(lossy, table, deps).start(run)).toEqual(run);
    expect(await runs.find(run.runId)).toEqual(run);
  });

  it('list unfinished runs from a given time on, the oldest first', async () => {
    const [early, done, late] = ['11', '13', '14'].map((hour) => aRun(`2126-08-21T${hour}:00:00.000Z`));
    for (const each of [late!, run, early!, done!]) await runs.start(each);
    await runs.finish(done!.runId);

    expect(await runs.unfinished(STARTED)).toEqual([run, late]);
    expect(await runs.unfinished('2126-08-22T00:00:00.000Z')).toEqual([]);
  });

  it('list past pages with only finished runs', async () => {
    const usernames = Array.from({ length: 5_000 }, (_, n) => aUsername(`${'u'.repeat(58)}-${10_000 + n}`));
    const days = ['20', '21', '22', '23', '24'].map((day) => `2126-08-${day}T00:00:00.000Z`);
    for (const day of days) {
      const { runId } = await runs.start(aRun(day, { order: { mode: 'all', dryRun: false, usernames } }));
      if (day !== days.at(-1)) await runs.finish(runId);
    }

    expect((await runs.unfinished(days[0]!)).map(({ startedAt }) => startedAt)).toEqual(days.slice(-1));
  });

  it('cannot finish an unknown run', async () => {
    await expect(runs.finish('unknown')).rejects.toMatchObject({ name: 'ConditionalCheckFailedException' });
    expect(await runs.find('unknown')).toBeUndefined();
  });

  it('return the requested tasks in order, and new ones as new', async () => {
    const next = { ...newTask, revision: 1, position: '{"pk":"USER#a~#/ü"}', planned: 7, checkpointAt: STARTED };
    const tallied = { ...next, unknown: { count: 2, first: [aUsername('a'), aUsername('b')] }, isDone: true };
    await runs.checkpoint(run, WORK, newTask, next);
    await runs.checkpoint(run, PLAN, newTask, tallied);

    const other: TaskName = { phase: 'plan', source: 'telemetry', segment: 1 };
    expect(await runs.tasks(run.runId, [WORK, other, PLAN])).toEqual([
      { name: WORK, state: next },
      { name: other, state: newTask },
      { name: PLAN, state: tallied },
    ]);
    expect(await runs.tasks(`${run.runId}x`, [WORK])).toEqual([{ name: WORK, state: newTask }]);
  });

  it('return tasks past the end of a page', async () => {
    const names = Array.from({ length: 5 }, (_, segment): TaskName => ({ phase: 'work', segment }));
    const far = { ...newTask, revision: 1, position: QUARTER_PAGE };
    for (const name of names) await runs.checkpoint(run, name, newTask, far);

    expect((await runs.tasks(run.runId, names)).map((task) => task.state.revision)).toEqual([1, 1, 1, 1, 1]);
  });

  it('refuse a checkpoint if another one came first, also for the first checkpoint', async () => {
    const [first, second] = [1, 2].map((revision) => ({ ...newTask, revision, enqueued: revision }));
    const late = { ...newTask, enqueued: 99 };
    expect(await runs.checkpoint(run, WORK, newTask, first!)).toBe('saved');
    expect(await runs.checkpoint(run, WORK, newTask, { ...late, revision: 1 })).toBe('stale');
    expect(await runs.checkpoint(run, WORK, first!, second!)).toBe('saved');
    expect(await runs.checkpoint(run, WORK, first!, { ...late, revision: 2 })).toBe('stale');
    expect(await runs.checkpoint(run, PLAN, first!, second!)).toBe('stale'); // the task does not exist yet

    expect(await state(WORK)).toEqual(second);
    expect(await state(PLAN)).toEqual(newTask);
  });

  it('accept one of many concurrent checkpoints', async () => {
    const nexts = Array.from({ length: 20 }, (_, n) => ({ ...newTask, revision: 1, enqueued: n }));

    const outcomes = await Promise.all(nexts.map((next) => runs.checkpoint(run, WORK, newTask, next)));

    expect(outcomes.filter((outcome) => outcome === 'saved')).toHaveLength(1);
    expect(await state(WORK)).toEqual(nexts[outcomes.indexOf('saved')]);
  });

  it.each([0, 1])('recognize their own checkpoint at revision %d after a lost answer', async (revision) => {
    const lossy = aLossyClient(engine());
    const [before, after] = [revision, revision + 1].map((of) => ({ ...newTask, revision: of }));
    if (revision > 0) await runs.checkpoint(run, WORK, newTask, before!);

    expect(await dynamoBackfillRuns(lossy, table, deps).checkpoint(run, WORK, before!, after!)).toBe('saved');
    expect(await state(WORK)).toEqual(after);
  });

  it('plan each username once, in its segment, in order', async () => {
    const users = Array.from({ length: PLAN_SEGMENTS }, (_, segment) => usersOf(segment, 13)).flat();
    await runs.plan(run, users.slice(0, 60));
    await runs.plan(run, users.slice(30).toReversed());

    for (let segment = 0; segment < PLAN_SEGMENTS; segment += 1) {
      const planned = await runs.planned(run.runId, segment, { after: null, limit: 1_000 });
      expect(planned).toEqual(usersOf(segment, 13));
      expect(await runs.countPlanned(run.runId, segment)).toBe(13);
    }
  });

  it('plan a username once if two requests name it at once', async () => {
    const [user] = usersOf(0, 1);
    await runs.plan(run, [user!, user!]);

    expect(await runs.countPlanned(run.runId, 0)).toBe(1);
  });

  it('plan nobody for an empty list', async () => {
    await runs.plan(run, []);

    expect(await runs.countPlanned(run.runId, 0)).toBe(0);
    expect(await runs.planned(run.runId, 0, { after: null, limit: 10 })).toEqual([]);
  });

  it('return a plan in pages, each after the last username of the page before', async () => {
    const users = usersOf(2, 7);
    await runs.plan(run, users);
    const page = (after: string | null, limit = 3) => runs.planned(run.runId, 2, { after, limit });

    expect(await page(null)).toEqual(users.slice(0, 3));
    expect(await page(users[2]!)).toEqual(users.slice(3, 6));
    expect(await page(users[5]!)).toEqual(users.slice(6));
    expect(await page(users[6]!)).toEqual([]);
    expect(await page('u', 1)).toEqual(users.slice(0, 1)); // a cursor need not be a planned username
  });

  it('keep plans and tasks of other runs apart', async () => {
    const other = aRun(STARTED, { runId: `${run.runId}#2` }); // the key of one plan is a prefix of the other's
    await runs.plan(run, usersOf(2, 3));
    await runs.checkpoint(other, WORK, newTask, { ...newTask, revision: 1 });

    expect(await runs.countPlanned(other.runId, 2)).toBe(0);
    expect(await state(WORK)).toEqual(newTask);
  });

  it('count a plan past the end of a page', async () => {
    for (let n = 0; n < 5; n += 1) {
      const Item = marshall({ pk: `RUN#${run.runId}#0`, sk: `USER#${n}`, padding: QUARTER_PAGE });
      await client.send(new PutItemCommand({ TableName: table, Item }));
    }

    expect(await runs.countPlanned(run.runId, 0)).toBe(5);
  });

  it('let all items of a run expire 90 days after its start', async () => {
    const [user] = usersOf(0, 1);
    await runs.start(run);
    await runs.checkpoint(run, WORK, newTask, { ...newTask, revision: 1 });
    await runs.plan(run, [user!]);

    const expected = String(Date.parse('2126-11-19T12:00:00.000Z') / 1_000);
    for (const [pk, sk] of [
      ['RUNS', run.runId],
      [`RUN#${run.runId}`, 'TASK#WORK#03'],
      [`RUN#${run.runId}#0`, `USER#${user!}`],
    ]) {
      const { Item } = await client.send(new GetItemCommand({ TableName: table, Key: marshall({ pk, sk }) }));
      expect(Item?.expiresAt?.N).toBe(expected);
    }
  });
});
