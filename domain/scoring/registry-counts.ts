import type { Username } from '../identity/username.ts';
import { devicePuller, userPuller } from '../registry/record-pull.ts';
import type { RegistryCounts, UserRegistry } from '../registry/user-registry.port.ts';
import type { DeviceLink } from '../telemetry/user-telemetry.port.ts';
import type { ReportRules, ScoringRules } from '../rules/scoring-rules.ts';

/** One more than the cap pays for: who reads the count sees that the cap took something away. */
const mostCounted = ({ points, cap }: ReportRules): number => Math.ceil(cap / points) + 1;

/**
 * Counts what the registry holds of a user, no further than the caps reach: popularity makes no refresh dearer.
 *
 * `before` is what an earlier count found under the same devices. Pulls are only ever added to it, so where it had reached
 * the end there is nothing to read.
 */
export async function countRegistry(
  registry: UserRegistry,
  username: Username,
  {
    links,
    before,
    rules: { publishes, pulls },
  }: {
    readonly links: readonly DeviceLink[];
    readonly before: RegistryCounts | null;
    readonly rules: Pick<ScoringRules, 'publishes' | 'pulls'>;
  },
): Promise<RegistryCounts> {
  const own = new Set([
    userPuller(username),
    ...links.filter(({ owned }) => owned).map(({ deviceId }) => devicePuller(deviceId)),
  ]);
  const mostPulls = mostCounted(pulls);
  const isFull = before !== null && before.pulls >= mostPulls;
  return {
    publishes: await registry.countPublishes(username, mostCounted(publishes)),
    pulls: isFull ? before.pulls : await registry.countPulls(username, (puller) => own.has(puller), mostPulls),
  };
}
