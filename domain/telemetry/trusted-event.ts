import * as z from 'zod/mini';
import { AwardId, AwardPoints, BadgeId, BadgePoints, GrantedBy, Reason } from '../grants/grant-schemas.ts';
import type { AccountId } from '../identity/account.ts';
import { Username } from '../identity/username.ts';
import {
  Channel,
  ContentHash,
  ExtensionName,
  ExtensionVersion,
  STABLE,
  type Publisher,
} from '../registry/extension.ts';
import type { ReportedKind } from '../rules/reported-kinds.ts';
import type { BUILT_IN_EVENTS } from '../rules/rule-faults.ts';
import { FactId } from '../shared/domain-id.ts';
import { check, type Fault } from '../shared/faults.ts';
import { ok, type Result } from '../shared/result.ts';
import { foldedId } from './first-names.ts';

type BuiltIn = (typeof BUILT_IN_EVENTS)[number];

const withProperties = <Shape extends z.core.$ZodShape>(shape: Shape) => z.object({ properties: z.object(shape) });

/**
 * The properties of the events that the code knows and only a key with `telemetry:trusted` may send, by their names.
 */
const PROPERTIES = {
  extension_published: withProperties({ extension_name: ExtensionName, version: ExtensionVersion, username: Username }),
  extension_pulled: withProperties({
    extension_name: ExtensionName,
    version: ExtensionVersion,
    /** The puller. The default is the device. */
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
} as const satisfies Readonly<Record<BuiltIn, unknown>>;

/**
 * In an import `extension_published` records the version, as its publisher's confirmation would have: of an account, or
 * of a collective.
 */
const ImportedVersion = z.object({
  properties: z
    .object({
      extension_name: ExtensionName,
      version: ExtensionVersion,
      username: z.optional(Username),
      collective: z.optional(Username),
      channel: z._default(Channel, STABLE),
      content_hash: z.optional(ContentHash),
    })
    .check(
      z.refine(({ username, collective }) => (username === undefined) !== (collective === undefined), {
        path: ['username'],
        error: 'expected a username or a collective, and not both',
      }),
    ),
});

export const isBuiltIn = (event: string): event is BuiltIn => Object.hasOwn(PROPERTIES, event);

/** The content of a trusted event without its time: an issue has none of its own, a sign-in's date comes from it. */
export type TrustedReport = FactReport | GrantReport | VersionReport;

/** Reports that become facts, of the telemetry or of the registry. */
export type FactReport =
  | {
      /** A fact of a kind that the rules name; without an id there is one a date. */
      readonly kind: 'reported';
      readonly event: string;
      /** Null if the holder of the key reports it of itself. */
      readonly username: Username | null;
      readonly id: string | null;
    }
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
      /** Undefined if the device is the puller. */
      readonly username: Username | undefined;
    };

type NamedPublisher = { readonly kind: Publisher['kind']; readonly name: Username };

/** A version that an import records. */
export type VersionReport = {
  readonly kind: 'version';
  /** By its username, or by its slug. */
  readonly publisher: NamedPublisher;
  /** Undefined if a collective published it. */
  readonly username: Username | undefined;
  readonly name: ExtensionName;
  readonly version: ExtensionVersion;
  readonly channel: Channel;
  readonly contentHash: string | undefined;
};

/** Reports that become lines of the grant ledger. */
export type GrantReport =
  | {
      readonly kind: 'award';
      readonly username: Username;
      readonly awardId: string;
      readonly points: number;
      readonly reason: string;
      readonly grantedBy: string | undefined;
    }
  | {
      readonly kind: 'badge';
      readonly username: Username;
      readonly badgeId: string;
      readonly points: number;
      readonly reason: string | undefined;
    }
  /** Of a kind that the rules name, with their points. Without a name, of the holder of the key. */
  | { readonly kind: 'line'; readonly username: Username | null; readonly event: string; readonly id: string };

/** Reads the properties of an event that the code knows. The names of fields start at the event. */
export function readBuiltIn(
  event: BuiltIn,
  properties: unknown,
  isImported: boolean,
): Result<TrustedReport, readonly Fault[]> {
  switch (event) {
    case 'extension_published':
      if (isImported) return parsed(ImportedVersion, properties, versionReport);
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
    case 'extension_pulled':
      return parsed(PROPERTIES[event], properties, ({ extension_name: name, version, username }) => ({
        kind: 'extension-pulled',
        name,
        version,
        username,
      }));
  }
}

function versionReport(read: z.infer<typeof ImportedVersion>['properties']): VersionReport {
  const { extension_name: name, version, username, collective, channel, content_hash: contentHash } = read;
  const publisher: NamedPublisher =
    collective === undefined
      ? { kind: 'personal', name: Username.parse(username) }
      : { kind: 'collective', name: collective };
  return { kind: 'version', publisher, username, name, version, channel, contentHash };
}

/**
 * Reads a report of a kind that the rules name. `sender` is the holder of the key, if the key speaks for nobody else.
 */
export function readReported(
  { event, idProperty, linePrefix }: ReportedKind,
  properties: unknown,
  sender: AccountId | null,
): Result<TrustedReport, readonly Fault[]> {
  const shape: Record<string, z.ZodMiniType<string>> = {
    ...(idProperty === null ? {} : { [idProperty]: FactId }),
    ...(sender === null ? { username: Username } : {}),
  };
  return parsed(withProperties(shape), properties, (read) => {
    const username = sender === null ? Username.parse(read.username) : null;
    const id = idProperty === null ? null : foldedId(read[idProperty] ?? '');
    return linePrefix !== null && id !== null
      ? { kind: 'line', event, username, id }
      : { kind: 'reported', event, username, id };
  });
}

function parsed<Properties>(
  schema: z.ZodMiniType<{ properties: Properties }>,
  properties: unknown,
  reportOf: (properties: Properties) => TrustedReport,
): Result<TrustedReport, readonly Fault[]> {
  const checked = check(schema, { properties }, 'event');
  return checked.ok ? ok(reportOf(checked.value.properties)) : checked;
}
