import type { Credential } from '../identity/credential.ts';
import { deviceIdOf } from './device-id.ts';
import type { AcceptableEvent } from './telemetry-event.ts';

/** How much one request may write. Source: the contract, "Requests in general". */
type WriteBudget = { readonly devices: number; readonly hours: number };

const BUDGETS = {
  anonymous: { devices: 10, hours: 100 },
  personal: { devices: 25, hours: 200 },
  collective: { devices: 25, hours: 200 },
  service: { devices: 500, hours: 500 },
  admin: { devices: 500, hours: 500 },
} as const satisfies Readonly<Record<Credential['kind'] | 'anonymous', WriteBudget>>;

/**
 * The rows that the pulls of one request may write: one for each pull and each credited member. Only pulls of
 * collectives' versions can reach this limit.
 */
export const MAX_PULL_ROWS = 2_000;

/** The versions that one import may record, and the accounts that they may count for. */
export const MAX_VERSIONS = 100;
const MAX_CREDITED = 500;

export type OverBudget = {
  readonly code: 'too_many_devices' | 'too_many_hours' | 'too_many_versions';
  readonly error: string;
};

export const tooManyVersions: OverBudget = {
  code: 'too_many_versions',
  error: `event: at most ${MAX_VERSIONS} versions, which count for at most ${MAX_CREDITED} accounts, in one request; send it in another request`,
};

/** Judges the versions of an import in the order sent, by the number of accounts that each counts for. */
export function spendVersions(): (credited: number) => OverBudget | undefined {
  let spent = 0;
  return (credited) => {
    if (spent + credited > MAX_CREDITED) return tooManyVersions;
    spent += credited;
    return undefined;
  };
}

/**
 * Judges a request's events in the order sent: undefined for one that the budget covers. Each device and each
 * device-hour costs writes of its own; an account that a server reports for is the device of its reports.
 */
export function spend(
  credential: Pick<Credential, 'kind'> | undefined,
): (event: AcceptableEvent) => OverBudget | undefined {
  const budget: WriteBudget = BUDGETS[credential?.kind ?? 'anonymous'];
  const devices = new Set<string>();
  const hours = new Set<string>();
  return (event) => {
    const device = deviceOf(event);
    const hour = `${event.type === 'telemetry' ? event.hour : ''} ${device}`;
    if (!devices.has(device) && devices.size === budget.devices) {
      return {
        code: 'too_many_devices',
        error: `distinct_id: at most ${budget.devices} devices or usernames in one request; send it in another request`,
      };
    }
    if (!hours.has(hour) && hours.size === budget.hours) {
      const what = `timestamp: at most ${budget.hours} hours of devices in one request`;
      return { code: 'too_many_hours', error: `${what}; send it in another request` };
    }
    devices.add(device);
    hours.add(hour);
    return undefined;
  };
}

function deviceOf(event: AcceptableEvent): string {
  // Each account that an import names on a device is bound or linked to it.
  if (event.type === 'telemetry' && event.sentBy !== null) return `${deviceIdOf(event.distinctId)} ${event.sentBy}`;
  const username = event.type === 'telemetry' ? event.reportedFor : (event.report.username ?? null);
  return username === null ? deviceIdOf(event.distinctId) : `~${username}`;
}
