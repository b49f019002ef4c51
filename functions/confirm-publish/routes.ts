import * as z from 'zod/mini';
import { CollectiveSlug, type Credential } from '../../domain/identity/credential.ts';
import type { AccountNames } from '../../domain/identity/account-names.ts';
import { Username } from '../../domain/identity/username.ts';
import { Members, type Collectives } from '../../domain/identity/collective.ts';
import { confirmPublish, type ConfirmDeps, type ConfirmRefusal } from '../../domain/registry/confirm-publish.ts';
import {
  Channel,
  ContentHash,
  ExtensionName,
  ExtensionVersion,
  namedPublisher,
  STABLE,
  type Publisher,
} from '../../domain/registry/extension.ts';
import { maintainerOf, publisherOf, type Maintainer } from '../../domain/registry/maintainer.ts';
import type { Registry } from '../../domain/registry/registry.port.ts';
import { setMembers } from '../../domain/identity/set-members.ts';
import { acceptExtension, transferExtension, type AcceptRefusal } from '../../domain/registry/transfer-extension.ts';
import {
  AcceptedView,
  CollectiveView,
  collectiveView,
  ConfirmedView,
  confirmedView,
  LatestView,
  latestView,
  MessageView,
  OfferedView,
  TransferredView,
} from '../../domain/registry/views.ts';
import { unyank, yank, type YankOutcome, type YankRefusal, type YankTarget } from '../../domain/registry/yank.ts';
import { check, sentenceOf, type Fault } from '../../domain/shared/faults.ts';
import type { Result } from '../../domain/shared/result.ts';
import { printableText } from '../../domain/shared/text.ts';
import { Problem, problem, type Reply } from '../runtime/problems.ts';
import { PUBLISH_BODY } from '../runtime/request-body.ts';
import { route, type HttpDeps, type RouteContext } from '../runtime/route.ts';

export type ConfirmPublishDeps = HttpDeps &
  ConfirmDeps & {
    readonly registry: Registry;
    readonly collectives: Collectives;
    readonly names: AccountNames;
  };

const YankReason = printableText({ characters: 2_000, bytes: 6_000 });
/** A confirmed publish shows at once, apart from caches. */
const LATEST_CACHE_SECONDS = 5;

/** The part of a client's confirmation that Laurel reads. */
const ConfirmRequest = z.object({
  name: ExtensionName,
  version: ExtensionVersion,
  channel: z.optional(Channel),
  contentHash: z.optional(ContentHash),
});
/** Name and version have refusal codes of their own. */
const AnyConfirmRequest = z.object({
  name: z.optional(z.unknown()),
  version: z.optional(z.unknown()),
  channel: ConfirmRequest.shape.channel,
  contentHash: ConfirmRequest.shape.contentHash,
});

/** `@acme/net` or `@acme/net@2026.11.03.1`; the first character's `@` is the scope's. */
const Target = z
  .string()
  .check(z.refine((target) => targetOf(target) !== undefined, 'expected the name of an extension, or name@version'));

function targetOf(
  text: string,
): { readonly name: ExtensionName; readonly version?: ExtensionVersion | undefined } | undefined {
  const at = text.lastIndexOf('@');
  const [name, version] = at > 0 ? [text.slice(0, at), text.slice(at + 1)] : [text, undefined];
  return z.object({ name: ExtensionName, version: z.optional(ExtensionVersion) }).safeParse({ name, version }).data;
}

const REFUSED_TO_OTHERS = {
  403: {
    description: 'It belongs to somebody else (`not_owner`), or the key to nobody (`no_account`)',
    schema: Problem,
  },
};

const noAccount = (what: string): Reply =>
  problem(
    'no_account',
    `this key belongs to no account or collective to ${what} as: use a personal or a collective key`,
  );

type NamesDeps = Pick<ConfirmPublishDeps, 'names'>;

/** A publisher with its name in place of the account's id. */
async function named({ names }: NamesDeps, publisher: Publisher) {
  return namedPublisher(publisher, await names.namesOf(publisher.kind === 'personal' ? [publisher.name] : []));
}

async function ownerWords(deps: NamesDeps, publisher: Publisher): Promise<string> {
  const { kind, name } = await named(deps, publisher);
  return kind === 'personal' ? name : `the collective ${name}`;
}

async function confirmRefused(deps: NamesDeps, refusal: ConfirmRefusal, name: string, version: string): Promise<Reply> {
  switch (refusal.kind) {
    case 'version-conflict': {
      const { first } = refusal;
      const what = `was published by ${await ownerWords(deps, first.publisher)} in the channel ${first.channel}`;
      const sentence = `version: ${version} of ${name} ${what} at ${first.publishedAt}`;
      return problem('version_conflict', `${sentence}, with another publisher, channel or content`);
    }
    case 'not-owner':
      return problem('not_owner', `name: ${name} belongs to ${await ownerWords(deps, refusal.owner)}`);
  }
}

