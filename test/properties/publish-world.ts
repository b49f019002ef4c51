import { DeleteItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { expect } from 'vitest';
import { confirmPublish } from '../../domain/registry/confirm-publish.ts';
import type { Publisher } from '../../domain/registry/extension.ts';
import type { Maintainer } from '../../domain/registry/maintainer.ts';
import { recordPull } from '../../domain/registry/record-pull.ts';
import { setMembers } from '../../domain/identity/set-members.ts';
import { acceptExtension, transferExtension } from '../../domain/registry/transfer-extension.ts';
import { unyank, yank } from '../../domain/registry/yank.ts';
import { currentRules } from '../../domain/rules/current-rules.ts';
import { dynamoCollectives } from '../../functions/adapters/dynamodb/identity/collectives.ts';
import { dynamoGrantLedger } from '../../functions/adapters/dynamodb/grants/grant-ledger.ts';
import { dynamoPulls } from '../../functions/adapters/dynamodb/registry/pulls.ts';
import { dynamoRegistry } from '../../functions/adapters/dynamodb/registry/registry.ts';
import { dynamoScoreStore } from '../../functions/adapters/dynamodb/scoring/score-store.ts';
import { aUsername, namesAsIds, sha256 } from '../builders/identity.ts';
import { isInjected } from '../../proof/faults.ts';
import { problemsOfBalances, problemsOfPublishes } from '../../proof/model/ledger.ts';
import { ledgerIn } from '../../proof/model/stored.ts';
import { RefreshWorld } from './refresh-world.ts';
import {
  latestOf,
  nothing,
  statesAfter,
  worthOf,
  type Actor,
  type Operation,
  type State,
  type Try,
} from '../../proof/model/registry-orders.ts';

const MAX_TRIES = 200;
type Answer = { readonly ok: true } | { readonly ok: false; readonly error: { readonly kind: string } };

/** The model's word for an answer. */
const inWords = (good: string, answer: Answer): string =>
  answer.ok
    ? good
    : ({ 'version-conflict': 'conflict', 'unknown-extension': 'unknown' }[answer.error.kind] ?? answer.error.kind);

/** The deployed registry with all its consequences, beside the model with the expected results. */
export class PublishWorld extends RefreshWorld {
  readonly members = new Map<string, readonly string[]>();
  readonly devices = new Map<string, string>();
  /** The possible states: more than one if concurrent requests leave several results possible. */
  states: readonly State[] = [nothing];
  /** How often each version was answered as published. */
  readonly published = new Map<string, number>();

  #deps() {
    const randomToken = () => this.token();
    return {
      registry: dynamoRegistry(this.sending, { registry: this.registryTable, grants: this.grantsTable }),
      collectives: dynamoCollectives(this.sending, this.registryTable),
      ledger: dynamoGrantLedger(this.sending, this.grantsTable),
      names: namesAsIds,
      rules: currentRules,
      clock: () => this.now,
      randomToken,
      sha256,
      ...this.chance,
    };
  }

  /** Sends all requests at the same time, each until it is answered, and follows them in the model. */
  async ask(wave: readonly Operation[], meanwhile: readonly Promise<void>[] = []): Promise<void> {
    const tried = wave.map(async (operation) => ({ operation, tries: await this.#untilAnswered(operation) }));
    const [answered] = await Promise.all([Promise.all(tried), ...meanwhile]);
    this.states = statesAfter(this.states, answered, this);
    const told = answered.map(({ operation, tries }) => `${JSON.stringify(operation)} → ${tries.join()}`);
    expect(this.states.length, `no order explains these answers:\n${told.join('\n')}`).toBeGreaterThan(0);
  }

  async #untilAnswered(operation: Operation): Promise<readonly Try[]> {
    const tries: Try[] = [];
    while (tries.length < MAX_TRIES) {
      try {
        return [...tries, await this.#perform(operation)];
      } catch (error) {
        if (!isInjected(error)) throw error;
        tries.push(null);
      }
    }
    throw new Error(`not answered after ${MAX_TRIES} tries`);
  }

  async #perform(operation: Operation): Promise<string> {
    const deps = this.#deps();
    const { name } = operation;
    switch (operation.kind) {
      case 'confirm': {
        const { version, channel, hash, by } = operation;
        const confirmation = { name, version, channel, contentHash: hash, publisher: publisherOf(by), keyMembers: [] };
        const answer = await confirmPublish(deps, confirmation);
        const isNew = answer.ok && answer.value.kind === 'published';
        if (isNew) this.published.set(`${name}@${version}`, (this.published.get(`${name}@${version}`) ?? 0) + 1);
        return inWords('accepted', answer);
      }
      case 'yank':
        return inWords('done', await yank(deps, maintainerOf(operation.by), operation, 'broken'));
      case 'unyank':
        return inWords('done', await unyank(deps, maintainerOf(operation.by), operation));
      case 'transfer': {
        const to = aUsername(operation.to);
        const answer = await transferExtension(deps, maintainerOf(operation.by), {
          name,
          to,
        });
        return inWords(answer.ok ? answer.value.kind : '', answer);
      }
      case 'accept':
        return inWords('done', await acceptExtension(deps, publisherOf(operation.by), name));
      case 'pull': {
        const pulls = dynamoPulls(this.sending, this.registryTable, deps);
        const { name, version } = operation;
        const found = await pulls.findVersion(name, version);
        if (found === undefined) return 'unknown';
        await recordPull(pulls, operation, found.credited, this.now);
        return 'accepted';
      }
    }
  }

  /**
   * Yanks or restores the versions of a request without a version, with no other work in flight: exactly these
   * versions.
   */
  async askMany(operation: Operation & { readonly kind: 'yank' | 'unyank' }): Promise<void> {
    await this.ask([operation]);
    await this.checkVersions();
  }

  /** With no work in flight: each version is yanked or not as in the model, and so is the newest of each channel. */
  async checkVersions(): Promise<void> {
    const registry = dynamoRegistry(this.checking, { registry: this.registryTable, grants: this.grantsTable });
    const yanked = new Map<string, boolean>();
    const newest = new Map<string, string | undefined>();
    for (const name of Object.keys(this.states[0]!.owners)) {
      for await (const each of registry.versionsOf(name))
        yanked.set(`${name}@${each.version}`, each.yank !== undefined);
      for (const channel of ['stable', 'beta']) {
        newest.set(`${name} ${channel}`, (await registry.latestVersion(name, channel))?.version);
      }
    }
    this.states = this.states.filter((state) => {
      const places = Object.entries(state.versions);
      const isAsStored =
        places.length === yanked.size && places.every(([at, { isYanked }]) => yanked.get(at) === isYanked);
      const isNewest = [...newest].every(([key, version]) => {
        const [name = '', channel = ''] = key.split(' ');
        return latestOf(state, name, channel) === version;
      });
      return isAsStored && isNewest;
    });
    expect(this.states.length, 'the versions are not those of any possible state').toBeGreaterThan(0);
  }

  async setMembers(slug: string, members: readonly string[]): Promise<void> {
    await this.#again(() => setMembers(this.#deps(), { slug: aUsername(slug), members: members.map(aUsername) }));
    this.members.set(slug, members);
  }

  /** Gives a device to a user, or removes its owner. */
  async setOwner(device: string, owner: string | null): Promise<void> {
    const before = this.devices.get(device);
    if (owner === null) {
      if (before !== undefined) await this.#again(() => this.store(this.sending).unbind(device, aUsername(before)));
      this.devices.delete(device);
      return;
    }
    if (before !== undefined) return;
    const at = new Date(this.now).toISOString();
    await this.#again(() => this.store(this.sending).bind(device, aUsername(owner), at));
    this.devices.set(device, owner);
  }

  async #again(work: () => Promise<unknown>): Promise<void> {
    for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
      try {
        await work();
        return;
      } catch (error) {
        if (!isInjected(error)) throw error;
      }
    }
    throw new Error(`not answered after ${MAX_TRIES} tries`);
  }

  /** Deletes a row as an operator would in the console. */
  async removeByHand(pk: string, sk: string): Promise<void> {
    await this.checking.send(new DeleteItemCommand({ TableName: this.registryTable, Key: marshall({ pk, sk }) }));
  }

  async pointsOf(username: string) {
    const { score } = await dynamoScoreStore(this.checking, this.scoresTable).load(aUsername(username));
    const points = new Map(score?.score.contributions.map((contribution) => [contribution.key, contribution.points]));
    return {
      publishes: points.get('content:extension-publishes') ?? 0,
      pulls: points.get('content:extension-pulls') ?? 0,
    };
  }

  /** At any moment: each credited version has its grant, and the amounts are the running sum up to the cap. */
  async checkGrants(users: readonly string[]): Promise<void> {
    const { lines, balances } = ledgerIn(await this.itemsOf(this.grantsTable));
    const found = new Map<string, readonly string[]>();
    for (const username of users) {
      const own = lines.filter((line) => line.username === username);
      expect(problemsOfPublishes(own), username).toEqual([]);
      found.set(
        username,
        own
          .map(({ grantId }) => grantId)
          .filter((id) => id.startsWith('publish:'))
          .sort(),
      );
    }
    expect(problemsOfBalances(lines, balances)).toEqual([]);
    this.states = this.states.filter((state) =>
      users.every((username) => worthOf(username, state, this).grants.join() === found.get(username)!.join()),
    );
    expect(this.states.length, 'the grants are not those of any possible state').toBeGreaterThan(0);
  }

  /** After the queues are drained: every contribution equals a count from nothing. */
  async checkPoints(users: readonly string[]): Promise<void> {
    const found = await Promise.all(users.map(async (username) => [username, await this.pointsOf(username)] as const));
    const expected = this.states.map((state) =>
      users.map((username) => {
        const { publishes, pulls } = worthOf(username, state, this);
        return [username, { publishes, pulls }] as const;
      }),
    );
    expect(expected).toContainEqual(found);
  }

  /** No version is answered as new more than once. If every answer arrived, each existing version was. */
  checkPublished({ everyAnswerArrived }: { readonly everyAnswerArrived: boolean }): void {
    for (const [place, times] of this.published) expect(times, place).toBe(1);
    if (!everyAnswerArrived) return;
    for (const place of Object.keys(this.states[0]!.versions)) expect(this.published.get(place), place).toBe(1);
  }
}

function publisherOf(actor: Actor): Publisher {
  const [kind, name = ''] = actor.split(':');
  return { kind: kind === 'user' ? 'personal' : 'collective', name: aUsername(name) };
}
const maintainerOf = (actor: Actor): Maintainer => (actor === 'admin' ? 'admin' : publisherOf(actor));
