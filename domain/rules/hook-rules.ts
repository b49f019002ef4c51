import * as z from 'zod/mini';
import { linePrefixOf } from './reported-kinds.ts';
import type { RuleFault } from './rule-faults.ts';
import { EventName, type ScoringRules } from './scoring-rules.ts';

/** The event of the rules that a thing is. A thing without one is not counted. */
const OfRules = z.optional(EventName);

const GithubHooks = z.strictObject({
  pull_request_merged: OfRules,
  review_submitted: OfRules,
  issue_opened: OfRules,
  answer_accepted: OfRules,
  release_published: OfRules,
});
const DiscourseHooks = z.strictObject({
  post_created: OfRules,
  answer_accepted: OfRules,
  signed_in: OfRules,
});

/** Which things of other places are which events of the rules. */
export const HookRules = z.strictObject({ github: z.optional(GithubHooks), discourse: z.optional(DiscourseHooks) });
export type HookRules = z.infer<typeof HookRules>;
export type GithubThing = keyof z.infer<typeof GithubHooks>;
export type DiscourseThing = keyof z.infer<typeof DiscourseHooks>;

/** What the map of the hooks expects of the rules in force. Paths are within `hooks`. */
export function* faultsOfHooks(hooks: HookRules, { version, events }: ScoringRules): Generator<RuleFault, void> {
  for (const [place, things] of Object.entries(hooks)) {
    for (const [thing, event] of Object.entries(things ?? {})) {
      const path = [place, thing];
      const scored = events.find((each) => each.event === event);
      if (scored === undefined) {
        const known = events.map((each) => each.event).join(', ');
        yield {
          path,
          expected: `expected an event that version ${version} of the rules scores (${known}), found ${event}`,
        };
      } else if (thing === 'signed_in' && scored.per !== 'day') {
        yield { path, expected: `expected an event with "per": "day": a sign-in has no id, and ${event} needs one` };
      } else if (thing === 'review_submitted' && linePrefixOf(scored) !== null) {
        yield {
          path,
          expected: `expected an event that is counted: several people review one pull request, and a line of ${event} is one person's`,
        };
      }
    }
  }
}
