import { describe, expect, it } from 'vitest';
import { namedCommandsOf } from '../../../domain/scoring/contributions.ts';
import { refreshScore } from '../../../domain/scoring/refresh-score.ts';
import { activeDaysOn, groupCounts } from '../../../domain/rules/activity.ts';
import { activityOfVersion1, rulesVersion1 } from '../../builders/rules.ts';
import { sumOf } from '../../../domain/scoring/user-metrics.ts';
import { historyView, statsView } from '../../../domain/scoring/views.ts';
import { kindOf } from '../../../domain/telemetry/event-kind.ts';
import { datesFrom } from '../../../domain/shared/by-date.ts';
import { scoreOn } from '../../../proof/model/scoring.ts';
import { datedFactsOf, firstDateOf } from '../../recording/dated-truth.ts';
import { eventsOf, isTaken, requests, truth } from '../../recording/recording.ts';
import { anEvent, aUsername, Clock, dependencies, FactsModel, ScoresModel } from './model.ts';

const date = '2026-11-20';

/** Sends the recording. A refresh with named days follows every `refreshEvery` requests, or one for all at the end. */
async function replay(refreshEvery: number) {
  const [facts, scores, clock] = [new FactsModel(), new ScoresModel(), new Clock()];
  clock.now = Date.parse(`${date}T12:00:00.000Z`);
  const deps = dependencies(facts, scores, clock);
  for (const [index, request] of requests.filter(isTaken).entries()) {
    const sender = request.key === null ? null : aUsername(request.key);
    for (const { event, distinct_id, insert_id, properties } of eventsOf(request)) {
      const at = Date.parse(properties.startedAt);
      facts.send(distinct_id, at, anEvent(insert_id, { kind: kindOf(event, properties, activityOfVersion1), sender }));
    }
    if (index % refreshEvery === 0) for (const each of facts.announcements.splice(0)) await refreshScore(deps, each);
  }
  for (const username of Object.keys(truth.users)) {
    await refreshScore(deps, { username: aUsername(username), days: refreshEvery === Infinity ? null : [] });
  }
  for (const each of facts.announcements.splice(0)) await refreshScore(deps, each);
  return scores;
}

const dayByDay = replay(60);

describe('the recorded traffic of a real client', () => {
  it.each([
    ['folded from nothing', replay(Infinity)],
    ['folded day by day', dayByDay],
  ])('gives every user the true counts and score, %s', async (_how, replayed) => {
    const scores = await replayed;

    for (const [username, expected] of Object.entries(truth.users)) {
      const stored = scores.metrics.get(username)!;
      const stats = statsView({ account: username, username }, stored);
      const sum = sumOf(stored.metrics, namedCommandsOf(rulesVersion1));
      const successes = [...sum.commands].map(([command, count]) => [command, count.successes] as const);
      const { groups, otherCommands } = groupCounts(successes, rulesVersion1.activity);
      expect({
        username,
        totalEvents: stats.totalEvents,
        commandCounts: stats.commandCounts,
        successByGroup: {
          extension: 0,
          model: 0,
          repo: 0,
          workflow: 0,
          ...Object.fromEntries(groups),
          other: otherCommands,
        },
        activeDates: stats.activeDates,
        ...activeDaysOn(new Set(sum.activeDays), date, rulesVersion1.activity),
        activityScore: scores.scores.get(username)?.score.activityScore,
        devices: stats.devices,
      }).toEqual({
        username,
        ...expected,
        successByGroup: { extension: 0, model: 0, repo: 0, workflow: 0, other: 0, ...expected.successByGroup },
        devices: expected.devices.length,
      });
    }
  });

  it('gives every user on each date the score that the recording alone determines', async () => {
    const scores = await dayByDay;
    for (const username of Object.keys(truth.users)) {
      const facts = datedFactsOf(username);
      const from = firstDateOf(facts);
      const { score } = scores.scores.get(username)!;
      const { days } = historyView([], score, { from, to: date, today: date });
      expect([username, days]).toEqual([
        username,
        [...datesFrom(from, date)].map((day) => ({ date: day, canonicalScore: scoreOn(day, facts) })),
      ]);
    }
  });
});
