import type { AccountId } from '../domain/identity/account.ts';
import { refreshScore } from '../domain/scoring/refresh-score.ts';
import { addDays, dateOf } from '../domain/shared/utc.ts';
import type { DeviceHour } from '../domain/telemetry/device-hour.ts';
import { sha256 } from '../functions/runtime/environment.ts';
import { BATCH, USUAL_COMMANDS } from './events.ts';
import { refreshDeps, type Surroundings } from './wiring.ts';

const HOURS = ['09', '10', '11', '12'] as const;

/** What a device sent on a date: a usual user's 25 events in four hours. */
const hoursOf = (deviceId: string, date: string, sender: AccountId): readonly DeviceHour[] =>
  HOURS.map((hour, place) => ({
    deviceId,
    hour: `${date}T${hour}`,
    events: Array.from({ length: BATCH }, (_, number) => number)
      .filter((number) => number % HOURS.length === place)
      .map((number) => ({
        id: sha256(`${deviceId}/${date}/${number}`).slice(0, 16),
        kind: {
          event: 'cli_invocation',
          command: USUAL_COMMANDS[number % USUAL_COMMANDS.length] ?? 'model',
          success: number % 10 !== 9,
        },
        sender,
      })),
  }));

/**
 * Saves what `activeDays` days until yesterday make of an account: metrics, score, and the badges of its tiers. The
 * events themselves are not stored. Refreshes of today carry on what is saved and never read them.
 */
export async function matureAccount(
  surroundings: Surroundings,
  account: AccountId,
  { deviceId, activeDays }: { readonly deviceId: string; readonly activeDays: number },
): Promise<void> {
  const today = dateOf(surroundings.clock());
  const deps = refreshDeps(surroundings);
  const telemetry = {
    ...deps.telemetry,
    async *hoursOf() {
      for (let back = activeDays; back > 0; back -= 1) yield* hoursOf(deviceId, addDays(today, -back), account);
    },
  };
  const outcome = await refreshScore({ ...deps, telemetry }, { username: account, days: null });
  if (outcome !== 'saved') throw new Error(`a mature account: ${outcome}`);
}
