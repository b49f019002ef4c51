import type { GrantConflict } from '../../domain/grants/grant-points.ts';
import { logger, publish } from './log.ts';

/** A grant's id came again with another user, key or amount: some sender has mixed its ids up. */
export function logConflict({ request, first }: GrantConflict): void {
  const { grantId, username, key, amount } = request;
  const existing = { username: first.username, key: first.key, amount: first.amount, grantedAt: first.grantedAt };
  logger.warn('grant conflict', { grantId, asked: { username, key, amount }, existing });
  publish([{ name: 'GrantConflict', value: 1, unit: 'Count' }]);
}
