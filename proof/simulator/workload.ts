import type { RawEvent } from '../../test/builders/telemetry.ts';
import { Chance } from '../chance.ts';
import {
  ALL,
  USERS,
  withChangedAccounts,
  withDeployments,
  withErasures,
  withImports,
  withLinks,
  type Planned,
} from './insertions.ts';
import { QUEUES, STREAMED, type Act, type Key, type Schedule } from './steps.ts';
import { THEMES, WEIGHTS, type Sort, type Theme } from './themes.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
type User = (typeof USERS)[number];
const DEVICES = ['~d3', 'd1', 'd2'] as const;
const NAMES = ['net', '@acme/kit'] as const;
const VERSIONS = ['2026.08.20.1', '2026.08.21.1', '2026.08.21.2'] as const;

/** The schedule of a seed: the same each time, on every machine. */
export function scheduleOf(seed: number): Schedule {
  const chance = new Chance(`schedule ${seed}`);
  const theme = chance.weighted(THEMES);
  const date = Date.parse('2026-08-21T00:00:00.000Z') + chance.below(4) * DAY;
  // Half of the schedules start shortly before midnight.
  const startsAt = date + (chance.happens(0.5) ? DAY - 40_000 : 9 * HOUR + chance.below(6 * HOUR));
  const hasRollups = theme === 'metrics' || (['all', 'races'].includes(theme) && chance.happens(0.1));
  const hasBoards = (theme === 'all' || theme === 'ledger') && !hasRollups && chance.happens(0.4);
  const maker = new Maker(chance, startsAt, { theme, hasRollups, hasBoards });
  const planned: Planned[] = [];
  // Many small schedules show more in the same time than a few large ones. A race needs several steps.
  const length = theme === 'races' ? 8 + chance.below(14) : 3 + chance.below(chance.of([4, 4, 8, 24]));
  while (planned.length < length) planned.push(...maker.next(chance.weighted(WEIGHTS[theme])));
  const schedule = {
    seed,
    startsAt,
    hasRollups,
    hasBoards,
    faultRate: chance.of([0, 0.01, 0.03, 0.06, 0.12]),
    holdRate: theme === 'races' ? 0.1 : chance.of([0, 0.02, 0.05, 0.1]),
    holdsWorkers: theme === 'races' || chance.happens(hasRollups ? 0.7 : 0.3),
    without: [],
  };
  const isLeftOut = hasRollups || hasBoards;
  const changed = withChangedAccounts(seed, withDeployments(seed, planned, isLeftOut), isLeftOut);
  const erased = withErasures(seed, changed, { startsAt, isLeftOut });
  const steps = withLinks(seed, withImports(seed, erased, startsAt), { startsAt, isLeftOut });
  return { ...schedule, steps: steps.map((step, number) => ({ number, ...step })) };
}

/** Creates one step after the other from small sets of values, so that the steps affect the same things. */
class Maker {
  readonly #chance: Chance;
  readonly #hours: readonly number[];
  readonly #users: readonly User[];
  readonly #devices: readonly string[];
  readonly #hasRollups: boolean;
  readonly #hasBoards: boolean;
  #now: number;

  constructor(
    chance: Chance,
    startsAt: number,
    {
      theme,
      hasRollups,
      hasBoards,
    }: { readonly theme: Theme; readonly hasRollups: boolean; readonly hasBoards: boolean },
  ) {
    this.#chance = chance;
    this.#now = startsAt;
    this.#hasRollups = hasRollups;
    this.#hasBoards = hasBoards;
    const ages = hasRollups ? [0, HOUR] : [0, HOUR, 30 * HOUR, 20 * DAY, 34.9 * DAY, 34.9 * DAY, -20 * HOUR];
    if (theme === 'races') {
      // One user with days far apart, or two hours: a later fold does not repair what an older one overwrites.
      const apart = hasRollups ? [0, HOUR] : [0, 30 * HOUR, 20 * DAY, 60 * HOUR];
      this.#hours = apart.map((back) => startsAt - back);
      this.#users = [chance.of(USERS)];
      this.#devices = [chance.of(DEVICES)];
      return;
    }
    const hours = [startsAt, startsAt - chance.of(ages), startsAt - chance.of(ages)];
    this.#hours = hours.slice(hasRollups && chance.happens(0.5) ? 2 : chance.below(hours.length));
    this.#users = USERS.slice(chance.below(USERS.length));
    this.#devices = DEVICES.slice(chance.below(DEVICES.length));
  }

