import type { RollUpRequested } from '../messages/roll-up.message.ts';
import type { Clock } from '../shared/environment.ts';
import type { UtcHour } from '../shared/utc.ts';
import { delayedAnnouncer } from './announce-later.ts';
import type { CommittedChange } from './committed-change.ts';

export type AnnounceHoursDeps = {
  /** Queues every request so that none is handled before `ROLL_UP_DELAY_SECONDS` are over, or throws. */
  readonly requestRollUps: (requests: readonly RollUpRequested[]) => Promise<void>;
  readonly clock: Clock;
};

/** A busy hour is rolled up once a minute, not once a change. */
export const ROLL_UP_DELAY_SECONDS = 60;

/** Makes the function that announces the hours that changes touch, each at most about once a minute. */
export function hourAnnouncer({ requestRollUps, clock }: AnnounceHoursDeps) {
  const announce = delayedAnnouncer<UtcHour>({
    request: (hours, changedBefore) => requestRollUps(hours.map((hour) => ({ hour, changedBefore }))),
    delaySeconds: ROLL_UP_DELAY_SECONDS,
    clock,
  });
  return (changes: readonly CommittedChange[]): Promise<void> =>
    announce(changes.flatMap(({ change }) => hoursOf(change)));
}

function hoursOf(change: CommittedChange['change']): readonly UtcHour[] {
  switch (change.kind) {
    case 'hour-changed':
      return [change.hour];
    case 'device-changed':
    case 'ledger-changed':
    case 'registry-changed':
    case 'extension-changed':
      return change.hours;
    case 'link-changed':
    case 'report-changed':
    case 'standing-changed':
    case 'profile-changed':
    case 'account-erased':
      return []; // nothing that a metric counts
  }
}
