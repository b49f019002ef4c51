import * as z from 'zod/mini';
import type { GrantOutcome } from '../../domain/grants/decide-grants.ts';
import { grantOf, type GrantOrder } from '../../domain/grants/grant.ts';
import { grantPoints, type GrantDeps } from '../../domain/grants/grant-points.ts';
import { AwardId, AwardPoints, BadgeId, BadgePoints, GrantedBy, Reason } from '../../domain/grants/grant-schemas.ts';
import { reverseGrant } from '../../domain/grants/reverse-grant.ts';
import { GrantedView, grantedView } from '../../domain/grants/views.ts';
import { grantedByOf, type Credential } from '../../domain/identity/credential.ts';
import type { AccountNames } from '../../domain/identity/account-names.ts';
import { Username } from '../../domain/identity/username.ts';
import type { Clock } from '../../domain/shared/environment.ts';
import { isoOf } from '../../domain/shared/utc.ts';
import { problem, type ProblemCode, type Reply } from '../runtime/problems.ts';
import { route, type HttpDeps } from '../runtime/route.ts';

export type RecordAwardDeps = HttpDeps & GrantDeps & { readonly clock: Clock; readonly names: AccountNames };

const AwardRequest = z.strictObject({
  awardId: AwardId,
  username: Username,
  points: AwardPoints,
  reason: Reason,
  /** The default is the key's label. */
  grantedBy: z.optional(GrantedBy),
});
const BadgeRequest = z.strictObject({
  badgeId: BadgeId,
  username: Username,
  points: BadgePoints,
  reason: z.optional(Reason),
  grantedBy: z.optional(GrantedBy),
});

/**
 * The id of a grant in a path. On AWS `a//b` arrives as `a/b`, so a slash is taken only in the ids of publishes: the
 * name of an extension has no two in a row. A feed post may be named `a//b`, and another one `a/b`.
 */
const GrantId = z
  .string()
  .check(
    z.regex(
      /^(?=.{1,512}$)(?:[A-Za-z0-9._:@~-]+|publish:[A-Za-z0-9._:@/-]+)$/,
      'a path carries ids of A-Z a-z 0-9 . _ : @ ~ - only: send any other in the body of POST /v1/grants/reverse',
    ),
  );

const granting = { method: 'POST', access: { scope: 'awards:grant' } } as const;
const answers = {
  200: { description: 'It had been given before: the same answer again', schema: GrantedView },
  201: { description: 'It is given', schema: GrantedView },
};

async function give(deps: RecordAwardDeps, order: GrantOrder, onConflict: ProblemCode): Promise<Reply> {
  const [outcome] = await grantPoints(deps, [grantOf(order, isoOf(deps.clock()), deps.rules)]);
  if (outcome === undefined) throw new Error('a grant has no outcome');
  return replyOf(deps, outcome, onConflict);
}

async function replyOf(
  { names }: Pick<RecordAwardDeps, 'names'>,
  { kind, line }: GrantOutcome,
  onConflict: ProblemCode,
): Promise<Reply> {
  switch (kind) {
    case 'granted':
      return { status: 201, body: grantedView(line), counts: { Granted: 1 } };
    case 'duplicate':
      return { status: 200, body: { ...grantedView(line), replayed: true } };
    case 'conflict': {
      const holder = (await names.namesOf([line.username]))(line.username);
      return problem(onConflict, `${line.grantId}: already given to ${holder} with ${line.amount} points`);
    }
  }
}

async function takeBack(
  deps: RecordAwardDeps,
  { grantId, reason }: { readonly grantId: string; readonly reason: string },
  credential: Credential,
): Promise<Reply> {
  const reversed = await reverseGrant(deps, { grantId, reason, grantedBy: grantedByOf(credential) });
  if (reversed.ok) return replyOf(deps, reversed.value, 'not_reversible');
  switch (reversed.error.kind) {
    case 'unknown-grant':
      return problem('unknown_grant', 'grantId: there is no such grant');
    case 'not-reversible':
      return problem('not_reversible', 'grantId: a reversal cannot be reversed');
  }
}

export const routes = [
  route({
    ...granting,
    path: '/v1/awards',
    summary: 'Award points to a user, once for each awardId',
    request: z.object({ body: AwardRequest }),
    answers,
    problems: ['award_conflict'],
    async handle({ body }, deps: RecordAwardDeps, { credential }) {
      const account = (await deps.names.accountsOf([body.username]))(body.username);
      const grantedBy = body.grantedBy ?? grantedByOf(credential);
      return give(deps, { ...body, kind: 'award', username: account, grantedBy }, 'award_conflict');
    },
  }),
  route({
    ...granting,
    path: '/v1/badges',
    summary: 'Grant a badge to a user, with or without points, once for each badgeId',
    request: z.object({ body: BadgeRequest }),
    answers,
    problems: ['badge_conflict'],
    async handle({ body }, deps: RecordAwardDeps, { credential }) {
      const account = (await deps.names.accountsOf([body.username]))(body.username);
      const grantedBy = body.grantedBy ?? grantedByOf(credential);
      return give(deps, { ...body, kind: 'badge', username: account, grantedBy }, 'badge_conflict');
    },
  }),
  route({
    ...granting,
    path: '/v1/grants/{grantId+}/reverse',
    summary: 'Take a grant back, once',
    unknownParam: 'unknown_grant',
    request: z.object({ params: z.object({ grantId: GrantId }), body: z.strictObject({ reason: Reason }) }),
    answers,
    problems: ['unknown_grant', 'not_reversible'],
    handle: ({ params: { grantId }, body: { reason } }, deps: RecordAwardDeps, { credential }) =>
      takeBack(deps, { grantId, reason }, credential),
  }),
  route({
    ...granting,
    path: '/v1/grants/reverse',
    summary: 'Take a grant back, once, by an id that no path can carry',
    request: z.object({ body: z.strictObject({ grantId: z.string('expected the id of a grant'), reason: Reason }) }),
    answers,
    problems: ['unknown_grant', 'not_reversible'],
    handle: ({ body }, deps: RecordAwardDeps, { credential }) => takeBack(deps, body, credential),
  }),
];
