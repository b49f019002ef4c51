import { noFacts } from '../domain/metrics/community-hour.ts';
import { hourFolder } from '../domain/metrics/hour-fold.ts';
import { nextFoldOf } from '../domain/metrics/refold-times.ts';
import { AccountId } from '../domain/identity/account.ts';
import type { NewSorter } from '../domain/shared/sorter.port.ts';
import { dateOfHour, isoOf, MILLISECONDS_PER_HOUR, startOfHour } from '../domain/shared/utc.ts';
import { diskSorter } from '../functions/adapters/disk/external-sorter.ts';
import { sha256 } from '../functions/runtime/environment.ts';
import { BATCH, uuidOf } from './events.ts';
import { cost, median, ratioAtMost, type Measurements } from './measurements.ts';
import type { Sizes } from './sizes.ts';

/** 5,000 events a second. */
const LARGEST_HOUR = 18_000_000;
const MILLION = 1e6;
const GB = 1e9;
const COMMANDS = ['model', 'workflow', 'data', 'extension', 'repo'] as const;
/** An account sends from two devices, each with some chunks in an hour. */
const CHUNKS_OF_A_DEVICE = 4;
const DEVICES_OF_AN_ACCOUNT = 2;
const CHUNKS_AT_A_TIME = 40;
/** The disk of `roll-up-metrics`, in MiB. */
const DISK_MEGABYTES = 9_562;
/** Sorters hold 50,000 lines each: of events, and of the members of three metrics. */
const HELD_BUDGET = 4 * 50_000;
/** Linear: twice the events may take a tenth more than twice the work. */
const CPU_WITHIN = 2.2;

/** What the sorters of one fold hold and write. */
function countedSorters() {
  const counts = { held: 0, mostHeld: 0, bytes: 0 };
  const newSorter: NewSorter = (how) => {
    const sorter = diskSorter()({
      ...how,
      pack(item) {
        const line = how.pack(item);
        counts.held -= 1;
        counts.bytes += Buffer.byteLength(line) + 1;
        return line;
      },
    });
    return {
      ...sorter,
      add(item) {
        sorter.add(item);
        counts.held += 1;
        counts.mostHeld = Math.max(counts.mostHeld, counts.held);
      },
    };
  };
  return { counts, newSorter };
}

function* piecesOf(events: number) {
  for (let chunk = 0; chunk * BATCH < events; chunk += CHUNKS_AT_A_TIME) {
    yield Array.from({ length: CHUNKS_AT_A_TIME }, (_, place) => {
      const device = Math.floor((chunk + place) / CHUNKS_OF_A_DEVICE);
      const sender = AccountId.parse(`user-${Math.floor(device / DEVICES_OF_AN_ACCOUNT)}`);
      const ofChunk = Array.from({ length: BATCH }, (_event, n) => {
        const kind = { event: 'cli_invocation', command: COMMANDS[n % COMMANDS.length] ?? 'model', success: true };
        return { id: sha256(`${chunk + place}/${n}`).slice(0, 16), kind, sender };
      });
      return { deviceId: uuidOf(`device-${device}`), events: ofChunk };
    });
  }
}

/** Folds an hour. The time that its events take to be made is left out. */
export function measureFold(events: number) {
  const { counts, newSorter } = countedSorters();
  const folder = hourFolder({ sha256, newSorter });
  let cpu = 0;
  const timed = <Value>(work: () => Value): Value => {
    const before = process.cpuUsage();
    const value = work();
    const { user, system } = process.cpuUsage(before);
    cpu += (user + system) / MILLION;
    return value;
  };
  try {
    for (const devices of piecesOf(events)) timed(() => folder.add({ ...noFacts, devices }));
    const { tallies } = timed(() => folder.fold());
    const counted = tallies.find(({ series }) => series.metric === 'CLI_INVOCATION' && series.scope === 'community');
    if (Number(counted?.tally.eventCount) !== events) throw new Error('the fold is wrong');
    return { ...counts, cpu };
  } finally {
    folder.close();
  }
}

export type LargeHour = {
  /** Events, all with the same pace. */
  readonly events: number;
  readonly eventsOfAChunk: number;
  /** Devices and members of the whole day until now, who are written with every fold. */
  readonly membersOfDay: number;
  /** Each has a row of the day, which every fold writes. */
  readonly commands?: number;
};

