import * as z from 'zod/mini';
import { AccountId } from '../identity/account.ts';
import { Username } from '../identity/username.ts';
import { settings } from '../rules/current-rules.ts';
import { printableText } from '../shared/text.ts';

const MAX_NAME_CHARACTERS = 128;
/** The contract bounds no number; a sort key does. Fifty digits are more publishes a day than there will ever be. */
const MAX_VERSION_CHARACTERS = 64;

const EXPECTED_NAME = `expected an extension name of a-z 0-9 . _ - and /, at most ${MAX_NAME_CHARACTERS} characters`;

/** `net`, `@acme/net`, `@acme/net/sub`: names are owned, scopes are not. */
export const ExtensionName = z
  .string(EXPECTED_NAME)
  .check(
    z.maxLength(MAX_NAME_CHARACTERS, EXPECTED_NAME),
    z.regex(/^(@[a-z0-9][a-z0-9._-]*\/)?[a-z0-9][a-z0-9._-]*(\/[a-z0-9][a-z0-9._-]*){0,3}$/, EXPECTED_NAME),
  );
export type ExtensionName = z.infer<typeof ExtensionName>;

const SCHEMES = {
  /** `2026.11.03.1`, ordered by its numbers. A version of a far year would stay the newest forever. */
  calver: {
    form: /^(?:[01]\d{3}|20\d{2}|2100)\.\d{2}\.\d{2}\.\d+$/,
    expected: `expected YYYY.MM.DD.N with a year up to 2100, at most ${MAX_VERSION_CHARACTERS} characters`,
  },
  /** `1.4.0` or `2.0.0-beta.1`, ordered as semver.org does. Build metadata has no order, so it is not allowed. */
  semver: {
    form: /^(?:(?:0|[1-9]\d{0,14})(?:\.(?!$|-)|(?=$|-))){3}(?:-(?:(?:0|[1-9]\d{0,14}|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?!$)|$))+)?$/,
    expected: `expected a semantic version such as 1.4.0 or 2.0.0-beta.1, at most ${MAX_VERSION_CHARACTERS} characters`,
  },
} as const;

/** A version in a scheme of the community's settings. */
export const versionIn = (scheme: keyof typeof SCHEMES) => {
  const { form, expected } = SCHEMES[scheme];
  return z.string(expected).check(z.maxLength(MAX_VERSION_CHARACTERS, expected), z.regex(form, expected));
};
export const ExtensionVersion = versionIn(settings.versions);
export type ExtensionVersion = z.infer<typeof ExtensionVersion>;

/** The channel of a version: `stable`, or another name that a publisher chooses. */
export const Channel = z
  .string()
  .check(
    z.regex(
      /^[a-z][a-z0-9-]{0,31}$/,
      'expected a channel of 1 to 32 of a-z 0-9 and -, starting with a letter, such as stable or beta',
    ),
  );
export type Channel = z.infer<typeof Channel>;

/** Tells two contents of one version apart. */
export const ContentHash = printableText({ characters: 256, bytes: 768 });
export const STABLE: Channel = 'stable';

/** Who publishes and owns: an account by its id, or a collective by its slug. */
export const Publisher = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('personal'), name: AccountId }),
  z.object({ kind: z.literal('collective'), name: Username }),
]);
export type Publisher = z.infer<typeof Publisher>;

/** A publisher as people know it. */
export const namedPublisher = (publisher: Publisher, nameOf: (account: AccountId) => string) => ({
  kind: publisher.kind,
  name: publisher.kind === 'personal' ? nameOf(publisher.name) : publisher.name,
});

export const isSamePublisher = (a: Publisher, b: Publisher): boolean => a.kind === b.kind && a.name === b.name;

/** A name that somebody owns. */
export type Extension = {
  readonly name: ExtensionName;
  /** New versions are its owner's only. */
  readonly owner: Publisher;
  /** Who may make it their own. */
  readonly offeredTo?: Publisher;
  /** The owner before the last transfer. */
  readonly previousOwner?: Publisher;
  /** ISO 8601 */
  readonly createdAt: string;
  readonly revision: number;
};

/** When and why a version was taken back. It can be restored. */
export type Yank = { readonly at: string; readonly reason: string };

/** A version as it was confirmed. It never changes, except for its yank. */
export type PublishedVersion = {
  readonly name: ExtensionName;
  readonly version: ExtensionVersion;
  readonly channel: Channel;
  readonly publisher: Publisher;
  /** The users that the version and its pulls count for: the account, or the collective's members at the time. */
  readonly credited: readonly AccountId[];
  readonly contentHash?: string;
  /** From an import: without a hash, its content may be any. */
  readonly isImported?: boolean;
  /** ISO 8601 */
  readonly publishedAt: string;
  readonly yank?: Yank;
  readonly revision: number;
};

/**
 * Whether a confirmation of the same publisher repeats a version: the same channel and content. Past publishes are often known
 * without a hash: then one side cannot contradict the other.
 */
export const isSamePublish = (stored: Content, confirmed: Content): boolean =>
  stored.channel === confirmed.channel &&
  (stored.contentHash === confirmed.contentHash || hasAnyContent(stored) || hasAnyContent(confirmed));

type Content = {
  readonly channel: Channel;
  readonly contentHash?: string | undefined;
  readonly isImported?: boolean | undefined;
};

const hasAnyContent = ({ isImported, contentHash }: Content): boolean =>
  isImported === true && contentHash === undefined;