  next(sort: Sort): readonly Planned[] {
    const chance = this.#chance;
    const some = () => chance.of([0, 1, 2, 3, 5, 8, 14, ALL, ALL, ALL]);
    if (sort !== 'burst') return [{ act: this.#act(sort), requests: some() }];
    const acts = this.#burst();
    return acts.map((act, index) => {
      const isLast = index === acts.length - 1;
      return { act, requests: isLast ? some() : chance.of([0, 0, 2, 5]) };
    });
  }

  /** A change reaches a score, a roll-up or a board within one step. */
  #drain(): Act {
    const later = this.#hasRollups ? 'roll-up' : this.#hasBoards ? 'rank' : 'score-refresh';
    const queue = this.#chance.happens(this.#hasRollups ? 0.7 : 0.4) ? later : 'score-refresh';
    const seconds = queue === 'score-refresh' ? 1 : 61;
    this.#now += seconds * 1_000;
    return { kind: 'drain', queue, seconds };
  }

  /** The same request by several senders at the same time. */
  #burst(): readonly Act[] {
    const chance = this.#chance;
    const several = <Item>(make: (index: number) => Item) =>
      Array.from({ length: 2 + chance.below(2) }, (_, index) => make(index));
    switch (chance.weighted({ events: 4, points: 3, one: 2, versions: 2, changes: 1 })) {
      case 'events': {
        const [device, timestamp] = [chance.of(this.#devices), this.#time()];
        const isBulk = chance.happens(0.5);
        return several(() => ({
          kind: 'ingest',
          key: chance.happens(0.5) ? null : chance.of(this.#users),
          events: isBulk ? this.#bulk(device, timestamp) : several(() => ({ ...this.#event(device), timestamp })),
        }));
      }
      case 'points': {
        const username = chance.of(this.#users);
        return several((index) => ({ kind: 'award', id: `a${index}`, username, points: 50 }));
      }
      case 'one': {
        const id = `a${chance.below(3)}`;
        return several(() => ({ kind: 'award', id, username: chance.of(USERS), points: chance.of([50, 50, 700]) }));
      }
      case 'versions': {
        const name = chance.of(NAMES);
        return several(() => ({ ...this.#confirm(), name }));
      }
      case 'changes': {
        const name = chance.of(NAMES);
        const target = chance.happens(0.7)
          ? { name, version: chance.of(VERSIONS) }
          : { name, channel: this.#channel() };
        return several(() => ({ kind: chance.of(['yank', 'unyank'] as const), key: 'admin', ...target }));
      }
    }
  }

  #wait(seconds: number): Act {
    this.#now += seconds * 1_000;
    return { kind: 'wait', seconds };
  }

  #confirm(): Act & { readonly kind: 'confirm' } {
    const chance = this.#chance;
    const key = chance.of(['ada', 'bob', 'guild', 'guild'] as const);
    const [name, version] = [chance.of(NAMES), chance.of(VERSIONS)];
    const hash = chance.happens(0.85) ? 'one' : 'two';
    return { kind: 'confirm', key, name, version, channel: this.#channel(), hash };
  }

  #channel(): string {
    return this.#chance.happens(0.8) ? 'stable' : 'beta';
  }

  #act(sort: Exclude<Sort, 'burst'>): Act {
    const chance = this.#chance;
    switch (sort) {
      case 'ingest': {
        const device = chance.of(this.#devices);
        const events = Array.from({ length: 1 + chance.below(4) }, () =>
          this.#event(chance.happens(0.85) ? device : chance.of(this.#devices)),
        );
        const key: Key =
          chance.weighted({ none: 5, own: 5, guild: 0.5, server: 0.5 }) === 'none' ? null : chance.of(this.#users);
        return { kind: 'ingest', key, events };
      }
      case 'bulk': {
        const events = this.#bulk(chance.of(this.#devices), this.#time());
        return { kind: 'ingest', key: chance.happens(0.5) ? null : chance.of(this.#users), events };
      }
      case 'reported': {
        const events = Array.from({ length: 1 + chance.below(2) }, () => {
          const event = this.#event(chance.of(this.#devices));
          return { ...event, properties: { ...event.properties, username: chance.of(this.#users) } };
        });
        return { kind: 'ingest', key: 'server', events };
      }
      case 'trusted':
        return {
          kind: 'ingest',
          key: 'server',
          events: Array.from({ length: 1 + chance.below(3) }, () => this.#trusted()),
        };
      case 'grant':
        return this.#grant();
      case 'registry':
        return this.#registry();
      case 'unbind':
        return { kind: 'unbind', device: chance.of(this.#devices) };
      case 'drain':
        return this.#drain();
      case 'visibility':
        if (!this.#hasBoards) return this.#grant(); // nothing would check it
        return { kind: 'visibility', username: chance.of(this.#users), isHidden: chance.happens(0.6) };
      case 'backfill':
        return this.#backfill();
      case 'flow':
        return chance.happens(0.55)
          ? { kind: 'announce', table: chance.of(STREAMED) }
          : {
              kind: 'deliver',
              queue: chance.weighted({
                'score-refresh': 6,
                'roll-up': this.#hasRollups ? 6 : 0,
                rank: this.#hasBoards ? 4 : 0,
                backfill: 2,
              }),
            };
      case 'time': {
        if (chance.happens(0.7)) return this.#wait(chance.of([1, 15, 30, 61, 61]));
        const hours = this.#hasRollups
          ? chance.of([1, 1, 25])
          : chance.of([1, 24, 25, 48, 28 * 24, 35 * 24, 36 * 24, 37 * 24]);
        this.#now += hours * HOUR;
        return { kind: 'jump', hours };
      }
      case 'odd': {
        const queue = chance.of(QUEUES);
        const odd = chance.weighted({ poison: 3, redrive: 2, forget: 3, stray: 1 });
        if (odd === 'stray') return { kind: 'stray' };
        return odd === 'forget' ? { kind: 'forget', username: chance.of(this.#users) } : { kind: odd, queue };
      }
    }
  }

  #time(): string {
    const at = this.#chance.happens(0.75) ? this.#chance.of(this.#hours) : this.#now;
    const hour = Math.floor(at / HOUR) * HOUR;
    return new Date(hour + this.#chance.below(60) * 60_000).toISOString();
  }

  #event(distinct_id: string): RawEvent {
    const chance = this.#chance;
    const isInvocation = chance.happens(0.85);
    const command = chance.of(['model', 'workflow', 'extension', 'repo', 'deploy', 'Not A Name']);
    const result = chance.happens(0.2) ? { result: { status: 'failed' } } : {};
    return {
      event: isInvocation ? 'cli_invocation' : 'opened',
      distinct_id,
      insert_id: `e${chance.below(10)}`,
      timestamp: this.#time(),
      properties: isInvocation ? { invocation: { command }, ...result } : {},
    };
  }

  /** Enough events of one hour to fill a chunk and start the next one. The last event repeats the first. */
  #bulk(device: string, timestamp: string): readonly RawEvent[] {
    const [from, different] = [this.#chance.below(40), 20 + this.#chance.below(40)];
    return Array.from({ length: different + 1 }, (_, index) => ({
      ...this.#event(device),
      insert_id: `b${from + (index % different)}`,
      timestamp,
    }));
  }

  /** An event that happens once has one time, also if another server reports it again. */
  #timeOfFact(number: number): string {
    const at = this.#hours[number % this.#hours.length] ?? this.#now;
    return new Date(Math.floor(at / HOUR) * HOUR + number * 1_000).toISOString();
  }

  #trusted(): RawEvent {
    const chance = this.#chance;
    const [number, username] = [chance.below(3), chance.of(this.#users)];
    const timestamp = this.#timeOfFact(number);
    const made = (event: string, properties: Record<string, unknown>): RawEvent => ({
      event,
      distinct_id: 'a-server',
      insert_id: `t${chance.below(1_000_000)}`,
      timestamp,
      properties,
    });
    switch (chance.weighted({ issue: 2, 'sign-in': 2, pull: 4, post: 2, award: 2, badge: 1 })) {
      case 'issue':
        return made('issue_created', { issue_id: `i${number}`, username });
      case 'sign-in':
        return { ...made('daily_sign_in', { username }), timestamp: `${timestamp.slice(0, 10)}T00:30:00.000Z` };
      case 'pull': {
        const [name, version] = [chance.of(NAMES), chance.of(VERSIONS)];
        const by = chance.happens(0.5) ? { username } : {};
        const pull = made('extension_pulled', { extension_name: name, version, ...by });
        return { ...pull, distinct_id: chance.of(this.#devices), timestamp: this.#timeOfFact(0) };
      }
      case 'post':
        return made('feed_post_created', { post_id: `p${number}`, username });
      case 'award':
        return made('award', { award_id: `a${number}`, username, points: this.#points(), reason: 'helped' });
      case 'badge':
        return made('badge_granted', { badge_id: `b${number}`, username, points: this.#points() });
    }
  }

  #points(): number {
    return this.#chance.of([50, 50, 700, 3_000]);
  }

  #grant(): Act {
    const chance = this.#chance;
    const number = chance.below(3);
    const username = chance.of(this.#users);
    const kind = chance.weighted({ award: 5, badge: 2, reverse: 3, posts: 2 });
    if (kind === 'reverse') {
      const grantId = chance.of([
        `award:a${number}`,
        `award:a${number}`,
        `badge:b${number}:${username}`,
        `feed-post:p${number}`,
      ]);
      return { kind, grantId };
    }
    if (kind === 'posts') {
      const events = [0, 1, 2].map((post): RawEvent => ({
        event: 'feed_post_created',
        distinct_id: 'a-server',
        insert_id: `f${post}`,
        timestamp: this.#timeOfFact(post),
        properties: { post_id: `p${post}`, username: post === 2 ? chance.of(this.#users) : username },
      }));
      return { kind: 'ingest', key: 'server', events };
    }
    return { kind, id: kind === 'award' ? `a${number}` : `b${number}`, username, points: this.#points() };
  }

  #registry(): Act {
    const chance = this.#chance;
    const [name, version] = [chance.of(NAMES), chance.of(VERSIONS)];
    const key = chance.of(['ada', 'bob', 'guild', 'guild'] as const);
    switch (chance.weighted({ confirm: 10, yank: 3, unyank: 2, channel: 2, transfer: 1, accept: 1, members: 2 })) {
      case 'confirm':
        return this.#confirm();
      case 'yank':
        return { kind: 'yank', key: chance.happens(0.6) ? 'admin' : key, name, version };
      case 'unyank':
        return { kind: 'unyank', key: 'admin', name, version };
      case 'channel':
        return { kind: chance.of(['yank', 'unyank']), key: 'admin', name, channel: this.#channel() };
      case 'transfer':
        return { kind: 'transfer', key: chance.of([key, 'admin']), name, to: chance.of(['ada', 'bob', 'guild']) };
      case 'accept':
        return { kind: 'accept', key, name };
      case 'members':
        return { kind: 'members', members: chance.of([['ada'], ['ada', 'bob'], ['bob', 'cy'], ['ada', 'bob', 'cy']]) };
    }
  }

  #backfill(): Act {
    const chance = this.#chance;
    const today = new Date(this.#now).toISOString().slice(0, 10);
    const event = chance.weighted({
      all: this.#hasRollups ? 1 : 4,
      usernames: 3,
      stale: 2,
      metrics: this.#hasRollups ? 4 : 0,
    });
    const events = {
      all: { mode: 'all' },
      usernames: { mode: 'all', usernames: [chance.of(this.#users), chance.of(this.#users)] },
      stale: { mode: 'stale' },
      metrics: { mode: 'metrics', from: today, to: today },
    };
    return { kind: chance.happens(0.5) ? 'backfill' : 'scheduled', event: events[event] };
  }
}