/** What folding an hour takes. Times are of `timeouts.ts`, at 1,280 MB of memory, which is 0.72 of a processor. */
const OF_A_FOLD = {
  /** The requests of any fold. */
  seconds: 0.25,
  secondsAMillionEvents: 8.3,
  secondsAMillionChunks: 235,
  /** The index and its pages, eventually consistent, and each chunk, strongly consistent. */
  readUnitsAChunk: 1 + 0.5 * (200 / 4_096),
  bytesAMember: 11,
  /** The rows of the community, beside those of commands. */
  rows: 6,
  readUnitsARow: 0.4,
  /** With 24 hours it is above 1 KB, so two units and then four, in a transaction. */
  writeUnitsARow: 3,
  /** The shards of three indexes, each half a unit, and the guard. */
  readUnits: 3 * 16 * 0.5 + 2,
  /** The guard and the totals. */
  writeUnits: 8,
  writeUnitsASecond: 900,
} as const;
const MEMORY_GB = 1.25;
const MINUTE_MS = 60_000;
const HOUR = '2026-08-21T12';

/** What the roll-ups of one full hour cost: it is folded as often as one tenth of the time allows, and once after its end. */
function hourOfRollUps({ events, eventsOfAChunk, membersOfDay, commands = 10 }: LargeHour) {
  const used = { folds: 0, readUnits: 0, writeUnits: 0, gbSeconds: 0 };
  const rows = OF_A_FOLD.rows + commands;
  const setKilobytes = (membersOfDay * OF_A_FOLD.bytesAMember) / 1_024;
  const start = Date.parse(startOfHour(HOUR));
  for (let at = start + MINUTE_MS; ;) {
    const part = Math.min(1, (at - start) / MILLISECONDS_PER_HOUR);
    const chunks = (part * events) / eventsOfAChunk;
    const writeUnits = OF_A_FOLD.writeUnits + rows * OF_A_FOLD.writeUnitsARow + 2 * setKilobytes;
    const seconds =
      OF_A_FOLD.seconds +
      (part * events * OF_A_FOLD.secondsAMillionEvents + chunks * OF_A_FOLD.secondsAMillionChunks) / MILLION +
      writeUnits / OF_A_FOLD.writeUnitsASecond;
    used.folds += 1;
    used.readUnits += OF_A_FOLD.readUnits + rows * OF_A_FOLD.readUnitsARow;
    used.readUnits += chunks * OF_A_FOLD.readUnitsAChunk + setKilobytes / 4;
    used.writeUnits += writeUnits;
    used.gbSeconds += seconds * MEMORY_GB;
    if (part === 1) return used;
    const day = { date: dateOfHour(HOUR), series: new Map(), sets: new Map(), rolledUpAt: new Map([[12, isoOf(at)]]) };
    const tookMs = new Map([[12, Math.ceil(1_000 * seconds)]]);
    at = Math.max(at + MINUTE_MS, nextFoldOf({ ...day, tookMs }, HOUR, at + MINUTE_MS));
  }
}

/** Measures folds of large hours at two sizes, and tells what the largest hour takes. */
export async function measureLargeHours({
  largeHour,
  rounds: times,
}: Pick<Sizes, 'largeHour' | 'rounds'>): Promise<Measurements> {
  measureFold(largeHour / 10); // compiled before anything is timed
  const rounds = Array.from({ length: times }, () => [measureFold(largeHour), measureFold(2 * largeHour)] as const);
  const best = (size: 0 | 1) => Math.min(...rounds.map((round) => round[size].cpu)); // other work makes folds slower
  const twice = median(rounds.map(([few, many]) => many.cpu / few.cpu)); // one after the other
  const [two] = rounds.map(([, each]) => each);
  const [one] = rounds.map(([each]) => each);
  if (one === undefined || two === undefined) throw new Error('nothing was measured');
  const bytesAnEvent = (two.bytes - one.bytes) / largeHour;
  const hour = `an hour of ${LARGEST_HOUR / MILLION} million events`;
  const used = hourOfRollUps({ events: LARGEST_HOUR, eventsOfAChunk: BATCH, membersOfDay: MILLION });
  return {
    costs: [
      cost('fold of an hour, lines held in memory', 'lines', two.mostHeld, { budget: HELD_BUDGET }),
      cost('fold of an hour, CPU of a million events', 's', (MILLION * best(1)) / (2 * largeHour)),
      cost(`${hour}, on disk`, 'GB', (bytesAnEvent * LARGEST_HOUR) / GB, {
        budget: (DISK_MEGABYTES * 1_024 ** 2) / GB,
      }),
      cost(`roll-ups of ${hour}, a million members a day`, 'folds', used.folds),
      cost(`roll-ups of ${hour}, a million members a day`, 'RRU', used.readUnits),
      cost(`roll-ups of ${hour}, a million members a day`, 'WRU', used.writeUnits),
      cost(`roll-ups of ${hour}, a million members a day`, 'GB-seconds', used.gbSeconds),
    ],
    ratios: [ratioAtMost('fold of an hour, CPU, twice the events', twice, CPU_WITHIN)],
  };
}
