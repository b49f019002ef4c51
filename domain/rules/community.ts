import * as z from 'zod/mini';
import { HookRules } from './hook-rules.ts';
import { PageSettings } from './page-settings.ts';
import { RulesVersion, type ScoringRules } from './scoring-rules.ts';

/** The longest window of any board: scores of past dates are known as far back. */
export const LONGEST_WINDOW_DATES = 90;

const EXPECTED_DAYS = `expected a whole number of days from 1 to ${LONGEST_WINDOW_DATES}`;
const EXPECTED_NAME = 'expected 1 to 32 of a-z 0-9 - starting with a letter';
const EXPECTED_PATTERN = 'expected a username, or a pattern of one with *';
const Text = z.string().check(z.minLength(1), z.maxLength(100));
const Words = z.array(z.string()).check(z.minLength(1));

export const BoardRules = z.strictObject({
  name: z.string(EXPECTED_NAME).check(z.regex(/^[a-z][a-z0-9-]{0,31}$/, EXPECTED_NAME)),
  title: Text,
  /** `all`: the score. Otherwise the gain of the last days, or of the UTC month so far. */
  window: z.union(
    [
      z.literal('all'),
      z.literal('month'),
      z.strictObject({
        days: z.int(EXPECTED_DAYS).check(z.gte(1, EXPECTED_DAYS), z.lte(LONGEST_WINDOW_DATES, EXPECTED_DAYS)),
      }),
    ],
    `expected "all", "month" or {"days": n} with n from 1 to ${LONGEST_WINDOW_DATES}`,
  ),
  /** Only what contributions of these bring; with both, contributions that are of both. */
  categories: z.optional(Words),
  sources: z.optional(Words),
});
export type BoardRules = z.infer<typeof BoardRules>;

/** What is particular to a community beside its rules. */
export const CommunitySettings = z.strictObject({
  $schema: z.optional(z.string()),
  name: Text,
  /** The version of the rules in force. */
  rules: RulesVersion,
  boards: z.array(BoardRules).check(z.minLength(1)),
  /** How the versions of extensions are written and ordered. */
  versions: z.enum(['calver', 'semver']),
  /** Usernames and patterns: these are on no board, and keep their scores. */
  notRanked: z.array(z.string(EXPECTED_PATTERN).check(z.regex(/^[a-z0-9*][a-z0-9*._-]{0,63}$/, EXPECTED_PATTERN))),
  /** How long the telemetry of devices that nobody owns is kept. */
  retention: z.strictObject({
    unownedMonths: z
      .int('expected a whole number of months from 2 to 1200')
      .check(
        z.gte(2, 'expected a whole number of months from 2 to 1200'),
        z.lte(1_200, 'expected a whole number of months from 2 to 1200'),
      ),
  }),
  page: z.optional(PageSettings),
  /** Which things of GitHub and Discourse are which events of the rules. */
  hooks: z.optional(HookRules),
  awards: z.optional(z.looseObject({})),
});
export type CommunitySettings = z.infer<typeof CommunitySettings>;

/** A community as its files have it, checked. */
export type Community = {
  readonly settings: CommunitySettings;
  /** Every version of the rules that there is a file of. */
  readonly rules: readonly ScoringRules[];
};