async function changeRefused(deps: NamesDeps, refusal: YankRefusal, name: string): Promise<Reply> {
  switch (refusal.kind) {
    case 'unknown-extension':
      return unknownExtension;
    case 'not-owner': {
      const owner = await ownerWords(deps, refusal.owner);
      return problem('not_owner', `name: ${name} belongs to ${owner}`, { status: 403 });
    }
  }
}

async function acceptRefused(deps: NamesDeps, refusal: AcceptRefusal, name: string): Promise<Reply> {
  switch (refusal.kind) {
    case 'unknown-extension':
      return unknownExtension;
    case 'unknown-offer':
      return problem('unknown_offer', `name: ${name} is offered to nobody`);
    case 'offered-to-another': {
      const other = await ownerWords(deps, refusal.to);
      return problem('not_owner', `name: ${name} is offered to ${other}`, { status: 403 });
    }
  }
}

/** `net` or `net@2026.11.03.1`, with the channel and the versions that were left out. */
function targetWords(target: string, channel: Channel | undefined, { ofOthers }: YankOutcome): string {
  const versions = channel === undefined || targetOf(target)?.version !== undefined ? '' : ` in the channel ${channel}`;
  return `${target}${versions}${ofOthers === 0 ? '' : `, except for ${ofOthers} versions of other publishers,`}`;
}

const unknownExtension = problem('unknown_extension', 'name: there is no such extension or version');

/** Handles a change of an extension as the account or collective of the key, or as an admin. */
async function asMaintainer(
  { credential }: RouteContext<Credential>,
  what: string,
  change: (maintainer: Maintainer) => Promise<Reply>,
): Promise<Reply> {
  const maintainer = maintainerOf(credential);
  return maintainer === undefined ? noAccount(what) : change(maintainer);
}

/** Yanks or restores what a target names. */
const onTarget = (
  deps: NamesDeps,
  context: RouteContext<Credential>,
  what: 'yank' | 'unyank',
  text: string,
  channel: Channel | undefined,
  change: (maintainer: Maintainer, target: YankTarget) => Promise<Result<YankOutcome, YankRefusal>>,
): Promise<Reply> =>
  asMaintainer(context, what, async (maintainer) => {
    const target = targetOf(text);
    if (target === undefined) return unknownExtension;
    const changed = await change(maintainer, { ...target, channel });
    if (!changed.ok) return changeRefused(deps, changed.error, target.name);
    const [done, count] = what === 'yank' ? ['yanked', 'Yanked'] : ['restored', 'Restored'];
    const message = `${targetWords(text, channel, changed.value)} is ${done}`;
    return { status: 200, body: { message }, counts: { [count]: changed.value.changed } };
  });

const yanking = { method: 'POST', access: { scope: 'extensions:yank' }, unknownParam: 'unknown_extension' } as const;
const done = { 200: { description: 'It is so, now or before', schema: MessageView }, ...REFUSED_TO_OTHERS };
const ofExtension = z.object({ name: ExtensionName });

