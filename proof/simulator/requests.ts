import * as z from 'zod';
import { anHttpRequest } from '../../test/builders/http-request.ts';
import { ERASABLE, LINKABLE, secretOf } from './credentials.ts';
import { expectNone } from './finding.ts';
import type { Role } from './functions.ts';
import type { BoardsModel } from '../model/boards.ts';
import type { LedgerModel } from '../model/ledger.ts';
import type { RegistryModel } from '../model/registry.ts';
import {
  CLOCKS_OFF_MS,
  deviceIdOf,
  eventOf,
  refusalAt,
  timeOf,
  type RawEvent,
  type Request,
  type TelemetryModel,
} from '../model/telemetry.ts';
import type { Ask, Key } from './steps.ts';

export type Models = {
  readonly telemetry: TelemetryModel;
  readonly ledger: LedgerModel;
  readonly registry: RegistryModel;
  readonly boards: BoardsModel;
};

/** A request with its last answer. */
export type Answered = Request & { readonly status: number; readonly body: unknown };

type HttpRequest = { readonly role: Role; readonly event: object };

/** The HTTP request of an ask, and the role of its function. */
export function requestOf(ask: Ask): HttpRequest {
  const request = (role: Role, key: Key, method: string, path: string, body: object): HttpRequest => ({
    role,
    event: anHttpRequest({ method, path, body, ...(key === null ? {} : { key: secretOf(key) }) }),
  });
  const ofExtension = (name: string, version?: string) =>
    `/api/v1/extensions/${encodeURIComponent(name)}${version === undefined ? '' : `@${version}`}`;
  switch (ask.kind) {
    case 'ingest':
      return request('ingest-telemetry', ask.key, 'POST', '/ingest', { events: ask.events });
    case 'import':
      return request('import-history', 'admin', 'POST', '/v1/import', { events: ask.events });
    case 'link': {
      const { id, login } = LINKABLE;
      return request('link-logins', 'admin', 'PUT', `/v1/users/${ask.username}/logins/github`, { id, login });
    }
    case 'unlink':
      return request('link-logins', 'admin', 'DELETE', `/v1/users/${ask.username}/logins/github`, {});
    case 'award': {
      const { id, username, points } = ask;
      return request('record-award', 'server', 'POST', '/v1/awards', {
        awardId: id,
        username,
        points,
        reason: username === ERASABLE.username ? `helped ${username}` : 'helped',
      });
    }
    case 'badge': {
      const { id, username, points } = ask;
      return request('record-award', 'server', 'POST', '/v1/badges', { badgeId: id, username, points });
    }
    case 'reverse':
      return request('record-award', 'server', 'POST', `/v1/grants/${encodeURIComponent(ask.grantId)}/reverse`, {
        reason: 'a mistake',
      });
    case 'confirm': {
      const { key, name, version, channel, hash: contentHash } = ask;
      const body = { name, version, channel, contentHash };
      return request('confirm-publish', key, 'POST', '/api/v1/extensions/confirm', body);
    }
    case 'yank':
    case 'unyank':
      return request('confirm-publish', ask.key, 'POST', `${ofExtension(ask.name, ask.version)}/${ask.kind}`, {
        reason: 'broken',
        channel: ask.channel,
      });
    case 'accept':
      return request('confirm-publish', ask.key, 'POST', `${ofExtension(ask.name)}/accept`, {});
    case 'transfer':
      return request('confirm-publish', ask.key, 'POST', `${ofExtension(ask.name)}/transfer`, { to: ask.to });
    case 'members':
      return request('confirm-publish', 'admin', 'PUT', '/v1/collectives/guild', { members: ask.members });
    case 'unbind':
      return request('manage-devices', 'admin', 'POST', `/v1/devices/${encodeURIComponent(ask.device)}/unbind`, {});
    case 'rename':
      return request('manage-accounts', 'admin', 'POST', `/v1/users/${ask.username}/rename`, { to: ask.to });
    case 'merge':
      return request('manage-accounts', 'admin', 'POST', `/v1/users/${ask.username}/merge`, { into: ask.into });
    case 'unmerge':
      return request('manage-accounts', 'admin', 'POST', `/v1/users/${ask.username}/unmerge`, {});
    case 'erase':
      return request('manage-accounts', 'admin', 'DELETE', `/v1/users/${ask.username}`, { confirm: ask.username });
    case 'visibility': {
      const leaderboards = ask.isHidden ? 'hidden' : 'shown';
      return request('set-visibility', 'admin', 'PUT', `/v1/users/${ask.username}/visibility`, { leaderboards });
    }
  }
}

