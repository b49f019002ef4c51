import { beforeEach, describe, expect, it } from 'vitest';
import { takeDiscourseHook, takeGithubHook } from '../../../domain/hooks/take-hook.ts';
import { firstIdOf } from '../../../domain/telemetry/first-names.ts';
import { aHookWorld, aMergedPullRequest, anOpenedIssue, aReview, aUser, REPOSITORY } from '../../builders/hooks.ts';

let world: ReturnType<typeof aHookWorld>;
beforeEach(() => {
  world = aHookWorld();
});
const github = (event: string, body: unknown) => takeGithubHook(world.deps, { source: 'acme', event, body });
const discourse = (event: string, body: unknown) => takeDiscourseHook(world.deps, { source: 'forum', event, body });
const stored = () => [...world.facts.keys()];

const ACCEPTED = { accepted: 1, duplicates: 0, ignored: 0 };
const DUPLICATE = { accepted: 0, duplicates: 1, ignored: 0 };

describe('hooks of GitHub', () => {
  it('are one fact, whatever their delivery', async () => {
    expect(await github('pull_request', aMergedPullRequest())).toEqual(ACCEPTED);
    expect(await github('pull_request', { ...aMergedPullRequest(), sender: aUser('x', 3) })).toEqual(DUPLICATE);
    expect(await github('issues', anOpenedIssue())).toEqual(ACCEPTED); // another kind of the same number

    expect(stored()).toEqual(['gh-ada merged acme/tool#12', 'gh-ada opened acme/tool#12']);
    expect(world.facts.get('gh-ada merged acme/tool#12')).toBe(Date.parse('2026-08-20T11:00:00Z'));
  });

  it('count a review once for each reviewer and pull request', async () => {
    const both = [aUser('Brin', 2), aUser('Cleo', 3), aUser('Brin', 2)];
    for (const user of both) await github('pull_request_review', aReview(12, user));

    expect(stored()).toEqual(['gh-brin reviewed acme/tool#12', 'gh-cleo reviewed acme/tool#12']);
  });

  it('become lines of the ledger if the rules say so', async () => {
    const release = { id: 5, tag_name: 'v1.2.0', author: aUser(), published_at: '2026-08-20T10:00:00Z' };
    const published = { action: 'published', repository: REPOSITORY, release };
    expect(await github('release', published)).toEqual(ACCEPTED);
    expect(await github('release', published)).toEqual(DUPLICATE);

    expect(world.ledger.linesOf('gh-ada')).toMatchObject([
      { grantId: 'feed-post:acme/tool@v1.2.0', grantedBy: 'github hook acme', grantedAt: '2026-08-20T10:00:00.000Z' },
    ]);
    const other = { ...published, release: { ...release, author: aUser('Brin', 2) } };
    expect(await github('release', other)).toMatchObject({ ignored: 1, reason: /already given to gh-ada/ });
  });

  it('count for the account that has the login, by its number', async () => {
    world.linked.set('github:1', 'ada');
    await github('issues', anOpenedIssue(1, aUser('renamed-since', 1)));
    await github('issues', anOpenedIssue(2, aUser('Ada', 2))); // somebody else took the login

    expect(stored()).toEqual(['ada opened acme/tool#1', 'gh-ada opened acme/tool#2']);
  });

  it('are no second fact after their author’s login was linked', async () => {
    await github('issues', anOpenedIssue(1));
    world.linked.set('github:1', 'ada');

    expect(await github('issues', anOpenedIssue(1, aUser('Renamed', 1)))).toEqual(DUPLICATE);
    expect(stored()).toEqual(['gh-ada opened acme/tool#1']);
  });

  it('have the time of receipt without one, and never a later one', async () => {
    const now = world.deps.clock();
    const at = (number: number, created_at: string | null) =>
      github('issues', { ...anOpenedIssue(number), issue: { number, user: aUser(), created_at } });
    await at(1, null);
    await at(2, '2026-08-22T00:00:00Z');

    expect([...world.facts.values()]).toEqual([now, now]);
  });

  it('are ignored if community.json has no event for them', async () => {
    world.deps = { ...world.deps, hooks: {} };

    expect(await github('issues', anOpenedIssue())).toEqual({
      accepted: 0,
      duplicates: 0,
      ignored: 1,
      reason: 'hooks.github of community.json has no event for issue_opened',
    });
    expect([stored(), [...world.names]]).toEqual([[], []]);
  });
});

