import * as z from 'zod/mini';
import type { GithubThing } from '../rules/hook-rules.ts';
import { check, sentenceOf } from '../shared/faults.ts';
import { ok, type Result } from '../shared/result.ts';
import { IsoTime } from '../shared/utc.ts';
import { ignored, personOf, type Deed, type Ignored } from './deed.ts';

/** Only what is needed is read; GitHub adds fields all the time. */
const Repository = z.object({ id: z.int(), full_name: z.string() });
const User = z.nullish(z.object({ id: z.int(), login: z.string(), type: z.optional(z.string()) }));
const Time = z.nullish(IsoTime);
const Numbered = z.object({ number: z.int() });
const Authored = { number: z.int(), user: User };

const PullRequestClosed = z.object({
  repository: Repository,
  pull_request: z.object({ ...Authored, merged: z.nullish(z.boolean()), merged_at: Time }),
});
const ReviewSubmitted = z.object({
  repository: Repository,
  pull_request: Numbered,
  review: z.object({ user: User, submitted_at: Time }),
});
const IssueOpened = z.object({
  repository: Repository,
  issue: z.object({ ...Authored, created_at: Time }),
  /** There if the issue was opened by a transfer. */
  changes: z.nullish(z.object({ old_issue: z.nullish(Numbered), old_repository: z.nullish(Repository) })),
});
const DiscussionAnswered = z.object({
  repository: Repository,
  discussion: z.object({ number: z.int(), answer_chosen_at: Time }),
  answer: z.object({ user: User }),
});
const ReleasePublished = z.object({
  repository: Repository,
  release: z.object({ id: z.int(), tag_name: z.string(), author: User, published_at: Time }),
});
const IssueTransferred = z.object({
  repository: Repository,
  issue: Numbered,
  changes: z.object({ new_issue: Numbered, new_repository: Repository }),
});
const DiscussionTransferred = z.object({
  repository: Repository,
  discussion: Numbered,
  changes: z.object({ new_discussion: Numbered, new_repository: Repository }),
});
const RepositoryRenamed = z.object({
  repository: Repository,
  changes: z.object({ repository: z.object({ name: z.object({ from: z.string() }) }) }),
});
const Owner = z.nullish(z.object({ login: z.string() }));
const RepositoryTransferred = z.object({
  repository: Repository,
  changes: z.object({ owner: z.object({ from: z.object({ user: Owner, organization: Owner }) }) }),
});

/** A repository as a hook names it: the id never changes, the name may. */
export type Repository = { readonly id: number; readonly name: string; readonly formerName?: string };

/** Something in a repository: `#12`, or `@v1.2.0` for a release. */
export type RepositoryThing = { readonly repository: Repository; readonly within: string };

export type GithubReading = {
  readonly deed: Result<Deed<GithubThing, RepositoryThing>, Ignored>;
  /** A name that the repository had before. */
  readonly renamed?: Repository;
  /** A thing that has got another number in another repository. */
  readonly moved?: { readonly from: RepositoryThing; readonly to: RepositoryThing };
};