const textIn = (value: unknown, name: string): string | undefined =>
  z.looseObject({ [name]: z.string() }).safeParse(value).data?.[name];

const IngestAnswer = z.object({
  results: z.array(z.object({ status: z.enum(['accepted', 'duplicate', 'rejected']), code: z.string().optional() })),
});
type Result = z.infer<typeof IngestAnswer>['results'][number];

const TIME_REFUSALS = ['timestamp_too_old', 'timestamp_in_future'];

/** Records a request and its answer in the models. */
export function note(ask: Ask, answered: Answered, models: Models): void {
  switch (ask.kind) {
    case 'ingest': {
      if (ask.key === 'gus' && answered.status === 401) {
        // An earlier try may have stored them.
        for (const event of ask.events) {
          models.telemetry.sent({ ...answered, ...eventOf(event, ERASABLE.account), answer: 'maybe' });
        }
        return;
      }
      noteEvents(ask.events, ask.key, answered, models);
      return;
    }
    case 'import':
      noteEvents(ask.events, 'import', answered, models);
      return;
    case 'award':
    case 'badge': {
      noteGrant(ask, answered, models);
      return;
    }
    case 'reverse': {
      noteReversal(ask.grantId, answered, models);
      return;
    }
    case 'confirm': {
      noteConfirmed(ask, answered, models);
      return;
    }
    case 'yank':
    case 'unyank': {
      const { name, version, channel } = ask;
      const yanked = { name, version, channel, by: publisherOf(ask.key), isYank: ask.kind === 'yank' };
      if (answered.status === 200) models.registry.yanked({ ...answered, ...yanked });
      expectStatus(ask, answered, [200, 403, 404]);
      return;
    }
    case 'transfer': {
      expectStatus(ask, answered, [200, 202, 403, 404]);
      return;
    }
    case 'accept': {
      expectStatus(ask, answered, [200, 403, 404]);
      return;
    }
    case 'members':
      models.registry.membersSet({ ...answered, members: ask.members });
      {
        expectStatus(ask, answered, [200]);
        return;
      }
    case 'unbind':
      if (answered.status === 200) models.telemetry.unbound(deviceIdOf(ask.device), answered);
      {
        expectStatus(ask, answered, [200, 404]);
        return;
      }
      return;
    case 'visibility':
      if (answered.status === 200)
        models.boards.chosen({ ...answered, username: ask.username, isHidden: ask.isHidden });
      expectStatus(ask, answered, [200, 404]);
      return;
    case 'rename':
    case 'merge':
    case 'unmerge':
    case 'link':
      models.ledger.merged();
      expectStatus(ask, answered, [200, 409]);
      return;
    case 'unlink':
      expectStatus(ask, answered, [204]);
      return;
    case 'erase':
      expectStatus(ask, answered, [202, 404]);
      // A job takes the device away, at any time until the end.
      models.telemetry.unbound(deviceIdOf(ERASABLE.device), { began: answered.began, ended: Infinity });
  }
}

function expectStatus(ask: Ask, { status, body }: Answered, allowed: readonly number[]): void {
  expectNone(
    'contract',
    allowed.includes(status) ? [] : [`${ask.kind} was answered ${status} ${JSON.stringify(body)}`],
  );
}

type Sender = Key | 'import';

function noteEvents(events: readonly RawEvent[], key: Sender, answered: Answered, models: Models): void {
  expectNone('contract', [202, 400].includes(answered.status) ? [] : [`events were answered ${answered.status}`]);
  const { results } = IngestAnswer.parse(answered.body);
  for (const [index, event] of events.entries()) {
    const result = results[index];
    if (result === undefined) {
      expectNone('contract', [`event ${index} has no result`]);
      return;
    }
    noteEvent(event, key, result, answered, models);
  }
}

