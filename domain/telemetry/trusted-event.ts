import * as z from 'zod/mini';
import { AwardId, AwardPoints, BadgeId, BadgePoints, GrantedBy, Reason } from '../grants/grant-schemas.ts';
import { Username } from '../identity/username.ts';
import { ExtensionName, ExtensionVersion } from '../registry/extension.ts';
import { DomainId } from '../shared/domain-id.ts';
import { check, type Fault } from '../shared/faults.ts';
import { ok, type Result } from '../shared/result.ts';

const withProperties = <Shape extends z.core.$ZodShape>(shape: Shape) => z.object({ properties: z.object(shape) });

/** The properties of the events that only a key with `telemetry:trusted` may send, by their names. */
const PROPERTIES = {
  issue_created: withProperties({ issue_id: DomainId, username: Username }),
  daily_sign_in: withProperties({ username: Username }),
  extension_published: withProperties({ extension_name: ExtensionName, version: ExtensionVersion, username: Username }),
  extension_pulled: withProperties({
    extension_name: ExtensionName,
    version: ExtensionVersion,
    /** Who pulled it; where it is missing, the device did. */
    username: z.optional(Username),
  }),
  award: withProperties({
    award_id: AwardId,
    username: Username,
    points: AwardPoints,
    reason: Reason,
    granted_by: z.optional(GrantedBy),
  }),
  badge_granted: withProperties({
    badge_id: BadgeId,
    username: Username,
    points: BadgePoints,
    reason: z.optional(Reason),
  }),
  feed_post_created: withProperties({ post_id: DomainId, username: Username }),
} as const;

export const isTrustedEvent = (event: string): event is keyof typeof PROPERTIES => Object.hasOwn(PROPERTIES, event);

/** What a trusted event says. The time is not in it: an issue has none of its own, a sign-in's date comes from it. */
export type TrustedReport = FactReport | GrantReport;

/** Reports that become facts, of the telemetry or of the registry. */
export type FactReport =
  | { readonly kind: 'issue-created'; readonly username: Username; readonly issueId: string }
  | { readonly kind: 'signed-in'; readonly username: Username }
  | {
      readonly kind: 'extension-published';
      readonly username: Username;
      readonly extension: string;
      readonly version: string;
    }
  | {
      readonly kind: 'extension-pulled';
      readonly name: string;
      readonly version: string;
      /** Undefined where the device is the puller. */
      readonly username: Username | undefined;
    };

/** Reports that become lines of the grant ledger. */
export type GrantReport = { readonly username: Username } & (
  | {
      readonly kind: 'award';
      readonly awardId: string;
      readonly points: number;
      readonly reason: string;
      readonly grantedBy: string | undefined;
    }
  | { readonly kind: 'badge'; readonly badgeId: string; readonly points: number; readonly reason: string | undefined }
  | { readonly kind: 'feed-post'; readonly postId: string }
);

/** Reads the properties of a trusted event. The names of fields start at the event. */
export function readTrustedEvent(
  event: keyof typeof PROPERTIES,
  properties: unknown,
): Result<TrustedReport, readonly Fault[]> {
  switch (event) {
    case 'issue_created':
      return parsed(PROPERTIES[event], properties, ({ username, issue_id: issueId }) => ({
        kind: 'issue-created',
        username,
        issueId,
      }));
    case 'daily_sign_in':
      return parsed(PROPERTIES[event], properties, ({ username }) => ({ kind: 'signed-in', username }));
    case 'extension_published':
      return parsed(PROPERTIES[event], properties, ({ username, extension_name: extension, version }) => ({
        kind: 'extension-published',
        username,
        extension,
        version,
      }));
    case 'award':
      return parsed(PROPERTIES[event], properties, ({ award_id: awardId, granted_by: grantedBy, ...rest }) => ({
        kind: 'award',
        username: rest.username,
        awardId,
        points: rest.points,
        reason: rest.reason,
        grantedBy,
      }));
    case 'badge_granted':
      return parsed(PROPERTIES[event], properties, ({ username, badge_id: badgeId, points, reason }) => ({
        kind: 'badge',
        username,
        badgeId,
        points,
        reason,
      }));
    case 'feed_post_created':
      return parsed(PROPERTIES[event], properties, ({ username, post_id: postId }) => ({
        kind: 'feed-post',
        username,
        postId,
      }));
    case 'extension_pulled':
      return parsed(PROPERTIES[event], properties, ({ extension_name: name, version, username }) => ({
        kind: 'extension-pulled',
        name,
        version,
        username,
      }));
  }
}

function parsed<Properties>(
  schema: z.ZodMiniType<{ properties: Properties }>,
  properties: unknown,
  reportOf: (properties: Properties) => TrustedReport,
): Result<TrustedReport, readonly Fault[]> {
  const checked = check(schema, { properties }, 'event');
  return checked.ok ? ok(reportOf(checked.value.properties)) : checked;
}
