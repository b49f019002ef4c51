import { logger, publish } from './log.ts';

/**
 * A stored value of a user, a board or an hour has a date from a clock that was days ahead. An alarm watches the
 * metric.
 */
export const logDateAhead = (what: string, date: string): void => {
  logger.error('a stored date is ahead', { what, date });
  publish([{ name: 'StoredDateAhead', value: 1, unit: 'Count' }]);
};
