import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

/**
 * Makes a community of any size: people who join over a year, use the tool, publish, pull, open issues, write posts and
 * get awards. The same seed makes the same community. Its events are as an import takes them.
 */
export type SampleSize = { readonly people: number; readonly days: number; readonly seed: number };
export type SampleCommunity = {
  /** The date of the last events. */
  readonly lastDay: string;
  readonly collectives: Readonly<Record<string, readonly string[]>>;
  /** Accounts that are on no board, by their own choice. */
  readonly hidden: readonly string[];
  /** A second account of somebody, and the account that shows it as part of itself. */
  readonly merged: readonly { readonly username: string; readonly into: string }[];
  readonly events: readonly object[];
};

const LAST_DAY = '2026-11-27';
const DAY_MS = 86_400_000;
const HOURS = ['08', '13', '19'] as const;
const RECENT_DAYS = 60;
const PLANTS =
  'alder ash aspen beech birch cedar cherry chestnut cypress elder elm fir hazel hemlock hickory holly hornbeam juniper larch laurelin linden locust maple mulberry oak olive palm pear pine plane plum poplar quince redwood rowan sequoia spruce sycamore tamarind teak walnut willow yew acacia aloe anise arnica aster azalea basil begonia bluebell borage bracken briar camellia caraway carnation catnip chervil chicory chive clover columbine comfrey coriander cornflower cosmos cowslip crocus cumin daffodil dahlia daisy dill edelweiss fennel fern feverfew foxglove freesia fuchsia gardenia garlic gentian ginger ginseng gorse heather hibiscus hyacinth hyssop iris ivy jasmine jonquil lavender lichen lilac lily lotus lovage lupin mallow marigold marjoram mint moss mustard myrtle nettle oleander orchid oregano oxalis pansy parsley peony petunia phlox poppy primrose privet rosemary rue saffron sage sedum senna sorrel tansy tarragon thistle thyme tulip valerian verbena vetch violet wisteria yarrow zinnia'.split(
    ' ',
  );
const COMMANDS = ['model', 'model', 'data', 'workflow', 'workflow', 'run', 'extension', 'repo', 'init', 'auth', 'help'];
const TOPICS = ['net', 'mail', 'audit', 'chart', 'cache', 'queue', 'forms', 'maps', 'diff', 'sync', 'lint', 'trace'];
const REASONS = [
  'Gave a talk at the meetup',
  'Wrote the guide for new members',
  'Helped through the long outage',
  'Reviewed the new release',
  'Organised the hack day',
  'Translated the handbook',
];
const ANSWERS = ['how to rotate keys', 'why a run is slow', 'which cache to use', 'how to share a model'];

/** A small generator of chance with a seed: mulberry32. */
function chanceOf(seed: number) {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  return { next, below, of: <Item>(items: readonly [Item, ...Item[]] | readonly Item[]) => items[below(items.length)] };
}

