import type { RawEvent } from '../../test/builders/telemetry.ts';
import { Chance } from './chance.ts';
import { QUEUES, STREAMED, type Act, type Key, type Schedule, type Step } from './steps.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const USERS = ['ada', 'bob', 'cy'] as const;
const DEVICES = ['d1', 'd2', '~d3'] as const;
const NAMES = ['net', '@acme/kit'] as const;
const VERSIONS = ['2026.08.20.1', '2026.08.21.1', '2026.08.21.2'] as const;

/** What a schedule is mostly about: few things at a time, so that they meet. */
const THEMES = ['telemetry', 'ledger', 'registry', 'metrics', 'backfill', 'all'] as const;
type Theme = (typeof THEMES)[number];
type Sort =
  'ingest' | 'bulk' | 'reported' | 'trusted' | 'grant' | 'registry' | 'unbind' | 'backfill' | 'flow' | 'time' | 'odd';
type Weights = readonly (readonly [Sort, number])[];

const WEIGHTS: Readonly<Record<Theme, Weights>> = {
  telemetry: [
    ['ingest', 40],
    ['bulk', 6],
    ['reported', 6],
    ['trusted', 4],
    ['unbind', 7],
    ['flow', 40],
    ['time', 8],
    ['odd', 2],
  ],
  ledger: [
    ['grant', 50],
    ['trusted', 12],
    ['flow', 25],
    ['time', 5],
    ['odd', 2],
  ],
  registry: [
    ['registry', 45],
    ['trusted', 12],
    ['ingest', 6],
    ['unbind', 3],
    ['flow', 35],
    ['time', 5],
    ['odd', 2],
  ],
  metrics: [
    ['ingest', 25],
    ['reported', 4],
    ['trusted', 4],
    ['grant', 6],
    ['registry', 6],
    ['backfill', 3],
    ['flow', 40],
    ['time', 12],
  ],
  backfill: [
    ['ingest', 20],
    ['grant', 8],
    ['registry', 4],
    ['unbind', 3],
    ['backfill', 14],
    ['flow', 30],
    ['time', 6],
    ['odd', 6],
  ],
  all: [
    ['ingest', 20],
    ['bulk', 2],
    ['reported', 3],
    ['trusted', 6],
    ['grant', 10],
    ['registry', 12],
    ['unbind', 3],
    ['backfill', 3],
    ['flow', 40],
    ['time', 6],
    ['odd', 3],
  ],
};

/** The schedule that a seed stands for: the same each time, on every machine. */
export function scheduleOf(seed: number): Schedule {
  const chance = new Chance(`schedule ${seed}`);
  const theme = chance.of(THEMES);
  const date = Date.parse('2026-08-21T00:00:00.000Z') + chance.below(4) * DAY;
  // Midnight is near as often as not.
  const startsAt = date + (chance.happens(0.5) ? DAY - 40_000 : 9 * HOUR + chance.below(6 * HOUR));
  const hasRollups = theme === 'metrics' || (theme === 'all' && chance.happens(0.4));
  const maker = new Maker(chance, startsAt, hasRollups);
  const steps = Array.from({ length: 8 + chance.below(18) }, (_, number): Step => {
    const act = maker.next(chance.weighted(WEIGHTS[theme]));
    return { number, act, requests: chance.of([0, 0, 1, 2, 3, 5, 8, 14, 30, 1_000]) };
  });
  return {
    seed,
    startsAt,
    hasRollups,
    faultRate: chance.of([0, 0.01, 0.03, 0.06, 0.12]),
    hasStalls: chance.happens(0.5),
    steps,
    without: [],
  };
}

/** Makes one step after the other, from small sets of everything, so that they concern the same things. */
class Maker {
  readonly #chance: Chance;
  readonly #hours: readonly number[];
  readonly #hasRollups: boolean;
  #now: number;

  constructor(chance: Chance, startsAt: number, hasRollups: boolean) {
    this.#chance = chance;
    this.#now = startsAt;
    this.#hasRollups = hasRollups;
    const ages = hasRollups ? [0, HOUR] : [0, HOUR, 30 * HOUR, 20 * DAY, 34.9 * DAY, 34.9 * DAY, -20 * HOUR];
    this.#hours = [startsAt, startsAt - chance.of(ages), startsAt - chance.of(ages)];
  }

