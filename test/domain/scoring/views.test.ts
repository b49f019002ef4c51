import { describe, expect, it } from 'vitest';
import { emptyFold } from '../../../domain/scoring/fold.ts';
import { rulesVersion1 } from '../../builders/rules.ts';
import type { DayRow } from '../../../domain/scoring/score-store.port.ts';
import { decideScore } from '../../../domain/scoring/score.ts';
import {
  ExplainView,
  explainView,
  historyView,
  ScoreView,
  scoreView,
  StatsView,
  statsView,
} from '../../../domain/scoring/views.ts';
import { dayNumberOf } from '../../../domain/shared/utc.ts';
import { aUsername } from './model.ts';
import { nothingGranted } from '../../../domain/grants/granted.ts';
import { someMetricsOf } from '../../builders/metrics.ts';

const date = '2026-08-21';
const ada = aUsername();
const successful = (total: number, successes = total) => ({ total, successes });
const telemetry = {
  events: new Map([
    ['cli_invocation', 55],
    ['constructor', 2],
  ]),
  commands: new Map([
    ['model', successful(43, 40)],
    ['workflow', successful(10)],
    ['telemetry', successful(2)],
  ]),
  activeDays: [27, 20, 9, 5, 2, 1, 0].map((n) => dayNumberOf(date) - n),
  lastHour: `${date}T13`,
};
const now = Date.parse(`${date}T14:00:00.000Z`);
const score = decideScore(
  ada,
  { metrics: someMetricsOf(date, { telemetry }), granted: nothingGranted },
  { previous: null, isHidden: false, date, now, rules: rulesVersion1 },
);

describe('stats', () => {
  it('sum the sealed and the open days', () => {
    const sealedPart = { ...telemetry, activeDays: [100], lastHour: '2026-06-01T00' };
    const metrics = someMetricsOf(date, {
      telemetry: sealedPart,
      open: new Map([[date, telemetry]]),
      ownedDevices: 2,
      sentFrom: [4],
    });
    const stats = statsView(
      { account: ada, username: 'ada' },
      { metrics, foldedAt: `${date}T14:00:00.000Z`, starts: new Map(), revision: 1 },
    );

    expect(StatsView.parse(stats)).toEqual(stats);
    expect(stats).toMatchObject({
      totalEvents: 114,
      eventCounts: { cli_invocation: 110, constructor: 4 },
      commandCounts: { model: 86, telemetry: 4, workflow: 20 },
      devices: 3,
      lastEventAt: `${date}T13:00:00.000Z`,
      precision: 'hour',
    });
    expect(stats.activeDates.slice(0, 2)).toEqual(['1970-04-11', '2026-07-25']);
  });
});

describe('score view', () => {
  it('shows the score, its sources and the points missing to the next tier', () => {
    const view = scoreView({ account: ada, username: 'ada' }, score, null);

    expect(ScoreView.parse(view)).toEqual(view);
    expect(view).toMatchObject({
      canonicalScore: 755,
      activityScore: 755,
      tier: 'Seedling',
      nextTier: { name: 'Sprout', missing: 245 },
      scoreSources: { 'telemetry:activity': { category: 'activity', source: 'cli', points: 755 } },
      rulesVersion: '1',
    });
  });
});

describe('explanation', () => {
  it('shows the counts, each step and the points of the score', () => {
    const view = explainView(ada, score);

    expect(ExplainView.parse(view)).toEqual(view);
    expect(view.arithmetic).toBe('755 + 0 + 0 + 0 + 0 = 755');
    expect(view.contributions[0]?.inputs).toMatchObject({ 'group:model': 40, streak: 3, rollingDays: 7 });
    expect(view.contributions[0]?.steps.map(({ arithmetic, value }) => `${arithmetic} = ${value}`)).toEqual([
      'min(2000, 10 × 40) = 400',
      'min(3000, 15 × 10) = 150',
      'min(2000, 20 × 0) = 0',
      'min(500, 5 × 0) = 0',
      'min(250, 1 × 2) = 2',
      '400 + 150 + 0 + 0 + 2 = 552',
      '50 × 2 groups = 100',
      '10000 + min(5000, 100 × 3 days) = 10300',
      '10000 + floor(5000 × 7 / 28) = 11250',
      'floor((552 + 100) × 10300 × 11250 / 100000000) = 755',
    ]);
  });

  it('names a cap that reduced the points', () => {
    const many = {
      ...emptyFold,
      commands: new Map([
        ['model', successful(201)],
        ['run', successful(200)],
      ]),
    };
    const capped = decideScore(
      ada,
      { metrics: someMetricsOf(date, { telemetry: many }), granted: nothingGranted },
      { previous: null, isHidden: false, date, now, rules: rulesVersion1 },
    );

    const caps = explainView(ada, capped).contributions[0]?.steps.map(({ cappedAt }) => cappedAt);
    expect(caps?.slice(0, 2)).toEqual([2_000, undefined]);
  });
});

describe('history', () => {
  const rows = [
    { date: '2026-04-10', canonicalScore: 1, rulesVersion: '1' },
    { date: '2026-04-14', canonicalScore: 2, rulesVersion: null },
  ];
  const steps = [
    { through: '2026-08-13', score: 2 },
    { through: '2026-08-15', score: 5 },
  ];
  const current = { date: '2026-08-16', canonicalScore: 3, steps };
  const scores = (from: string, to: string, of: readonly DayRow[] = rows, last: typeof current = current) =>
    historyView(of, last, { from, to, today: '2026-08-18' }).days.map((day) => [day.date.slice(5), day.canonicalScore]);

  it.each([
    ['carries a row into the dates after it', '2026-04-12', '2026-04-15', ['04-12 1', '04-13 1', '04-14 2', '04-15 2']],
    [
      'takes the known dates of the score from its steps',
      '2026-05-16',
      '2026-05-18',
      ['05-16 2', '05-17 2', '05-18 2'],
    ],
    ['each date its own', '2026-08-13', '2026-08-16', ['08-13 2', '08-14 5', '08-15 5', '08-16 3']],
    ['carries the score on to today', '2026-08-16', '2026-08-31', ['08-16 3', '08-17 3', '08-18 3']],
    ['begins with the first known date', '2026-04-01', '2026-04-11', ['04-10 1', '04-11 1']],
    ['is empty before the first known date', '2026-03-01', '2026-03-11', []],
    ['is empty for an empty range', '2026-08-12', '2026-08-11', []],
    ['carries the score itself into a later range', '2026-08-17', '2026-08-17', ['08-17 3']],
  ])('%s', (_rule, from, to, expected) => {
    expect(scores(from, to).map((day) => day.join(' '))).toEqual(expected);
  });

  it('begins after a first step of 0, which is before the first fact, unless there is an earlier row', () => {
    const begun = { ...current, steps: [{ through: '2026-08-13', score: 0 }] };

    expect(scores('2026-08-12', '2026-08-15', [], begun)).toEqual([
      ['08-14', 3],
      ['08-15', 3],
    ]);
    expect(scores('2026-08-13', '2026-08-14', rows, begun)).toEqual([
      ['08-13', 0],
      ['08-14', 3],
    ]);
  });

  it('begins with the score if it has always been 0', () => {
    expect(scores('2026-08-12', '2026-08-31', [], { ...current, canonicalScore: 0, steps: [] })).toEqual([
      ['08-16', 0],
      ['08-17', 0],
      ['08-18', 0],
    ]);
  });
});
