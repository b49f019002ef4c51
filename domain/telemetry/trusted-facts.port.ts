import type { Username } from '../identity/username.ts';
import type { UtcDate } from '../shared/utc.ts';

export type RecordOutcome = 'recorded' | 'already-there';

/** Facts that only trusted servers report, each with an identity of its own: a repeat changes nothing. */
export type TrustedFacts = {
  /** An issue is the user's own: two users may have created issues of the same id. `at` is epoch milliseconds. */
  recordIssue(username: Username, issueId: string, at: number): Promise<RecordOutcome>;
  /** One a date. */
  recordSignIn(username: Username, date: UtcDate, at: number): Promise<RecordOutcome>;
};
