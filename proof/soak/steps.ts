import * as z from 'zod';
import { type EventResult, IngestReport } from '../../domain/telemetry/ingest-telemetry.ts';
import { eventOf } from '../model/telemetry.ts';
import type { Account, Books, PublishedVersion } from './books.ts';
import type { Answer, Client, Request } from './client.ts';
import type { Chance } from '../chance.ts';

export type Keys = { readonly admin: string; readonly service: string; readonly personal: Map<string, string> };

type WireEvent = {
  readonly event: string;
  readonly distinct_id: string;
  readonly insert_id: string;
  readonly timestamp: string;
  readonly properties: object;
};
/** By whom an event was sent, and for whom. */
type Sent = {
  readonly user: string;
  readonly isKeyed: boolean;
  readonly isLost: boolean;
  readonly reportedFor?: string;
};
export type Batch = { readonly user: string; readonly isKeyed: boolean; readonly wire: readonly WireEvent[] };

export type ActsOptions = {
  /** The name of the lane, which is part of all names that it creates. */
  readonly name: string;
  readonly chance: Chance;
  readonly books: Books;
  readonly client: Client;
  readonly keys: Keys;
};

const COMMANDS = ['model', 'data', 'workflow', 'extension', 'repo', 'whatever', null];
const HOUR = 3_600_000;
/** Events older than this must be rejected. */
export const OLDEST_EVENT_HOURS = 71;
const TOO_OLD = 40 * 24 * HOUR;

const Created = z.object({ key: z.string() });
const Renamed = z.object({ accountId: z.string(), username: z.string() });

/** All actions of a lane. Each sends one request and records it in the books when it is answered. */
export class Acts {
  readonly #chance: Chance;
  readonly #books: Books;
  readonly #client: Client;
  readonly #keys: Keys;
  readonly #name: string;
  #made = 0;
  #doing = '';

  constructor(options: ActsOptions) {
    this.#name = options.name;
    this.#chance = options.chance;
    this.#books = options.books;
    this.#client = options.client;
    this.#keys = options.keys;
  }

  /** The name under which the following requests are counted. */
  begin(doing: string): void {
    this.#doing = doing;
  }