export const routes = [
  route({
    method: 'POST',
    path: '/api/v1/extensions/confirm',
    summary: 'Record a published version, once',
    access: { scope: 'extensions:push' },
    request: z.object({ body: AnyConfirmRequest }),
    documentedBody: ConfirmRequest,
    bodyLimits: PUBLISH_BODY,
    answers: {
      200: { description: 'The same publisher had confirmed the same version before', schema: ConfirmedView },
      201: { description: 'It is recorded', schema: ConfirmedView },
    },
    problems: [
      'invalid_body',
      'invalid_name',
      'invalid_version',
      'no_account',
      'not_owner',
      'version_conflict',
      'busy',
    ],
    async handle({ body }, deps: ConfirmPublishDeps, { credential }) {
      const publisher = publisherOf(credential);
      if (publisher === undefined) return noAccount('publish');
      const name = check(ExtensionName, body.name, 'name');
      if (!name.ok) return invalid('invalid_name', name.error);
      const version = check(ExtensionVersion, body.version, 'version');
      if (!version.ok) return invalid('invalid_version', version.error);

      const keyMembers = credential.kind === 'collective' ? credential.members : [];
      const { channel = STABLE, contentHash } = body;
      const confirmation = { name: name.value, version: version.value, channel, contentHash };
      const confirmed = await confirmPublish(deps, { ...confirmation, publisher, keyMembers });
      if (!confirmed.ok) return confirmRefused(deps, confirmed.error, name.value, version.value);
      const isNew = confirmed.value.kind === 'published';
      const counts = isNew ? { counts: { Published: 1 } } : {};
      return { status: isNew ? 201 : 200, body: confirmedView(confirmed.value.version), ...counts };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/extensions/{name+}/latest',
    summary: 'The newest version of an extension in a channel that is not yanked',
    access: 'anyone',
    request: z.object({ params: ofExtension, query: z.object({ channel: z._default(Channel, STABLE) }) }),
    unknownParam: 'unknown_extension',
    answers: { 200: { description: 'The version', schema: LatestView } },
    problems: ['unknown_extension'],
    cacheSeconds: LATEST_CACHE_SECONDS,
    async handle({ params: { name }, query: { channel } }, deps: ConfirmPublishDeps) {
      const latest = await deps.registry.latestVersion(name, channel);
      if (latest === undefined) return unknownExtension;
      return { status: 200, body: latestView(latest, (await named(deps, latest.publisher)).name) };
    },
  }),
  route({
    ...yanking,
    path: '/api/v1/extensions/{target+}/yank',
    summary: 'Take a version back, or all versions of an extension or of its channel',
    request: z.object({
      params: z.object({ target: Target }),
      body: z.object({ reason: YankReason, channel: z.optional(Channel) }),
    }),
    answers: done,
    problems: ['unknown_extension', 'busy'],
    handle: ({ params, body: { reason, channel } }, deps: ConfirmPublishDeps, context) =>
      onTarget(deps, context, 'yank', params.target, channel, (maintainer, target) =>
        yank(deps, maintainer, target, reason),
      ),
  }),
  route({
    ...yanking,
    path: '/api/v1/extensions/{target+}/unyank',
    summary: 'Restore a yanked version, or all versions of an extension or of its channel',
    request: z.object({
      params: z.object({ target: Target }),
      body: z.optional(z.object({ channel: z.optional(Channel) })),
    }),
    answers: done,
    problems: ['unknown_extension', 'busy'],
    handle: ({ params, body: { channel } = {} }, deps: ConfirmPublishDeps, context) =>
      onTarget(deps, context, 'unyank', params.target, channel, (maintainer, target) =>
        unyank(deps, maintainer, target),
      ),
  }),
  route({
    method: 'POST',
    path: '/api/v1/extensions/{name+}/transfer',
    summary: 'Offer an extension to another account or collective, or take the offer back by naming its owner',
    access: { scope: 'extensions:push' },
    request: z.object({ params: ofExtension, body: z.object({ to: Username }) }),
    unknownParam: 'unknown_extension',
    answers: {
      200: { description: 'New versions are theirs: an admin said so, or it was so before', schema: TransferredView },
      202: { description: 'It is theirs once they accept it', schema: OfferedView },
      ...REFUSED_TO_OTHERS,
    },
    problems: ['unknown_extension', 'busy'],
    handle: ({ params: { name }, body }, deps: ConfirmPublishDeps, context) =>
      asMaintainer(context, 'transfer', async (maintainer) => {
        const transferred = await transferExtension(deps, maintainer, { name, to: body.to });
        if (!transferred.ok) return changeRefused(deps, transferred.error, name);
        const { kind, to } = transferred.value;
        const owner = await named(deps, to);
        if (kind === 'offered') return { status: 202, body: { name, offeredTo: owner.name } };
        return { status: 200, body: { name, owner, message: `${name} belongs to ${await ownerWords(deps, to)}` } };
      }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/extensions/{name+}/accept',
    summary: 'Accept an extension that is offered to the account or the collective of the key',
    access: { scope: 'extensions:push' },
    request: z.object({ params: ofExtension }),
    unknownParam: 'unknown_extension',
    answers: {
      200: { description: 'New versions are yours, now or before', schema: AcceptedView },
      ...REFUSED_TO_OTHERS,
    },
    problems: ['unknown_extension', 'unknown_offer', 'busy'],
    async handle({ params: { name } }, deps: ConfirmPublishDeps, { credential }) {
      const publisher = publisherOf(credential);
      if (publisher === undefined) return noAccount('accept');
      const accepted = await acceptExtension(deps, publisher, name);
      return accepted.ok ? { status: 200, body: { name } } : acceptRefused(deps, accepted.error, name);
    },
  }),
  route({
    method: 'PUT',
    path: '/v1/collectives/{slug}',
    summary: 'Name the members of a collective; what it publishes from now on counts for them',
    access: { scope: 'keys:manage' },
    request: z.object({ params: z.object({ slug: CollectiveSlug }), body: z.strictObject({ members: Members }) }),
    unknownParam: 'invalid_name', // any valid slug may be new, so only an invalid one is refused
    answers: { 200: { description: 'The members, since when', schema: CollectiveView } },
    problems: ['invalid_name', 'busy'],
    async handle({ params: { slug }, body: { members } }, deps: ConfirmPublishDeps) {
      const collective = await setMembers(deps, { slug, members: members.map(await deps.names.accountsOf(members)) });
      return { status: 200, body: collectiveView(collective, await deps.names.namesOf(collective.members)) };
    },
  }),
];

const invalid = (code: 'invalid_name' | 'invalid_version', details: readonly Fault[]): Reply =>
  problem(code, sentenceOf(details), { details });
