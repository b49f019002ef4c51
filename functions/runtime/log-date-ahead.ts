import type { RefreshDeps } from '../../domain/scoring/refresh-score.ts';
import { logger, publish } from './log.ts';

/** What is stored of a user is dated by a clock that was days ahead: an alarm watches the metric. */
export const logDateAhead: RefreshDeps['reportDateAhead'] = (username, date) => {
  logger.error('a stored date is ahead', { username, date });
  publish([{ name: 'StoredDateAhead', value: 1, unit: 'Count' }]);
};