function noteEvent(event: RawEvent, key: Sender, result: Result, answered: Answered, models: Models): void {
  const { from, to, isTriedOnce } = answered;
  const time = timeOf(event);
  const isRefused = result.status === 'rejected' && TIME_REFUSALS.includes(result.code ?? '');
  // An import takes any past time.
  const possible =
    key === 'import' ? [undefined] : [refusalAt(time, from - CLOCKS_OFF_MS), refusalAt(time, to + CLOCKS_OFF_MS)];
  const isRight = possible.includes(isRefused ? result.code : undefined);
  expectNone('contract', isRight ? [] : [`an event of ${event.timestamp ?? ''} was ${result.status} ${result.code}`]);
  if (isRefused && isTriedOnce) return;
  const stored = result.status === 'rejected' ? 'maybe' : result.status;
  const { began, ended } = answered;
  const hour = new Date(time).toISOString().slice(0, 13);

  const username = textIn(event.properties, 'username');
  switch (event.event) {
    case 'issue_created':
    case 'daily_sign_in': {
      const kind = event.event === 'issue_created' ? 'issue' : 'sign-in';
      const what = textIn(event.properties, 'issue_id') ?? hour.slice(0, 10);
      models.telemetry.reported({ kind, username: username ?? '', what, hour }, stored !== 'maybe');
      return;
    }
    case 'extension_pulled': {
      const puller = username === undefined ? `device:${deviceIdOf(event.distinct_id)}` : `user:${username}`;
      const [name, version] = [
        textIn(event.properties, 'extension_name') ?? '',
        textIn(event.properties, 'version') ?? '',
      ];
      const answer = result.code === 'unknown_extension' ? 'unknown' : stored;
      models.registry.pulled({ began, ended, name, version, puller, hour, answer });
      return;
    }
    case 'award':
    case 'badge_granted':
    case 'feed_post_created': {
      const points = z.looseObject({ points: z.number().default(100) }).parse(event.properties).points;
      const id = (name: string) => textIn(event.properties, name) ?? '';
      const grantId = {
        award: `award:${id('award_id')}`,
        badge_granted: `badge:${id('badge_id')}:${username ?? ''}`,
        feed_post_created: `feed-post:${id('post_id')}`,
      }[event.event];
      const isConflict = result.status === 'rejected' && !isRefused;
      const answer = isConflict
        ? 'conflict'
        : ({ accepted: 'given', duplicate: 'repeated', maybe: 'maybe' } as const)[stored];
      models.ledger.asked({ began, ended, isTriedOnce, grantId, username: username ?? '', points, answer });
      return;
    }
    default: {
      expectNone(
        'contract',
        result.status === 'rejected' && !isRefused ? [`an event was refused: ${result.code ?? ''}`] : [],
      );
      const reportedFor = key === 'server' ? username : undefined;
      if (key === 'import') {
        // It is that user's own event, as by their key. A device that it names first is as old as the event.
        const past = { ...answered, from: Date.parse(`${hour}:00:00.000Z`) };
        models.telemetry.sent({ ...past, ...eventOf(event, username ?? null), answer: stored });
        return;
      }
      const own = key === 'gus' ? ERASABLE.account : key === 'ada' || key === 'bob' || key === 'cy' ? key : null;
      models.telemetry.sent({ ...answered, ...eventOf(event, own, reportedFor), answer: stored });
    }
  }
}

const GrantAnswer = z.object({ grantId: z.string(), seq: z.number(), balance: z.number(), grantedAt: z.string() });

function noteGrant(ask: Ask & { readonly kind: 'award' | 'badge' }, answered: Answered, { ledger }: Models): void {
  expectStatus(ask, answered, [200, 201, 409]);
  const { id, username, points } = ask;
  if (username === ERASABLE.username) {
    // The line may be the first holder's or a later one's, and that may change from one try to the next.
    ledger.asked({ ...answered, isTriedOnce: false, grantId: `award:${id}`, username, points, answer: 'maybe' });
    return;
  }
  const grantId = ask.kind === 'award' ? `award:${id}` : `badge:${id}:${username}`;
  const answer = answered.status === 201 ? 'given' : answered.status === 200 ? 'repeated' : 'conflict';
  const said = answer === 'conflict' ? {} : { said: GrantAnswer.parse(answered.body) };
  ledger.asked({ ...answered, grantId, username, points, answer, ...said });
}

function noteReversal(grantId: string, answered: Answered, { ledger }: Models): void {
  const allowed = [200, 201, 404].includes(answered.status);
  expectNone('contract', allowed ? [] : [`a reversal was answered ${answered.status}`]);
  const answer = answered.status === 201 ? 'given' : answered.status === 200 ? 'repeated' : 'unknown';
  ledger.reversed({ ...answered, grantId, answer });
}

const publisherOf = (key: Key): string => (key === 'guild' ? 'collective:guild' : `personal:${key ?? ''}`);

const Refusal = z.object({ code: z.enum(['version_conflict', 'not_owner']) });

function noteConfirmed(ask: Ask & { readonly kind: 'confirm' }, answered: Answered, { registry }: Models): void {
  expectStatus(ask, answered, [200, 201, 409]);
  const { name, version, channel, hash, key } = ask;
  const by = publisherOf(key);
  const answer =
    answered.status === 201 ? 'published' : answered.status === 200 ? 'repeated' : Refusal.parse(answered.body).code;
  registry.confirmed({ ...answered, name, version, channel, hash, by, answer });
}
