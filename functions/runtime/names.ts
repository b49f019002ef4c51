/**
 * Names that the stack gives. Functions, the local stack and the operator's command find things by them, so they are
 * written only here.
 */

/** Tells which part of Laurel a resource plays. */
export const ROLE_TAG = 'laurel:role';

/** The same for a stage every time, so that the operator's command finds a resource by its stage and role. */
export const physicalName = (stage: { readonly name: string }, role: string): string => `laurel-${stage.name}-${role}`;

/**
 * Figures of which nearly every line of their functions has one. A filter of the log counts them: metadata for CloudWatch
 * in each line would be a third of its bytes.
 */
export const FIGURES_OF_LOGS = { Accepted: 'Count', RefreshLag: 'Milliseconds' } as const;

/** The indexes of the tables: facts by hour, grants by account, scores by shard. */
export const BY_HOUR_INDEX = 'byHour';
export const BY_USER_INDEX = 'byUser';
export const BY_SHARD_INDEX = 'byShard';

/** The sort keys of `user_scores` whose changes others follow. */
export const SCORE_SK = 'SCORE';
export const PROFILE_SK = 'PROFILE';

/** The header with which CloudFront shows that a request came through it. */
export const ORIGIN_SECRET_HEADER = 'x-laurel-origin';

/**
 * How long a refresh waits for further changes of its account. It waits a second longer if the account is busy. A
 * change then shows after about 6.5 or 7.5 s, because streams and queues gather for a second each.
 */
export const REFRESH_DELAY_SECONDS = 4;