  next(sort: Sort): Act {
    const chance = this.#chance;
    switch (sort) {
      case 'ingest': {
        const device = chance.of(DEVICES);
        const events = Array.from({ length: 1 + chance.below(4) }, () =>
          this.#event(chance.happens(0.85) ? device : chance.of(DEVICES)),
        );
        const key: Key =
          chance.weighted([
            ['none', 5],
            ['own', 5],
            ['guild', 0.5],
            ['server', 0.5],
          ]) === 'none'
            ? null
            : chance.of(USERS);
        return { kind: 'ingest', key, events };
      }
      case 'bulk': {
        const [device, from] = [chance.of(DEVICES), chance.below(30)];
        const at = this.#time();
        const events = Array.from({ length: 20 + chance.below(40) }, (_, index) => ({
          ...this.#event(device),
          insert_id: `b${from + index}`,
          timestamp: at,
        }));
        return { kind: 'ingest', key: chance.happens(0.5) ? null : chance.of(USERS), events };
      }
      case 'reported': {
        const events = Array.from({ length: 1 + chance.below(2) }, () => {
          const event = this.#event(chance.of(DEVICES));
          return { ...event, properties: { ...event.properties, username: chance.of(USERS) } };
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
        return { kind: 'unbind', device: chance.of(DEVICES) };
      case 'backfill':
        return this.#backfill();
      case 'flow':
        return chance.happens(0.55)
          ? { kind: 'announce', table: chance.of(STREAMED) }
          : {
              kind: 'deliver',
              queue: chance.weighted([
                ['score-refresh', 6],
                ['roll-up', this.#hasRollups ? 6 : 0],
                ['backfill', 2],
              ]),
            };
      case 'time': {
        if (chance.happens(0.7)) {
          const seconds = chance.of([1, 15, 30, 61, 61]);
          this.#now += seconds * 1_000;
          return { kind: 'wait', seconds };
        }
        const hours = this.#hasRollups
          ? chance.of([1, 1, 25])
          : chance.of([1, 24, 25, 48, 28 * 24, 35 * 24, 36 * 24, 37 * 24]);
        this.#now += hours * HOUR;
        return { kind: 'jump', hours };
      }
      case 'odd': {
        const queue = chance.of(QUEUES);
        const odd = chance.weighted([
          ['poison', 2],
          ['redrive', 2],
          ['forget', 3],
        ]);
        return odd === 'forget' ? { kind: 'forget', username: chance.of(USERS) } : { kind: odd, queue };
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
      insert_id: `e${chance.below(5)}`,
      timestamp: this.#time(),
      properties: isInvocation ? { invocation: { command }, ...result } : {},
    };
  }

  /** What happens once has one time, whoever reports it again. */
  #timeOfFact(number: number): string {
    const at = this.#hours[number % this.#hours.length] ?? this.#now;
    return new Date(Math.floor(at / HOUR) * HOUR + number * 1_000).toISOString();
  }

  #trusted(): RawEvent {
    const chance = this.#chance;
    const [number, username] = [chance.below(3), chance.of(USERS)];
    const timestamp = this.#timeOfFact(number);
    const made = (event: string, properties: Record<string, unknown>): RawEvent => ({
      event,
      distinct_id: 'a-server',
      insert_id: `t${chance.below(1_000_000)}`,
      timestamp,
      properties,
    });
    switch (
      chance.weighted([
        ['issue', 2],
        ['sign-in', 2],
        ['pull', 4],
        ['post', 2],
        ['award', 2],
        ['badge', 1],
      ])
    ) {
      case 'issue':
        return made('issue_created', { issue_id: `i${number}`, username });
      case 'sign-in':
        return { ...made('daily_sign_in', { username }), timestamp: `${timestamp.slice(0, 10)}T00:30:00.000Z` };
      case 'pull': {
        const [name, version] = [chance.of(NAMES), chance.of(VERSIONS)];
        const by = chance.happens(0.5) ? { username } : {};
        const pull = made('extension_pulled', { extension_name: name, version, ...by });
        return { ...pull, distinct_id: chance.of(DEVICES), timestamp: this.#timeOfFact(0) };
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
    const username = chance.of(USERS);
    const kind = chance.weighted([
      ['award', 5],
      ['badge', 2],
      ['reverse', 3],
      ['posts', 2],
    ]);
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
        properties: { post_id: `p${post}`, username: post === 2 ? chance.of(USERS) : username },
      }));
      return { kind: 'ingest', key: 'server', events };
    }
    return { kind, id: kind === 'award' ? `a${number}` : `b${number}`, username, points: this.#points() };
  }

  #registry(): Act {
    const chance = this.#chance;
    const [name, version] = [chance.of(NAMES), chance.of(VERSIONS)];
    const key = chance.of(['ada', 'bob', 'guild', 'guild'] as const);
    switch (
      chance.weighted([
        ['confirm', 10],
        ['yank', 3],
        ['unyank', 2],
        ['transfer', 1],
        ['members', 2],
      ])
    ) {
      case 'confirm':
        return { kind: 'confirm', key, name, version, hash: chance.happens(0.85) ? 'one' : 'two' };
      case 'yank':
        return { kind: 'yank', key: chance.happens(0.6) ? 'admin' : key, name, version };
      case 'unyank':
        return { kind: 'unyank', key: 'admin', name, version };
      case 'transfer':
        return { kind: 'transfer', key: 'admin', name, to: chance.of(['ada', 'bob', 'guild']) };
      case 'members':
        return { kind: 'members', members: chance.of([['ada'], ['ada', 'bob'], ['bob', 'cy'], ['ada', 'bob', 'cy']]) };
    }
  }

  #backfill(): Act {
    const chance = this.#chance;
    const today = new Date(this.#now).toISOString().slice(0, 10);
    const event = chance.weighted([
      ['all', this.#hasRollups ? 1 : 4],
      ['usernames', 3],
      ['stale', 2],
      ['metrics', this.#hasRollups ? 4 : 0],
    ]);
    const events = {
      all: { mode: 'all' },
      usernames: { mode: 'all', usernames: [chance.of(USERS), chance.of(USERS)] },
      stale: { mode: 'stale' },
      metrics: { mode: 'metrics', from: today, to: today },
    };
    return { kind: chance.happens(0.5) ? 'backfill' : 'scheduled', event: events[event] };
  }
}
