import { createHmac } from 'node:crypto';
import type { HookDeps } from '../../domain/hooks/take-hook.ts';
import { aUsername, namesAsIds } from './identity.ts';
import type { ReportedKind } from '../../domain/rules/reported-kinds.ts';
import { grantsOf, MemoryLedger } from './memory-ledger.ts';

/** The header of a body that is signed with a secret. */
export const signatureOf = (secret: string, body: string | Uint8Array): string =>
  `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;

export const REPOSITORY = { id: 77, full_name: 'Acme/Tool' };
export const aUser = (login = 'Ada', id = 1, type = 'User') => ({ id, login, type });

/** Smallest hooks of GitHub, as they are sent. */
export const anOpenedIssue = (number = 12, user: unknown = aUser(), repository: object = REPOSITORY) => ({
  action: 'opened',
  repository,
  issue: { number, user, created_at: '2026-08-20T10:00:00Z' },
});
export const aMergedPullRequest = (number = 12, user: unknown = aUser(), repository: object = REPOSITORY) => ({
  action: 'closed',
  repository,
  pull_request: { number, user, merged: true, merged_at: '2026-08-20T11:00:00Z' },
});
export const aReview = (number: number, user: unknown) => ({
  action: 'submitted',
  repository: REPOSITORY,
  pull_request: { number },
  review: { user, submitted_at: '2026-08-20T12:00:00Z' },
});

const counted = (event: string): ReportedKind => ({
  event,
  idProperty: 'id',
  linePrefix: null,
  isOpen: false,
  isScored: true,
});
const KINDS: readonly ReportedKind[] = [
  ...['merged', 'reviewed', 'opened', 'answered'].map(counted),
  { ...counted('feed_post_created'), linePrefix: 'feed-post:' },
  { ...counted('signed_in'), idProperty: null },
];

/** A place for hooks, in memory: what they have stored, by account, event and identity. */
export function aHookWorld() {
  const facts = new Map<string, number>();
  const names = new Map<string, string>();
  const linked = new Map<string, string>();
  const ledger = new MemoryLedger();
  const deps: HookDeps = {
    hooks: {
      github: {
        pull_request_merged: 'merged',
        review_submitted: 'reviewed',
        issue_opened: 'opened',
        answer_accepted: 'answered',
        release_published: 'feed_post_created',
      },
      discourse: { post_created: 'feed_post_created', answer_accepted: 'answered', signed_in: 'signed_in' },
    },
    kinds: new Map(KINDS.map((kind) => [kind.event, kind])),
    names: namesAsIds,
    firstNames: {
      find: async (name) => names.get(name),
      async keep(more) {
        if ([...more.keys()].some((name) => names.has(name))) return false;
        for (const [name, first] of more) names.set(name, first);
        return true;
      },
    },
    logins: {
      async find({ place, id }) {
        const account = linked.get(`${place}:${id}`);
        return account === undefined ? undefined : { account: aUsername(account), login: 'Ada' };
      },
    },
    trustedFacts: {
      async record(account, event, id, at) {
        const key = `${account} ${event} ${id}`;
        if (facts.has(key)) return 'already-there';
        facts.set(key, at);
        return 'recorded';
      },
      isThere: async (account, event, id) => facts.has(`${account} ${event} ${id}`),
    },
    grants: grantsOf(ledger),
    clock: () => Date.parse('2026-08-21T12:00:00.000Z'),
    random: () => 0.5,
    sleep: async () => {},
  };
  return { deps, facts, names, linked, ledger };
}
