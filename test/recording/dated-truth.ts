import type { DatedFacts } from '../../proof/model/scoring.ts';
import { eventsOf, isTaken, requests } from './recording.ts';

/** Read from the recording alone, with nothing of the code under test: what counts for each user, each with its date. */
type Sent = { readonly key: string | null; readonly device: string; readonly hour: string; readonly id: string } & {
  readonly command: string;
  readonly isSuccess: boolean;
};
const sent = requests.filter(isTaken).flatMap((request) =>
  eventsOf(request).map(({ distinct_id, insert_id, properties }): Sent => {
    const { startedAt, invocation, result } = properties;
    const isSuccess = result === undefined || result.status === 'success';
    return {
      key: request.key,
      device: distinct_id,
      hour: startedAt.slice(0, 13),
      id: insert_id,
      command: invocation.command,
      isSuccess,
    };
  }),
);

/** Of a device, whose first key with it owns it; of an event, the first key it ever came with. */
function firstKeys(of: (one: Sent) => string): ReadonlyMap<string, string> {
  const keys = new Map<string, string>();
  for (const one of sent) if (one.key !== null && !keys.has(of(one))) keys.set(of(one), one.key);
  return keys;
}
const placeOf = ({ device, hour, id }: Sent) => `${device} ${hour} ${id}`;
const [owners, senders] = [firstKeys(({ device }) => device), firstKeys(placeOf)];

/** What the score of each date is made of. `dateOf` moves a date of the recording. */
export function datedFactsOf(username: string, dateOf = (date: string) => date): DatedFacts {
  const mine = sent.filter((one) => (senders.get(placeOf(one)) ?? owners.get(one.device)) === username);
  const events = [...Map.groupBy(mine, ({ hour, id }) => `${hour} ${id}`).values()].map((copies) => {
    const keyed = copies.filter((one) => senders.has(placeOf(one)));
    const standing = (keyed.length > 0 ? keyed : copies).reduce((a, b) => (b.device < a.device ? b : a));
    const command = standing.isSuccess ? standing.command : null;
    return { date: dateOf(standing.hour.slice(0, 10)), command, isActive: true };
  });
  return { events, issues: [], signIns: [], versions: [], pulls: [], lines: [] };
}

/** The date of a user's first event. */
export const firstDateOf = ({ events }: DatedFacts): string =>
  events.map(({ date }) => date).reduce((a, b) => (b < a ? b : a));