describe('names of repositories', () => {
  const named = (full_name: string, id = 77) => ({ id, full_name });
  const opened = (number: number, repository: object) => github('issues', anOpenedIssue(number, aUser(), repository));

  it('are the first ones: a renamed repository keeps its facts', async () => {
    await opened(1, named('Acme/Tool'));
    expect(await opened(1, named('acme/gadget'))).toEqual(DUPLICATE);
    expect(await opened(1, named('umbrella/gadget'))).toEqual(DUPLICATE); // transferred, and no hook told it
    await opened(2, named('umbrella/gadget'));

    expect(stored()).toEqual(['gh-ada opened acme/tool#1', 'gh-ada opened acme/tool#2']);
    for (const id of ['acme/tool#2', 'acme/gadget#2', 'umbrella/gadget#2']) {
      expect(await firstIdOf(world.deps.firstNames, id)).toBe('acme/tool#2'); // an import by any of its names
    }
  });

  it('are known from the hook of the renaming, also if it is the first one', async () => {
    const changes = { repository: { name: { from: 'Tool' } } };
    await github('repository', { action: 'renamed', repository: named('acme/gadget'), changes });
    await opened(1, named('acme/gadget'));

    expect(stored()).toEqual(['gh-ada opened acme/tool#1']);
  });

  it('are not taken over by another repository that gets the name', async () => {
    await opened(1, named('acme/tool', 77));
    await opened(1, named('acme/gadget', 77));
    expect(await opened(1, named('acme/tool', 78))).toEqual(ACCEPTED);
    expect(await opened(1, named('acme/tool', 78))).toEqual(DUPLICATE);

    expect(stored()).toEqual(['gh-ada opened acme/tool#1', 'gh-ada opened acme/tool~78#1']);
  });

  it('are cut if an identity would be too long', async () => {
    const long = `${'o'.repeat(39)}/${'r'.repeat(100)}`;
    expect(await opened(1, named(long))).toEqual(ACCEPTED);
    expect(stored()[0]!.split(' ')[2]).toBe(`${long.slice(0, 60)}~77#1`);
  });

  it('lead from the new place of a transferred issue to the old one', async () => {
    const from = named('acme/tool', 77);
    const to = named('acme/gadget', 78);
    await opened(3, from);
    const arrival = { ...anOpenedIssue(9, aUser(), to), changes: { old_issue: { number: 3 }, old_repository: from } };
    expect(await github('issues', arrival)).toEqual(DUPLICATE);
    expect(await github('issues', arrival)).toEqual(DUPLICATE);
    const changes = { new_issue: { number: 9 }, new_repository: to };
    const left = { action: 'transferred', repository: from, issue: { number: 3 }, changes };
    expect(await github('issues', left)).toMatchObject({ ignored: 1 });

    expect(stored()).toEqual(['gh-ada opened acme/tool#3']);
    expect(await firstIdOf(world.deps.firstNames, 'acme/gadget#9')).toBe('acme/tool#3');
  });

  it('are kept once when two hooks come at the same time', async () => {
    const { firstNames: names } = world.deps;
    let isFirst = true;
    const slow = {
      ...names,
      async keep(more: ReadonlyMap<string, string>) {
        if (isFirst) {
          isFirst = false;
          await opened(1, named('acme/tool')); // the other hook comes first
        }
        return names.keep(more);
      },
    };
    world.deps = { ...world.deps, firstNames: slow };

    expect(await opened(1, named('acme/gadget'))).toEqual(DUPLICATE);
    expect(stored()).toEqual(['gh-ada opened acme/tool#1']);
  });
});

describe('hooks of Discourse', () => {
  const post = (change: object = {}) => ({
    id: 501,
    user_id: 7,
    username: 'Ada',
    created_at: '2026-08-20T10:00:00.000Z',
    post_type: 1,
    topic_archetype: 'regular',
    ...change,
  });

  it('are facts by the id of the post', async () => {
    expect(await discourse('post_created', { post: post() })).toEqual(ACCEPTED);
    expect(await discourse('post_created', { post: post() })).toEqual(DUPLICATE);
    expect(await discourse('accepted_solution', { solved: post() })).toEqual(ACCEPTED);
    expect(await discourse('accepted_solution', { solved: post() })).toEqual(DUPLICATE);

    expect(world.ledger.linesOf('dc-ada')).toMatchObject([{ grantId: 'feed-post:501' }]);
    expect(stored()).toEqual(['dc-ada answered 501']);
  });

  it('count one sign-in a date, for the linked account', async () => {
    world.linked.set('discourse:7', 'ada');
    const signIn = { user: { id: 7, username: 'Ada' } };
    expect(await discourse('user_logged_in', signIn)).toEqual(ACCEPTED);
    expect(await discourse('user_logged_in', signIn)).toEqual(DUPLICATE);

    expect(stored()).toEqual(['ada signed_in 2026-08-21']);
  });

  it('name an account by its number if no account can have the name', async () => {
    await discourse('user_logged_in', { user: { id: 9, username: 'søren' } });

    expect(stored()).toEqual(['dc-.9 signed_in 2026-08-21']);
  });

  it.each<[what: string, event: string, body: unknown, reason: string]>([
    [
      'a private message',
      'post_created',
      { post: post({ topic_archetype: 'private_message' }) },
      'private messages are not counted',
    ],
    ['a logged action', 'post_created', { post: post({ post_type: 3 }) }, 'only posts of people are counted'],
    ['a deleted account', 'post_created', { post: post({ user_id: null }) }, 'its author has no account any more'],
    ['the system', 'post_created', { post: post({ user_id: -1, username: 'system' }) }, 'its author, system, is a bot'],
    ['a ping', 'ping', { ping: 'OK' }, 'nothing is counted for ping'],
    ['no post', 'post_created', {}, 'post: missing, expected an object'],
  ])('of %s are ignored with a reason', async (_what, event, body, reason) => {
    expect(await discourse(event, body)).toEqual({ accepted: 0, duplicates: 0, ignored: 1, reason });
  });
});
