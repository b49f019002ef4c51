import * as z from 'zod/mini';
import type { DiscourseThing } from '../rules/hook-rules.ts';
import { check, sentenceOf } from '../shared/faults.ts';
import { ok, type Result } from '../shared/result.ts';
import { IsoTime } from '../shared/utc.ts';
import { ignored, personOf, type Deed, type Ignored } from './deed.ts';

const Post = z.object({
  id: z.int(),
  user_id: z.nullish(z.int()),
  username: z.nullish(z.string()),
  created_at: z.nullish(IsoTime),
  /** 1 is a post of a person; others are notes of moderators, whispers and logged actions. */
  post_type: z.nullish(z.int()),
  topic_archetype: z.nullish(z.string()),
});
const PostCreated = z.object({ post: Post });
const SolutionAccepted = z.object({ solved: Post });
const UserLoggedIn = z.object({ user: z.object({ id: z.int(), username: z.string() }) });

const A_PERSONS = 1;

/** A sign-in has no identity but its date. */
export type DiscourseReading = Result<Deed<DiscourseThing, string | null>, Ignored>;

/** What a hook of Discourse reports. `event` is its `x-discourse-event`. */
export function readDiscourse(event: string, body: unknown): DiscourseReading {
  switch (event) {
    case 'post_created':
      return reading(PostCreated, body, ({ post }) => deedOfPost('post_created', post, post.created_at ?? undefined));
    case 'accepted_solution':
      return reading(SolutionAccepted, body, ({ solved }) => deedOfPost('answer_accepted', solved, undefined));
    case 'user_logged_in':
      return reading(UserLoggedIn, body, ({ user: { id, username: login } }) => {
        const author = personOf({ id, login });
        return author.ok ? ok({ thing: 'signed_in', identity: null, author: author.value, at: undefined }) : author;
      });
    default:
      return ignored(`nothing is counted for ${event}`);
  }
}

function reading<Schema extends z.core.$ZodType>(
  schema: Schema,
  body: unknown,
  of: (read: z.output<Schema>) => DiscourseReading,
): DiscourseReading {
  const read = check(schema, body, 'body');
  return read.ok ? of(read.value) : ignored(sentenceOf(read.error));
}

function deedOfPost(thing: DiscourseThing, post: z.infer<typeof Post>, at: string | undefined): DiscourseReading {
  const { id, user_id: userId, username, post_type: type, topic_archetype: archetype } = post;
  if (archetype === 'private_message') return ignored('private messages are not counted');
  if ((type ?? A_PERSONS) !== A_PERSONS) return ignored('only posts of people are counted');
  const hasAuthor = typeof userId === 'number' && typeof username === 'string';
  const author = personOf(hasAuthor ? { id: userId, login: username } : null);
  return author.ok ? ok({ thing, identity: String(id), author: author.value, at }) : author;
}