/** What a hook of GitHub reports. `event` is its `x-github-event`. */
export function readGithub(event: string, body: unknown): GithubReading {
  const name = `${event}.${actionOf(body)}`;
  switch (name) {
    case 'pull_request.closed':
      return reading(PullRequestClosed, body, ({ repository, pull_request: { number, merged, merged_at, user } }) =>
        merged === true
          ? deed('pull_request_merged', repository, `#${number}`, user, merged_at)
          : nothing('the pull request was closed without a merge'),
      );
    case 'pull_request_review.submitted':
      return reading(ReviewSubmitted, body, ({ repository, pull_request: { number }, review }) =>
        deed('review_submitted', repository, `#${number}`, review.user, review.submitted_at),
      );
    case 'issues.opened':
      return reading(IssueOpened, body, ({ repository, issue: { number, user, created_at }, changes }) => {
        const opened = deed('issue_opened', repository, `#${number}`, user, created_at);
        const { old_issue: before, old_repository: elsewhere } = changes ?? {};
        if (!before || !elsewhere) return opened;
        return { ...opened, ...moved(numbered(elsewhere, before), numbered(repository, { number })) };
      });
    case 'issues.transferred':
      return reading(IssueTransferred, body, ({ repository, issue, changes }) => ({
        ...nothing('a transferred issue keeps its identity'),
        ...moved(numbered(repository, issue), numbered(changes.new_repository, changes.new_issue)),
      }));
    case 'discussion.transferred':
      return reading(DiscussionTransferred, body, ({ repository, discussion, changes }) => ({
        ...nothing('a transferred discussion keeps its identity'),
        ...moved(numbered(repository, discussion), numbered(changes.new_repository, changes.new_discussion)),
      }));
    case 'discussion.answered':
      return reading(DiscussionAnswered, body, ({ repository, discussion: { number, answer_chosen_at }, answer }) =>
        deed('answer_accepted', repository, `#${number}`, answer.user, answer_chosen_at),
      );
    case 'release.published':
      return reading(ReleasePublished, body, ({ repository, release }) =>
        deed('release_published', repository, tagOf(release), release.author, release.published_at),
      );
    case 'repository.renamed':
      return reading(RepositoryRenamed, body, ({ repository, changes }) => {
        const [owner = ''] = repository.full_name.split('/', 1);
        return renamed(repository, `${owner}/${changes.repository.name.from}`);
      });
    case 'repository.transferred':
      return reading(RepositoryTransferred, body, ({ repository, changes: { owner } }) => {
        const [, name = ''] = repository.full_name.split('/');
        const { user, organization } = owner.from;
        const login = (user ?? organization)?.login;
        return login === undefined
          ? nothing('nobody is named as the former owner')
          : renamed(repository, `${login}/${name}`);
      });
    default:
      return nothing(`nothing is counted for ${name}`);
  }
}

function actionOf(body: unknown): string {
  const { data } = z.object({ action: z.string().check(z.maxLength(64)) }).safeParse(body);
  return data?.action ?? '';
}

function reading<Schema extends z.core.$ZodType>(
  schema: Schema,
  body: unknown,
  of: (read: z.output<Schema>) => GithubReading,
): GithubReading {
  const read = check(schema, body, 'body');
  return read.ok ? of(read.value) : nothing(sentenceOf(read.error));
}

const nothing = (reason: string): GithubReading => ({ deed: ignored(reason) });

/** GitHub's names are the same in any case of their letters. */
const repositoryOf = ({ id, full_name: name }: z.infer<typeof Repository>): Repository => ({
  id,
  name: name.toLowerCase(),
});

const numbered = (
  repository: z.infer<typeof Repository>,
  { number }: { readonly number: number },
): RepositoryThing => ({
  repository: repositoryOf(repository),
  within: `#${number}`,
});

const moved = (from: RepositoryThing, to: RepositoryThing) => ({ moved: { from, to } });

const renamed = (repository: z.infer<typeof Repository>, formerName: string): GithubReading => ({
  ...nothing('a renamed repository keeps its identity'),
  renamed: { ...repositoryOf(repository), formerName: formerName.toLowerCase() },
});

/** A tag may have characters and a length that the identity of a fact cannot. */
const tagOf = ({ id, tag_name: tag }: { readonly id: number; readonly tag_name: string }): string =>
  /^[A-Za-z0-9._:/#@+~-]{1,47}$/u.test(tag) ? `@${tag}` : `@~${id}`;

function deed(
  thing: GithubThing,
  repository: z.infer<typeof Repository>,
  within: string,
  user: z.infer<typeof User>,
  at: string | null | undefined,
): GithubReading {
  const author = personOf(user);
  if (!author.ok) return { deed: author };
  const identity = { repository: repositoryOf(repository), within };
  return { deed: ok({ thing, identity, author: author.value, at: at ?? undefined }) };
}
