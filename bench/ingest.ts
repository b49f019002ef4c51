import * as z from 'zod';
import { AccountId } from '../domain/identity/account.ts';
import { hourOf } from '../domain/shared/utc.ts';
import { chunkItem } from '../functions/adapters/dynamodb/telemetry/telemetry.items.ts';
import { sha256 } from '../functions/runtime/environment.ts';
import { meterCapacity } from './capacity-meter.ts';
import { withEngine } from './engine.ts';
import { BATCH, eventsOf, ingestRequest, uuidOf } from './events.ts';
import { cost, type Measurements } from './measurements.ts';
import { putAll } from './put-all.ts';
import type { Sizes } from './sizes.ts';
import { ingestHandler, personalKey, type IngestHandler } from './wiring.ts';

const NOW = '2026-08-21T12:30:00.000Z';
const EARLIER_HOUR = '2026-08-21T11:30:00.000Z';
const DEVICE = 'laptop';

const HOT_DEVICE = 'robot';
const HOT_EVENTS = 10_000;
const EVENTS_OF_A_CHUNK = 50;

/** The closed chunks of a device-hour that is as busy as no person is. */
const hotChunks = () =>
  Array.from({ length: HOT_EVENTS / EVENTS_OF_A_CHUNK }, (_, index) => {
    const kind = { event: 'cli_invocation', command: 'model', success: true };
    const events = Array.from({ length: EVENTS_OF_A_CHUNK }, (_event, number) => ({
      id: sha256(`${index}/${number}`).slice(0, 16),
      kind,
      sender: AccountId.parse('ada'),
    }));
    return chunkItem(
      uuidOf(HOT_DEVICE),
      hourOf(Date.parse(NOW)),
      { index, revision: 0, closed: true, events },
      'AAAAAAAA',
    );
  });

const Accepted = z.object({ accepted: z.int() });

type Answer = Awaited<ReturnType<IngestHandler>>;

/** Checks that all events of a request were new, because a refusal would be the cheapest path. */
export function assertAllNew({ statusCode, body }: Answer, count: number): void {
  const isStored = statusCode === 202 && Accepted.parse(JSON.parse(body)).accepted === count;
  if (!isStored) throw new Error(`${count} new events were answered ${statusCode} ${body}`);
}

export async function sendNew(handler: IngestHandler, key: string, events: readonly object[]): Promise<void> {
  assertAllNew(await handler(ingestRequest(events, key)), events.length);
}

/** Measures the cost of storing the events of one busy device-hour. Floor: one write per batch. */
export const measureIngest = ({ ingestBatches }: Pick<Sizes, 'ingestBatches'>): Promise<Measurements> =>
  withEngine(async (engine) => {
    const surroundings = {
      client: engine.client(),
      tables: await engine.createTables(),
      clock: () => Date.parse(NOW),
    };
    const key = await personalKey(surroundings, 'ada');
    const meter = meterCapacity(surroundings.client);
    const handler = ingestHandler(surroundings);

    const firstContact = await meter.during(() => sendNew(handler, key, eventsOf(DEVICE, EARLIER_HOUR, 0)));
    const usual = await meter.during(async () => {
      for (let batch = 1; batch <= ingestBatches; batch += 1) {
        await sendNew(handler, key, eventsOf(DEVICE, NOW, batch * BATCH));
      }
    });

    const ofHot = async (number: number) =>
      meter.during(() => sendNew(hotHandler, key, eventsOf(HOT_DEVICE, NOW, HOT_EVENTS + number, 1)));
    await putAll(engine.client(), surroundings.tables('telemetry'), hotChunks());
    const hotHandler = ingestHandler(surroundings);
    const [cold, warm] = [await ofHot(0), await ofHot(1)];
    const hot = `ingest, an event of a device-hour with ${HOT_EVENTS.toLocaleString('en')}`;

    // The budget is for 40 batches: one write unit each, and 0.75 for everything else.
    const path = `ingest, ${(ingestBatches * BATCH).toLocaleString('en')} events of one device-hour in batches of 25`;
    return {
      costs: [
        cost(path, 'WRU', usual.writeUnits, { budget: ingestBatches * 1.75, floor: ingestBatches }),
        cost(path, 'RRU', usual.readUnits),
        cost(path, 'transactions', usual.transactions, { budget: 0 }),
        cost('ingest, first batch of a new device', 'WRU', firstContact.writeUnits),
        cost(`${hot}, the first of an environment`, 'RRU', cold.readUnits, { budget: HOT_EVENTS / 500 }),
        cost(hot, 'RRU', warm.readUnits, { budget: 2, floor: 0.5 }), // the open chunk
        cost(hot, 'WRU', warm.writeUnits, { budget: 2, floor: 1 }),
      ],
      ratios: [],
    };
  });
