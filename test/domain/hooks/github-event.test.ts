import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { readGithub } from '../../../domain/hooks/github-event.ts';
import { aMergedPullRequest, anOpenedIssue, aReview, aUser, REPOSITORY } from '../../builders/hooks.ts';

/** Hooks that GitHub has sent, recorded by others. */
const recorded: readonly { name: string; examples: readonly any[] }[] = createRequire(import.meta.url)(
  '@octokit/webhooks-examples',
);
const all = recorded.flatMap(({ name, examples }) => examples.map((body) => ({ name, body })));

const readingOf = (event: string, body: unknown) => readGithub(event, body).deed;
const deedOf = (event: string, body: unknown) => {
  const deed = readingOf(event, body);
  return deed.ok ? deed.value : deed.error.reason;
};

describe('recorded hooks', () => {
  it('are things that people did, or are ignored with a reason', () => {
    const things = Map.groupBy(all, ({ name, body }) => {
      const deed = readingOf(name, body);
      return deed.ok ? `${name}.${body.action}: ${deed.value.thing}` : 'ignored';
    });
    const counts = Object.fromEntries([...things].map(([thing, { length }]) => [thing, length]));

    expect(counts).toEqual({
      'discussion.answered: answer_accepted': 1,
      'issues.opened: issue_opened': 4,
      'pull_request_review.submitted: review_submitted': 3,
      'release.published: release_published': 3,
      ignored: all.length - 11,
    });
    for (const { name, body } of things.get('ignored')!) {
      const deed = readingOf(name, body);
      expect(deed.ok ? '' : deed.error.reason).toMatch(/\w+ \w+/);
    }
  });

  it.each([
    ['issues', 'opened', 'issue_opened', '#1', { id: 21031067, login: 'Codertocat' }, '2019-05-15T15:20:18Z'],
    ['pull_request_review', 'submitted', 'review_submitted', '#2', { login: 'Codertocat' }, '2019-05-15T15:20:38Z'],
    ['discussion', 'answered', 'answer_accepted', '#4', { login: 'dan2wik' }, '2021-03-30T19:17:18.000-04:00'],
    ['release', 'published', 'release_published', '@0.0.1', { login: 'Codertocat' }, '2019-05-15T15:20:53Z'],
  ])('%s %s is of its author, with its own time', (event, action, thing, within, author, at) => {
    const { body } = all.find(({ name, body }) => name === event && body.action === action)!;

    expect(deedOf(event, body)).toMatchObject({
      thing,
      identity: { repository: { id: 186853002, name: 'codertocat/hello-world' }, within },
      author,
      at,
    });
  });

  it('name former places: of a repository, of an issue, of a discussion', () => {
    const read = (event: string, action: string, has: (body: any) => unknown = () => true) =>
      readGithub(event, all.find(({ name, body }) => name === event && body.action === action && has(body))!.body);
    const thing = (id: number, name: string, within: string) => ({ repository: { id, name }, within });

    expect(read('repository', 'renamed').renamed).toEqual({
      id: 186853261,
      name: 'octocoders/hello-world',
      formerName: 'octocoders/hello-world',
    });
    expect(read('repository', 'transferred').renamed?.formerName).toBe('octocat/hello-world');
    expect(read('issues', 'transferred').moved).toMatchObject({
      from: thing(17273051, 'octo-org/octo-repo', '#1'),
      to: thing(186853002, 'codertocat/hello-world', '#1'),
    });
    expect(read('issues', 'opened', ({ changes }) => changes).moved).toMatchObject({
      from: { repository: { name: 'octo-org/octo-repo' }, within: '#1' },
      to: thing(186853002, 'codertocat/hello-world', '#1'),
    });
    expect(read('discussion', 'transferred').moved?.to.repository.name).toBe('codertocat/hello-world-npm');
  });
});

describe('hooks made by hand', () => {
  it.each<[what: string, event: string, body: unknown, reason: string]>([
    ['a bot', 'issues', anOpenedIssue(1, aUser('renovate', 5, 'Bot')), 'its author, renovate, is a bot'],
    ['a bot by its name', 'issues', anOpenedIssue(1, aUser('x[bot]')), 'its author, x[bot], is a bot'],
    ['nobody', 'issues', anOpenedIssue(1, null), 'its author has no account any more'],
    ['the ghost', 'issues', anOpenedIssue(1, aUser('ghost', 10_137)), 'its author has no account any more'],
    [
      'a pull request that was not merged',
      'pull_request',
      { ...aMergedPullRequest(), pull_request: { number: 1, user: aUser(), merged: false, merged_at: null } },
      'the pull request was closed without a merge',
    ],
    [
      'a force push',
      'pull_request',
      { ...aMergedPullRequest(), action: 'synchronize' },
      'nothing is counted for pull_request.synchronize',
    ],
    ['a ping', 'ping', { zen: 'Keep it logically awesome.' }, 'nothing is counted for ping.'],
    ['no object', 'issues', 'text', 'nothing is counted for issues.'],
    [
      'a missing number',
      'issues',
      { ...anOpenedIssue(), issue: { user: aUser() } },
      'issue.number: missing, expected a number',
    ],
  ])('of %s are ignored with a reason', (_what, event, body, reason) => {
    expect(deedOf(event, body)).toBe(reason);
  });

  it('are of the author, not of the sender', () => {
    const body = { ...aMergedPullRequest(), sender: aUser('merge-queue[bot]', 9, 'Bot') };

    expect(deedOf('pull_request', body)).toMatchObject({
      thing: 'pull_request_merged',
      author: { id: 1, login: 'Ada' },
    });
    expect(deedOf('pull_request_review', aReview(3, aUser('Brin', 2)))).toMatchObject({ author: { id: 2 } });
  });

  it('take tags that no identity can have by their number', () => {
    const release = (tag_name: string) => {
      const body = { action: 'published', repository: REPOSITORY, release: { id: 5, tag_name, author: aUser() } };
      const deed = readingOf('release', body);
      return deed.ok ? deed.value.identity.within : deed.error.reason;
    };

    expect(['v1.2.0', '@acme/tool@1.0.0', 'résumé', 'x'.repeat(48)].map(release)).toEqual([
      '@v1.2.0',
      '@@acme/tool@1.0.0',
      '@~5',
      '@~5',
    ]);
  });
});
