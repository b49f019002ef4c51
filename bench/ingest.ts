import * as z from 'zod';
import { meterCapacity } from './capacity-meter.ts';
import { withEngine } from './engine.ts';
import { BATCH, eventsOf, ingestRequest } from './events.ts';
import { cost, type Measurements } from './measurements.ts';
import type { Sizes } from './sizes.ts';
import { ingestHandler, personalKey, type IngestHandler } from './wiring.ts';

const NOW = '2026-08-21T12:30:00.000Z';
const EARLIER_HOUR = '2026-08-21T11:30:00.000Z';
const DEVICE = 'laptop';

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

    // The budget is for 40 batches: one write unit each, and 0.75 for everything else.
    const path = `ingest, ${(ingestBatches * BATCH).toLocaleString('en')} events of one device-hour in batches of 25`;
    return {
      costs: [
        cost(path, 'WRU', usual.writeUnits, { budget: ingestBatches * 1.75, floor: ingestBatches }),
        cost(path, 'RRU', usual.readUnits),
        cost(path, 'transactions', usual.transactions, { budget: 0 }),
        cost('ingest, first batch of a new device', 'WRU', firstContact.writeUnits),
      ],
      ratios: [],
    };
  });
