import type { Sleep } from '../../domain/shared/environment.ts';
import type { UserTelemetry } from '../../domain/telemetry/user-telemetry.port.ts';

/** Whether the rest of the invocation's time must be kept for its answer. */
export type IsTimeUp = () => boolean;

/** The work is not finished: its message comes again. */
export class OutOfTime extends Error {
  override readonly name = 'OutOfTime';
}

/**
 * The parts of a refresh that can take long, so that they stop once the time is up: reading facts, and trying again.
 */
export function stoppedInTime<Deps extends { readonly telemetry: UserTelemetry; readonly sleep: Sleep }>(
  deps: Deps,
  isTimeUp: IsTimeUp,
): Deps {
  const check = (): void => {
    if (isTimeUp()) throw new OutOfTime('the invocation is about to be cut off');
  };
  const { telemetry, sleep } = deps;
  return {
    ...deps,
    telemetry: {
      ...telemetry,
      async *hoursOf(deviceId, dates) {
        check();
        for await (const hour of telemetry.hoursOf(deviceId, dates)) {
          yield hour;
          check();
        }
      },
    },
    async sleep(milliseconds) {
      check();
      await sleep(milliseconds);
      check();
    },
  };
}