export function makeCommunity({ people, days, seed }: SampleSize): SampleCommunity {
  const chance = chanceOf(seed);
  const dateOf = (day: number) => new Date(Date.parse(LAST_DAY) - (days - 1 - day) * DAY_MS).toISOString().slice(0, 10);
  // A year of few hours: each one with facts costs a first start some time.
  const isOpen = Array.from({ length: days }, (_, day) => day >= days - RECENT_DAYS || chance.next() < 0.2);
  /** The day itself, or the next one with activity. */
  const openDay = (day: number) => Math.max(isOpen.indexOf(true, Math.max(0, day)), 0);
  const timeOf = (day: number) => {
    const part = (limit: number) => String(chance.below(limit)).padStart(2, '0');
    const hour = HOURS[day % HOURS.length];
    // Nobody has worked on the last day but just after midnight: it may have begun only now.
    return `${dateOf(day)}T${day === days - 1 ? '00' : hour}:${part(60)}:${part(60)}Z`;
  };
  const events: { readonly timestamp: string }[] = [];
  const add = (event: string, timestamp: string, properties: object, distinct_id = 'sample') => {
    const id = event === 'cli_invocation' ? { insert_id: `${events.length}` } : {};
    events.push({ ...{ event, distinct_id, timestamp }, ...id, ...{ properties } });
  };

  const members = PLANTS.slice(0, people).map((username, index) => {
    // The first tenth works nearly every day, the next third now and then, and the others come by.
    const cadence = index < people / 10 ? 0.35 : index < people / 2.3 ? 0.12 : 0.04;
    const joined = openDay(index < people / 10 ? chance.below(days / 6) : Math.floor(days * chance.next() ** 0.8 * 0.95));
    const stays = chance.next() < 0.7 ? days : joined + 20 + chance.below(days / 2);
    return { username, cadence, joined, left: Math.min(days, stays) };
  });
  const isMember = (day: number) => members.filter(({ joined, left }) => joined <= day && day < left);

  const returned = members[Math.floor(people / 9)];
  const firstAccount = `${returned?.username}-old`;
  for (const { username: name, cadence, joined, left } of members) {
    for (let day = joined; day < left; day += 1) {
      const username = name === returned?.username && day < joined + 45 ? firstAccount : name;
      const isQuiet = day % 7 > 4 ? 0.6 : 1;
      const isFirst = day === joined;
      if (!isFirst && (!isOpen[day] || chance.next() > cadence * isQuiet)) continue;
      const device = `${username}-${day > joined + 200 ? 'desk' : 'laptop'}`;
      for (let count = 1 + chance.below(9); count > 0; count -= 1) {
        const status = chance.next() < 0.9 ? 'success' : 'user_error';
        const invocation = { invocation: { command: chance.of(COMMANDS) }, result: { status } };
        add('cli_invocation', timeOf(day), { username, ...invocation }, device);
      }
      if (chance.next() < 0.25) add('daily_sign_in', timeOf(day), { username });
      if (chance.next() < 0.1) add('issue_created', timeOf(day), { username, issue_id: `${events.length}` });
      if (chance.next() < 0.06) add('feed_post_created', timeOf(day), { username, post_id: `sample-${events.length}` });
    }
  }

  const weavers = members.slice(2, 6);
  const publishers = [
    ...members.slice(0, Math.ceil(people / 7)).map(({ username, joined }) => ({ by: { username }, scope: username, joined })),
    { by: { collective: 'weavers' }, scope: 'weavers', joined: Math.max(...weavers.map(({ joined }) => joined)) },
  ];
  for (const { by, scope, joined } of publishers) {
    for (let extension = 1 + chance.below(2); extension > 0; extension -= 1) {
      const extension_name = `@${scope}/${chance.of(TOPICS)}-${extension}`;
      const published = new Set<number>();
      for (let versions = 1 + chance.below(6); versions > 0; versions -= 1) {
        published.add(openDay(Math.min(days - 1, joined + 3 + chance.below(Math.max(1, days - joined - 3)))));
      }
      for (const day of published) {
        const version = `${dateOf(day).replaceAll('-', '.')}.1`;
        add('extension_published', timeOf(day), { extension_name, version, ...by });
        for (let pulls = 1 + chance.below(8); pulls > 0; pulls -= 1) {
          const later = openDay(Math.min(days - 1, day + 1 + chance.below(Math.min(30, days - day))));
          const username = chance.of(isMember(later))?.username;
          if (username !== undefined && later > day) add('extension_pulled', timeOf(later), { extension_name, version, username });
        }
      }
    }
  }

  for (let day = 4; day < days; day += 1) {
    if (!isOpen[day]) continue;
    const active = isMember(day);
    const username = chance.of(active.filter(({ cadence }) => chance.next() < cadence * 4))?.username;
    if (username === undefined) continue;
    if (chance.next() < 0.3) {
      const points = 50 + 50 * chance.below(6);
      add('award', timeOf(day), { award_id: `sample-${day}`, username, points, reason: chance.of(REASONS), granted_by: 'the team' });
    }
    if (chance.next() < 0.7) {
      const reason = `Answer accepted: ${chance.of(ANSWERS)}`;
      add('award', timeOf(day), { award_id: `answer-${day}`, username, points: 15, reason, granted_by: 'the forum' });
    }
    if (chance.next() < 0.05) add('badge_granted', timeOf(day), { badge_id: 'mentor', username, points: 25, reason: 'Mentors newcomers' });
  }

  return {
    lastDay: LAST_DAY,
    collectives: { weavers: weavers.map(({ username }) => username) },
    merged: returned === undefined ? [] : [{ username: firstAccount, into: returned.username }],
    hidden: [members[7], members[Math.floor(people / 2)]].flatMap((member) => member?.username ?? []),
    events: events.sort((a, b) => (a.timestamp < b.timestamp ? -1 : 1)),
  };
}

/** Writes a sample as `npm start` reads it: the events that an import takes, and the rest beside them. */
export function writeSample(folder: string, { events, ...community }: SampleCommunity): void {
  mkdirSync(folder, { recursive: true });
  const lines = events.map((event) => `${JSON.stringify(event)}\n`).join('');
  writeFileSync(join(folder, 'community.ndjson.gz'), gzipSync(lines, { level: 9 }));
  writeFileSync(join(folder, 'community.json'), `${JSON.stringify(community, null, 2)}\n`);
}

if (import.meta.main) writeSample(import.meta.dirname, makeCommunity({ people: 120, days: 365, seed: 7 }));
