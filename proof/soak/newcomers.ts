import type { Acts } from './steps.ts';
import type { Account } from './books.ts';

/** The actions of a user who comes, does one thing, and never comes back. */
export type Newcomer = {
  readonly needsKey: boolean;
  readonly first: (acts: Acts, account: Account) => Promise<unknown>;
  /** Done after a while: the only change of its kind, which no later one repairs. */
  readonly last?: (acts: Acts, account: Account, other: Account) => Promise<void>;
};

const keyless = (first: Newcomer['first'], last?: Newcomer['last']): Newcomer => ({
  needsKey: false,
  first,
  ...(last && { last }),
});
const keyed = (first: Newcomer['first'], last?: Newcomer['last']): Newcomer => ({
  ...keyless(first, last),
  needsKey: true,
});

const publishes: Newcomer['first'] = (acts, account) => acts.publish(account);

/** Each kind of announced change, as the only one or the last one of a user. */
export const NEWCOMERS: readonly Newcomer[] = [
  keyless((acts, account) => acts.award(account)),
  keyed((acts, account) => acts.telemetry(account, true)),
  keyless((acts, account) => acts.issue(account)),
  keyed(publishes),
  // The first event links them to the device, which is announced separately. The last one is only announced through its
  // sender.
  keyless(
    (acts, account) => acts.trustedEvent(account),
    (acts, account) => acts.trustedEvent(account),
  ),
  keyless((acts, account) => acts.badge(account)),
  keyed(
    async (acts, account) => {
      await acts.telemetry(account, true, 1);
      await acts.telemetry(account, false);
    },
    (acts, account) => acts.unbind(account),
  ),
  keyless((acts, account) => acts.feedPost(account)),
  keyed(publishes, async (acts, { versions: [version] }, other) => {
    if (version !== undefined) await acts.pull(version, other.username);
  }),
  keyless(
    (acts, account) => acts.award(account),
    (acts, account) => acts.reverse(account),
  ),
  keyed(publishes, async (acts, { versions: [version] }) => {
    if (version !== undefined) await acts.yank(version);
  }),
  keyed(
    (acts, account) => acts.telemetry(account, false),
    async (acts, account) => {
      await acts.telemetry(account, true, 1);
    },
  ),
  // The owner is not the sender: only the device determines the owner of the last events.
  keyed(
    (acts, account) => acts.telemetry(account, true, 1),
    async (acts, account) => {
      await acts.telemetry(account, false);
    },
  ),
];
