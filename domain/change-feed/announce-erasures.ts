import type { EraseRequested } from '../identity/erase.message.ts';
import type { CommittedChange } from './committed-change.ts';

/** Queues the job that removes all that is stored of an account, for each that was erased. */
export async function announceErasures(
  { requestErasures }: { readonly requestErasures: (requests: readonly EraseRequested[]) => Promise<void> },
  changes: readonly CommittedChange[],
): Promise<void> {
  const accounts = changes.flatMap(({ change }) => (change.kind === 'account-erased' ? [change.username] : []));
  if (accounts.length > 0) await requestErasures([...new Set(accounts)].map((account) => ({ account })));
}
