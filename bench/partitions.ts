import { AccountId } from '../domain/identity/account.ts';
import { shardOf } from '../domain/shared/shard.ts';
import { hourPlaceOf } from '../functions/adapters/dynamodb/shared/hour-index.ts';
import { userPk } from '../functions/adapters/dynamodb/shared/item.ts';
import { SCORE_SHARDS, scoreShardOf } from '../functions/adapters/dynamodb/scoring/score.items.ts';
import { devicePk } from '../functions/adapters/dynamodb/telemetry/telemetry.items.ts';
import { uuidOf } from './events.ts';
import { cost, type Measurements } from './measurements.ts';

/**
 * A model of DynamoDB's partitions. It replays an hour of lone events through the functions that make keys, and finds
 * the busiest second of each kind of key. Nothing is stored, so it does not depend on an engine.
 */
const EVENTS_A_SECOND = 5_000;
const SECONDS = 3_600;
const USERS = 100_000;
/** Every third user has a second device. */
const DEVICES_OF_THREE = 4;
/** The share of all events that one user sends in a script's loop, from one device. */
const HOTTEST_PART = 0.1;
/** Changes of a user within it lead to one refresh. */
const COALESCED_SECONDS = 4;
/** A refresh puts METRICS and SCORE, about 2 KB together. */
const UNITS_OF_REFRESH = 3;
/** DynamoDB's limits for one partition key. */
const WRITES_OF_A_KEY = 1_000;
const READS_OF_A_KEY = 3_000;
/** One query reads at most 1 MB, and a key is read page by page: about 20 a second. */
const UNITS_OF_A_PAGE = 128;
const PAGES_A_SECOND = 20;
/** Keys and attributes of an entry of the index by hour. */
const ENTRY_BYTES = 130;
const BYTES_OF_A_UNIT = 8_192;

const HOUR = '2026-08-21T12';

/** The same numbers in [0, 1) in each run. */
function numbers(): () => number {
  let state = 7;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** The busiest second of each key, in units. */
class Busiest {
  readonly #units: Float64Array;
  readonly #seconds: Int32Array;
  most = 0;
  total = 0;

  constructor(keys: number) {
    this.#units = new Float64Array(keys);
    this.#seconds = new Int32Array(keys).fill(-1);
  }

  add(key: number, second: number, units: number): void {
    if (this.#seconds[key] !== second) {
      this.#seconds[key] = second;
      this.#units[key] = 0;
    }
    const now = (this.#units[key] ?? 0) + units;
    this.#units[key] = now;
    this.total += units;
    if (now > this.most) this.most = now;
  }
}

/** Numbers texts in the order in which they come. */
function numbering() {
  const known = new Map<string, number>();
  return {
    of(text: string): number {
      const number = known.get(text) ?? known.size;
      known.set(text, number);
      return number;
    },
    count: () => known.size,
  };
}

type Places = { readonly device: Int32Array; readonly dayShard: Int32Array };

/** Replays the hour: each device begins it with its first event, most of them in the first seconds. */
function replay() {
  const keys = { devices: numbering(), days: numbering(), users: numbering(), shards: numbering() };
  const devices = Math.floor((USERS * DEVICES_OF_THREE) / 3);
  const places: Places = { device: new Int32Array(devices), dayShard: new Int32Array(devices) };
  for (let n = 0; n < devices; n += 1) {
    const id = uuidOf(`device-${n}`);
    places.device[n] = keys.devices.of(devicePk(id));
    places.dayShard[n] = keys.days.of(hourPlaceOf(HOUR, id).dayShard);
  }
  const user = new Int32Array(USERS);
  const scoreShard = new Int32Array(USERS);
  for (let n = 0; n < USERS; n += 1) {
    const account = AccountId.parse(
      `acc_${n
        .toString(26)
        .replaceAll(/\d/gu, (digit) => 'qrstuvwxyz'[Number(digit)] ?? '')
        .padStart(16, 'a')}`,
    );
    user[n] = keys.users.of(userPk(account));
    scoreShard[n] = keys.shards.of(scoreShardOf(shardOf(account, SCORE_SHARDS)));
  }

  const busiest = {
    devices: new Busiest(keys.devices.count()),
    byHour: new Busiest(keys.days.count()),
    users: new Busiest(keys.users.count()),
    byShard: new Busiest(keys.shards.count()),
  };
  const seen = new Uint8Array(devices);
  const refreshedAt = new Int32Array(USERS).fill(-COALESCED_SECONDS);
  const random = numbers();
  let entries = 0;
  for (let second = 0; second < SECONDS; second += 1) {
    for (let n = 0; n < EVENTS_A_SECOND; n += 1) {
      const isHottest = random() < HOTTEST_PART;
      const device = isHottest ? 0 : Math.floor(random() * devices);
      const owner = device % USERS;
      busiest.devices.add(places.device[device] ?? 0, second, 1); // the chunk
      if (seen[device] === 0) {
        seen[device] = 1;
        entries += 2;
        busiest.devices.add(places.device[device] ?? 0, second, 1); // the device itself
        busiest.byHour.add(places.dayShard[device] ?? 0, second, 2); // an entry of each
      }
      if (second - (refreshedAt[owner] ?? 0) < COALESCED_SECONDS) continue;
      refreshedAt[owner] = second;
      busiest.users.add(user[owner] ?? 0, second, UNITS_OF_REFRESH);
      busiest.byShard.add(scoreShard[owner] ?? 0, second, 1);
    }
  }
  return { busiest, keys, entries };
}

/** The busiest keys at 5,000 events a second, and what of them reaches a limit first. */
export const measurePartitions = (): Promise<Measurements> => {
  const { busiest, keys, entries } = replay();
  const what = `an hour of ${EVENTS_A_SECOND.toLocaleString('en')} events a second`;
  const writes = (name: string, { most }: Busiest) =>
    cost(`${what}, busiest key: ${name}`, 'WRU/s', most, { budget: WRITES_OF_A_KEY });
  const ofShard = (entries / keys.days.count()) * (ENTRY_BYTES / BYTES_OF_A_UNIT);
  const readsOfPages = (units: number) => Math.min(units, UNITS_OF_A_PAGE * PAGES_A_SECOND);
  return Promise.resolve({
    costs: [
      writes('a device', busiest.devices),
      writes('the index by hour', busiest.byHour),
      writes('an account', busiest.users),
      writes('the index of scores', busiest.byShard),
      cost(`${what}, a fold of it, busiest key of the index by hour`, 'RRU/s', readsOfPages(ofShard), {
        budget: READS_OF_A_KEY,
      }),
      cost('a build of boards, busiest key of the index of scores', 'RRU/s', readsOfPages(Infinity), {
        budget: READS_OF_A_KEY,
      }),
      cost(`${what}, refreshes`, 'a second', busiest.byShard.total / SECONDS),
      cost(
        'refreshes that the index of scores takes',
        'a second',
        (WRITES_OF_A_KEY * (busiest.byShard.total / SECONDS)) / busiest.byShard.most,
      ),
      cost('devices that may begin an hour in the same second', 'devices', (WRITES_OF_A_KEY * keys.days.count()) / 2),
    ],
    ratios: [],
  });
};
