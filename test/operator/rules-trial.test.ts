import { describe, expect, it } from 'vitest';
import type { RulesTrial } from '../../domain/leaderboards/try-rules.ts';
import { brokenLimits, limitsOf, trialPage, trialText } from '../../operator/rules-trial.ts';

const ada = { username: 'ada', from: 500, to: 450, reasons: [{ key: 'community:lab-issues', from: 500, to: 450 }] };
const row = (rank: number, username: string, points: number, rankNow: number | null) => ({
  ...{ rank, username, points, rankNow },
});
const trial: RulesTrial = {
  ...{ inForce: '1', tried: '2', date: '2026-08-21', accounts: 40, gain: 3, lose: 12, stay: 25 },
  ...{ largestGains: [], largestLosses: [ada], factsReadOf: 0, skipped: 1, tierLosses: 2, rankChanges: 11 },
  tiers: [{ from: 'Old <Grove>', to: 'Tree', accounts: 2, first: ['ada'] }],
  boards: [
    { board: 'week', title: 'Last 7 days', rows: [row(1, 'bob', 90, 3), row(2, 'ada', 80, 1), row(3, 'cyd', 9, null)] },
  ],
};

describe('a trial of rules, told', () => {
  it('as text: figures, reasons, tiers and the moves on each board', () => {
    const text = trialText(trial);
    expect(text).toContain(
      '40 accounts: 3 gain, 12 lose, 25 stay. 2 would be in a lower tier, 11 would have another rank.',
    );
    expect(text).toContain('1 account could not be tried');
    for (const line of [
      /ada .* 500 .* 450 .* -50 .* community:lab-issues 500 → 450/u,
      /Old <Grove> .* Tree .* 2 .* ada, …/u,
      /1 .* bob .* 90 .* \+2/u,
      /2 .* ada .* 80 .* -1/u,
      /3 .* cyd .* 9 .* new/u,
    ])
      expect(text).toMatch(line);
  });

  it('as one page that loads nothing and shows names as text', () => {
    const page = trialPage(trial, 'Weavers & <Friends>');
    expect(page).toContain('<title>Weavers &amp; &lt;Friends&gt;: Version 2 of the rules in place of 1</title>');
    expect(page).toContain('<td>Old &lt;Grove&gt;</td><td>Tree</td><td>2</td><td>ada, …</td>');
    expect(page).toContain('<tr><td>1</td><td>bob</td><td>90</td><td>+2</td></tr>');
    expect(page).not.toMatch(/<script|<link|<img|https?:|Largest gains/u); // a section without rows is left out
  });
});

describe('limits of a pipeline', () => {
  it.each([
    ['tier-losses', ['tier-losses: 2, at most 0 wanted']],
    ['tier-losses>2', []],
    ['tier-losses,rank-changes>10', ['tier-losses: 2, at most 0 wanted', 'rank-changes: 11, at most 10 wanted']],
    ['gains>2, losses>12', ['gains: 3, at most 2 wanted']],
  ])('%s', (text, expected) => {
    expect(brokenLimits(trial, limitsOf(text)!)).toEqual(expected);
  });

  it.each(['', 'ties', 'tier-losses>', 'tier-losses>-1', 'tier-losses<5', 'rank-changes>1.5', 'tier-losses,,gains'])(
    'refuse %j',
    (text) => {
      expect(limitsOf(text)).toBeUndefined();
    },
  );
});
