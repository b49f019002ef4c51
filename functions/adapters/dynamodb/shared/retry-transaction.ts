import { TransactionCanceledException, TransactionConflictException } from '@aws-sdk/client-dynamodb';
import type { Random, Sleep } from '../../../../domain/shared/environment.ts';

/** Reasons that do not depend on the data: the same transaction may succeed a moment later. */
const PASSING_REASONS: ReadonlySet<string> = new Set([
  'TransactionConflict',
  'ThrottlingError',
  'ProvisionedThroughputExceeded',
  'RequestLimitExceeded',
]);
const MAX_TRIES = 12;

type Pauses = { readonly random: Random; readonly sleep: Sleep };
const pause = ({ random, sleep }: Pauses, attempt: number): Promise<void> =>
  sleep(random() * Math.min(500, 10 * 2 ** attempt));

/**
 * Sends one item's write until no transaction on that item is under way. DynamoDB refuses it while there is one, and
 * the SDK does not send it again.
 */
export async function sendBesideTransactions<Output>(deps: Pauses, send: () => Promise<Output>): Promise<Output> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await send();
    } catch (error) {
      if (!(error instanceof TransactionConflictException) || attempt === MAX_TRIES) throw error;
      await pause(deps, attempt);
    }
  }
}

/**
 * Why a transaction was cancelled: one code for each action, in their order; `None` if the action was not the cause.
 */
export const cancellationCodes = ({ CancellationReasons }: TransactionCanceledException): readonly string[] =>
  (CancellationReasons ?? []).map(({ Code }) => Code ?? 'None');

export const isPassingReason = (code: string): boolean => PASSING_REASONS.has(code);

export type TransactionOutcome =
  { readonly kind: 'committed' } | { readonly kind: 'refused'; readonly failed: readonly number[] };

/**
 * Sends a transaction until it is committed or one of its conditions refuses it.
 *
 * A cancelled transaction is not always a refusal, and the SDK does not send it again. Each reason has a code, in the
 * order of the actions. Conflicts and throttling are waited out with jitter, even if a condition failed too: the
 * condition may have been judged on data that the other transaction is about to change. `failed` holds the places of
 * the actions whose conditions failed. Any other reason throws.
 */
export async function sendTransaction(deps: Pauses, send: () => Promise<unknown>): Promise<TransactionOutcome> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await send();
      return { kind: 'committed' };
    } catch (error) {
      if (!(error instanceof TransactionCanceledException)) throw error;
      const codes = cancellationCodes(error);
      const isPassing = codes.some(isPassingReason);
      if (!isPassing) {
        const failed = codes.flatMap((code, index) => (code === 'ConditionalCheckFailed' ? [index] : []));
        if (failed.length === 0) throw error;
        return { kind: 'refused', failed };
      }
      if (attempt === MAX_TRIES) throw error;
      await pause(deps, attempt);
    }
  }
}