  #next(): number {
    this.#made += 1;
    return this.#made;
  }

  async #send(request: Request, expected: readonly number[]): Promise<Answer> {
    const answer = await this.#client.send(request);
    this.#books.did(this.#doing);
    if (!expected.includes(answer.status)) {
      this.#books.odd(`${request.method} ${request.path} answered ${answer.status} ${JSON.stringify(answer.body)}`);
    }
    return answer;
  }

  /** A batch of new events of one of the account's devices. */
  async telemetry(
    account: Account,
    isKeyed = this.#chance.happens(0.5),
    size = this.#chance.happens(0.3) ? 1 : this.#chance.between(2, 50),
  ): Promise<Batch | undefined> {
    const device = this.#chance.oneOf(account.devices);
    if (device === undefined) return undefined;
    // Some batches fill the chunks of one hour, others touch many hours and days.
    const oldest = this.#chance.happens(0.5) ? 0 : OLDEST_EVENT_HOURS;
    const wire = Array.from({ length: size }, (): WireEvent => {
      const isTooOld = this.#chance.happens(0.03);
      const age = isTooOld ? TOO_OLD : this.#chance.between(0, oldest) * HOUR;
      const command = this.#chance.oneOf(COMMANDS) ?? null;
      const success = this.#chance.happens(0.9);
      return {
        event: this.#chance.happens(0.9) ? 'cli_invocation' : 'editor_opened',
        distinct_id: device,
        insert_id: `${this.#name}-event-${this.#next()}`,
        timestamp: new Date(Date.now() - age).toISOString(),
        properties: {
          invocation: command === null ? {} : { command },
          result: { status: success ? 'success' : 'error' },
        },
      };
    });
    const batch = { user: account.username, isKeyed, wire };
    await this.ingest(batch);
    return batch;
  }

  /** Sends a batch again, unchanged or with a key that it did not have: a key makes an anonymous event its sender's. */
  async resend(batch: Batch): Promise<void> {
    await this.ingest({ ...batch, isKeyed: this.#chance.happens(0.2) ? !batch.isKeyed : batch.isKeyed });
  }

  async ingest(batch: Batch): Promise<void> {
    const { user, isKeyed, wire } = batch;
    const key = isKeyed ? this.#keys.personal.get(user) : undefined;
    const body = wire.length === 1 && wire[0] !== undefined ? wire[0] : { events: wire };
    const answer = await this.#send({ method: 'POST', path: '/ingest', key, body }, [202, 400]);
    const report = IngestReport.safeParse(answer.body).data;
    if (report === undefined) {
      this.#books.odd(`/ingest answered no report: ${JSON.stringify(answer.body)}`);
      return;
    }
    let hasStored = false;
    for (const [index, event] of wire.entries()) {
      const status = report.results.find((result) => result.index === index)?.status;
      hasStored = this.#noteEvent(event, status, { user, isKeyed, isLost: answer.lostTries > 0 }) || hasStored;
    }
    if (isKeyed && hasStored) {
      for (const device of new Set(wire.map(({ distinct_id }) => distinct_id))) {
        if (!this.#books.owners.has(device)) this.#books.owners.set(device, user);
      }
    }
  }

  #noteEvent(
    wire: WireEvent,
    status: EventResult['status'] | undefined,
    { user, isKeyed, isLost, reportedFor }: Sent,
  ): boolean {
    const before = this.#books.events.get(wire.insert_id);
    this.#books.count(status, wire.insert_id, { mayBeDuplicate: before !== undefined || isLost });
    const mustBeRejected = Date.now() - Date.parse(wire.timestamp) > TOO_OLD - HOUR;
    if ((status === 'rejected') !== mustBeRejected) this.#books.odd(`${wire.insert_id} is ${status ?? 'not answered'}`);
    if (status !== 'accepted' && status !== 'duplicate') return false;
    const sender = isKeyed ? user : null;
    const sent = before ?? { event: eventOf(wire, sender, reportedFor), accepted: 0, mayBeLost: false };
    sent.event = { ...sent.event, sender: sent.event.sender ?? sender };
    sent.accepted += status === 'accepted' ? 1 : 0;
    sent.mayBeLost ||= isLost;
    this.#books.events.set(wire.insert_id, sent);
    return true;
  }

  /** Gives an account another name, by its own key or an admin's, while its key sends events. */
  async rename(account: Account): Promise<Batch | undefined> {
    const to = `${account.username}-${this.#next()}`;
    const key = this.#chance.happens(0.5) ? this.#keys.admin : this.#keys.personal.get(account.username);
    const path = `/v1/users/${account.name}/rename`;
    const [{ body }, batch] = await Promise.all([
      this.#send({ method: 'POST', path, key, body: { to } }, [200]),
      this.telemetry(account, true),
    ]);
    const { accountId, username } = Renamed.safeParse(body).data ?? {};
    const isTheSame = account.accountId === undefined || account.accountId === accountId;
    if (username !== to || !isTheSame) this.#books.odd(`${path} to ${to} answered ${JSON.stringify(body)}`);
    account.accountId = accountId;
    account.name = to;
    return batch;
  }

  /** A present or former name: both are the account's. */
  #aNameOf({ username, name }: Account): string {
    return this.#chance.happens(0.7) ? name : username;
  }

  /** A server's event with the name of its user. */
  async trustedEvent(account: Account): Promise<void> {
    const { username } = account;
    const wire = {
      event: 'cli_invocation',
      distinct_id: 'server',
      insert_id: `${this.#name}-event-${this.#next()}`,
      timestamp: new Date().toISOString(),
      properties: { username: this.#aNameOf(account), invocation: { command: 'model' } },
    };
    const answer = await this.#send({ method: 'POST', path: '/ingest', key: this.#keys.service, body: wire }, [202]);
    const status = IngestReport.safeParse(answer.body).data?.results[0]?.status;
    const sent = { user: username, isKeyed: true, isLost: answer.lostTries > 0, reportedFor: username };
    this.#noteEvent(wire, status, sent);
  }

  /** An event that only a server may send. Returns true if it is stored, now or before. */
  async #report(event: string, properties: object, given: { readonly mayBeDuplicate: boolean }): Promise<boolean> {
    const wire = { event, distinct_id: 'server', properties };
    const request = { method: 'POST', path: '/ingest', key: this.#keys.service, body: wire } as const;
    const answer = await this.#send(request, [202]);
    const status = IngestReport.safeParse(answer.body).data?.results[0]?.status;
    const mayBeDuplicate = given.mayBeDuplicate || answer.lostTries > 0;
    this.#books.count(status, `${event} ${JSON.stringify(properties)}`, { mayBeDuplicate });
    return status === 'accepted' || status === 'duplicate';
  }

  /** Creates a personal key for the account, for its later requests. */
  async createKey({ username }: Account): Promise<void> {
    this.#keys.personal.set(username, await this.#createKey({ kind: 'personal', username }));
  }

  async createServiceKey(): Promise<string> {
    return this.#createKey({ kind: 'service', label: 'soak' });
  }

  async #createKey(body: object): Promise<string> {
    const answer = await this.#send({ method: 'POST', path: '/v1/keys', key: this.#keys.admin, body }, [201]);
    return Created.parse(answer.body).key;
  }

  async issue(account: Account): Promise<void> {
    const { issues } = account;
    const username = this.#aNameOf(account);
    const known = this.#chance.happens(0.2) ? this.#chance.oneOf([...issues]) : undefined;
    const id = known ?? `${this.#name}-issue-${this.#next()}`;
    const stored = await this.#report('issue_created', { issue_id: id, username }, { mayBeDuplicate: issues.has(id) });
    if (stored) issues.add(id);
  }

  async publish(account: Account): Promise<PublishedVersion> {
    const name = `@${account.username}/tool-${this.#chance.between(1, 2)}`;
    const version: PublishedVersion = {
      name,
      version: `2026.08.21.${this.#next()}`,
      author: account.username,
      pullers: new Set(),
      isYanked: false,
    };
    await this.confirm(version, [200, 201]);
    account.versions.push(version);
    return version;
  }

  async confirm(version: PublishedVersion, expected: readonly number[]): Promise<void> {
    const key = this.#keys.personal.get(version.author);
    const body = { name: version.name, version: version.version };
    await this.#send({ method: 'POST', path: '/api/v1/extensions/confirm', key, body }, expected);
  }

  async pull(version: PublishedVersion, username: string): Promise<void> {
    const { name, pullers } = version;
    const mayBeDuplicate = pullers.has(username);
    pullers.add(username); // another lane's account cannot pull as this one
    const stored = await this.#report(
      'extension_pulled',
      { extension_name: name, version: version.version, username },
      { mayBeDuplicate },
    );
    if (!stored) this.#books.odd(`a pull of ${name} was refused`);
  }

  /** Yanks a version, or restores a yanked one. */
  async yank(version: PublishedVersion): Promise<void> {
    const isYanking = !version.isYanked;
    const target = `${encodeURIComponent(version.name)}@${version.version}`;
    const path = `/api/v1/extensions/${target}/${isYanking ? 'yank' : 'unyank'}`;
    const body = isYanking ? { reason: 'broken' } : undefined;
    const key = this.#keys.personal.get(version.author);
    await this.#send({ method: 'POST', path, key, ...(body && { body }) }, [200]);
    version.isYanked = isYanking;
  }

  async award(account: Account): Promise<void> {
    await this.#give(account, `${this.#name}-${this.#next()}`, this.#chance.between(1, 100), false);
  }

  async #give(account: Account, awardId: string, points: number, isAgain: boolean): Promise<void> {
    const { awards } = account;
    const body = { awardId, username: this.#aNameOf(account), points, reason: 'Thanks' };
    const request = { method: 'POST', path: '/v1/awards', key: this.#keys.service, body } as const;
    const answer = await this.#send(request, isAgain ? [200] : [200, 201]);
    if (!isAgain && answer.status === 200 && answer.lostTries === 0)
      this.#books.odd(`award ${awardId} was there before`);
    awards.set(`award:${awardId}`, points);
  }

  async awardAgain(account: Account): Promise<void> {
    const [grantId, points] = this.#chance.oneOf([...account.awards]) ?? [];
    if (grantId === undefined || points === undefined) return;
    await this.#give(account, grantId.slice('award:'.length), points, true);
  }

  async badge(account: Account): Promise<void> {
    const { username, badges } = account;
    const badgeId = `${this.#name}-badge-${this.#next()}`;
    const points = this.#chance.between(0, 20);
    const body = { badgeId, username: this.#aNameOf(account), points };
    await this.#send({ method: 'POST', path: '/v1/badges', key: this.#keys.service, body }, [200, 201]);
    badges.set(`badge:${badgeId}:${username}`, points);
  }

  async feedPost(account: Account): Promise<void> {
    const { feedPosts } = account;
    const username = this.#aNameOf(account);
    const id = `${this.#name}-post-${this.#next()}`;
    const stored = await this.#report('feed_post_created', { post_id: id, username }, { mayBeDuplicate: false });
    if (stored) feedPosts.add(`feed-post:${id}`);
  }

  async reverse({ awards, reversed }: Account): Promise<void> {
    const [grantId] = this.#chance.oneOf([...awards]) ?? [];
    if (grantId === undefined) return;
    const path = `/v1/grants/${grantId}/reverse`;
    const expected = reversed.has(grantId) ? [200] : [200, 201];
    await this.#send({ method: 'POST', path, key: this.#keys.service, body: { reason: 'A mistake' } }, expected);
    reversed.add(grantId);
  }

  async unbind({ devices }: Account): Promise<void> {
    const device = this.#chance.oneOf(devices);
    if (device === undefined) return;
    const path = `/v1/devices/${device}/unbind`;
    await this.#send({ method: 'POST', path, key: this.#keys.admin }, [200, 404]);
    this.#books.owners.delete(device);
  }

  /** While everything changes there is nothing to compare with, so only the form of the answer is checked. */
  async read(account: Account): Promise<void> {
    const username = this.#aNameOf(account);
    const name = encodeURIComponent(account.versions[0]?.name ?? '@nobody/tool');
    const path = this.#chance.oneOf([
      '/health',
      `/v1/stats?username=${username}`,
      `/v1/scores/${username}`,
      `/v1/scores/${username}/explain`,
      `/v1/scores/${username}/history`,
      `/v1/scores/${username}/grants`,
      `/v1/scores/${username}/audit`,
      `/api/v1/extensions/${name}/latest`,
      '/community-metrics?interval=DAY',
    ]);
    if (path !== undefined) await this.#send({ method: 'GET', path }, [200, 404]);
  }
}
