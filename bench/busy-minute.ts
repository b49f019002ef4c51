import { buildBoards } from '../domain/leaderboards/build-boards.ts';
import { LAYOUT } from '../domain/leaderboards/layout.ts';
import { minutesBetweenBuilds } from '../domain/leaderboards/rank-on-request.ts';
import { rollUpDay, sampleGauges } from '../domain/metrics/roll-up.ts';
import { countWeeksOf } from '../domain/metrics/weeks.ts';
import { dateOfHour, hourOf } from '../domain/shared/utc.ts';
import { diskSorter } from '../functions/adapters/disk/external-sorter.ts';
import { dynamoLeaderboardStore } from '../functions/adapters/dynamodb/leaderboards/leaderboard-store.ts';
import { dynamoStandings } from '../functions/adapters/dynamodb/leaderboards/standings.ts';
import { chunkItem } from '../functions/adapters/dynamodb/telemetry/telemetry.items.ts';
import { sha256 } from '../functions/runtime/environment.ts';
import { gbSecondsOfOne, nothingUsed, scaled, together, waitsOf, type Consumption } from './bill.ts';
import { meterCapacity } from './capacity-meter.ts';
import type { BenchEngine } from './engine.ts';
import { USUAL_COMMANDS, uuidOf } from './events.ts';
import { putAll } from './put-all.ts';
import { countedNames, saveScores, simulatedName, simulatedScore } from './simulated-scores.ts';
import { rollUpDeps } from './wiring.ts';

/** Far in the future, because the engine deletes items that are expired by the machine's clock. */
const NOW = Date.parse('2126-08-21T12:30:00.000Z');
const HOUR = hourOf(NOW);
const MINUTE_MS = 60_000;
const EVENTS_OF_A_CHUNK = 50;
const MINUTES_OF_AN_HOUR = 60;
/** So many accounts more, and the gauges are sampled a minute later. */
const MEMBERS_A_MINUTE = 1_000;
const MEMORY_MB = { rollUp: 1_280, boards: 1_769 };
/** Runs until the code is warm, with an event a second. With more events, one run repeats the code more often. */
const WARM_RUNS = 20;
/** Of one message: to send, receive and delete it. */
const REQUESTS_OF_A_MESSAGE = 3;

/** What sends the events. */
export type Community = {
  readonly eventsASecond: number;
  /** Those who send at the moment, each from a device. */
  readonly active: number;
  /** All who have a score. */
  readonly accounts: number;
};

/** The chunks of a device with the numbers `from` to `to`, as ingest writes them. */
const chunksOf = (device: number, from: number, to: number) =>
  Array.from({ length: to - from }, (_, place) => {
    const index = from + place;
    const events = Array.from({ length: EVENTS_OF_A_CHUNK }, (_event, number) => ({
      id: sha256(`${device}/${index}/${number}`).slice(0, 16),
      kind: {
        event: 'cli_invocation',
        command: USUAL_COMMANDS[number % USUAL_COMMANDS.length] ?? 'model',
        success: number % 10 !== 9,
      },
      sender: simulatedName(device),
    }));
    return chunkItem(uuidOf(`device-${device}`), HOUR, { index, revision: 0, closed: true, events }, 'AAAAAAAA');
  });

/**
 * Counts what a community pays a minute beside the way of each event: a roll-up of the hour, which is half full, as it
 * is on average, and a build of the boards. All who are active have sent and have another score since the last ones.
 */
export async function measureMinute(engine: BenchEngine, community: Community): Promise<Consumption> {
  const { eventsASecond, active, accounts } = community;
  const tables = await engine.createTables();
  const client = engine.client();
  let now = NOW;
  const clock = () => now;
  const rollUp = rollUpDeps({ client, tables, clock });
  const names = countedNames();
  const boards = {
    accounts: names.names,
    standings: dynamoStandings(client, tables('user_scores')),
    store: dynamoLeaderboardStore(client, tables('leaderboards'), sha256),
    newSorter: diskSorter(),
    clock,
    sha256,
  };
  const meter = meterCapacity(client);
  const used = async (memoryMb: number, work: () => Promise<unknown>): Promise<Consumption> => {
    const begun = process.cpuUsage();
    const { readUnits, writeUnits, spans } = await meter.during(work);
    const { user, system } = process.cpuUsage(begun);
    const gbSeconds = gbSecondsOfOne({ memoryMb, cpuMs: (user + system) / 1_000, waits: waitsOf(spans) });
    return { ...nothingUsed, readUnits, writeUnits, gbSeconds };
  };
  const message = { ...nothingUsed, invocations: 1, queueRequests: REQUESTS_OF_A_MESSAGE };
  const rollUpOnce = () =>
    used(MEMORY_MB.rollUp, async () => {
      await rollUpDay(rollUp, dateOfHour(HOUR), [{ hour: HOUR }]);
      await countWeeksOf(rollUp, now);
    });
  const sampleOnce = () => used(MEMORY_MB.rollUp, () => sampleGauges(rollUp, { isForced: true }));
  const buildOnce = async (): Promise<Consumption> => {
    const before = names.units();
    const built = await used(MEMORY_MB.boards, () => buildBoards(boards));
    return { ...built, readUnits: built.readUnits + names.units() - before };
  };

  const filling = engine.client();
  const devices = Array.from({ length: active }, (_, device) => device);
  const chunks = Math.ceil((eventsASecond * 3_600) / 2 / active / EVENTS_OF_A_CHUNK);
  await putAll(
    filling,
    tables('telemetry'),
    devices.flatMap((device) => chunksOf(device, 0, chunks)),
  );
  const all = Array.from({ length: accounts }, (_, index) => index);
  await saveScores(filling, tables('user_scores'), all, (index) => simulatedScore(index, now));
  // A function that runs once a minute is warm.
  for (let run = 0; run < Math.max(1, WARM_RUNS / eventsASecond); run += 1) {
    await rollUpOnce();
    await sampleOnce();
    await buildOnce();
  }

  now += MINUTE_MS;
  await putAll(
    filling,
    tables('telemetry'),
    devices.flatMap((device) => chunksOf(device, chunks, chunks + 1)),
  );
  const rolledUp = await rollUpOnce();
  const samplesAMinute = 1 / Math.min(MINUTES_OF_AN_HOUR, Math.ceil(accounts / MEMBERS_A_MINUTE));
  const sampled = scaled(await sampleOnce(), samplesAMinute);
  // Others move each minute, until a build has to write what the builds before it left out.
  const between = Math.max(1, minutesBetweenBuilds(accounts));
  const moving = active * between;
  const builds = Math.floor(LAYOUT.changes / moving) + 1;
  const step = Math.floor(accounts / moving);
  let built = nothingUsed;
  for (let build = 0; build < builds; build += 1) {
    now += between * MINUTE_MS;
    const moved = all.filter((index) => index % step === build % step).slice(0, moving);
    await saveScores(filling, tables('user_scores'), moved, (index) => simulatedScore(index, now, { changed: true }));
    built = together(built, await buildOnce());
  }
  const sentAgain = between > 1 ? [message] : []; // each minute's request for boards that are not due
  return [message, message, ...sentAgain, rolledUp, sampled, scaled(built, 1 / (builds * between))].reduce(together);
}
