import { describe, expect, it } from 'vitest';
import { check } from '../../../domain/shared/faults.ts';
import { addDays, dateOf, dateOfDayNumber, dayNumberOf, RequestDate, RequestTime } from '../../../domain/shared/utc.ts';

describe('arithmetic with dates', () => {
  it('throws outside the years 0 to 9999 instead of returning a text that sorts wrongly', () => {
    expect(addDays('9999-12-30', 1)).toBe('9999-12-31');
    expect(addDays('0000-01-02', -1)).toBe('0000-01-01');
    expect(() => addDays('9999-12-31', 1)).toThrow(RangeError);
    expect(() => addDays('0000-01-01', -1)).toThrow(RangeError);
    expect(() => addDays('', 1)).toThrow(RangeError);
    expect(() => dayNumberOf('no date')).toThrow(RangeError);
    expect(() => dateOfDayNumber(Number.NaN)).toThrow(RangeError);
    expect(() => dateOf(Infinity)).toThrow(RangeError);
  });
});

describe('dates and times in a request', () => {
  it.each(['2000-01-01', '2100-12-31', '2028-02-29'])('accept the date %s', (date) => {
    expect(check(RequestDate, date, 'date').ok).toBe(true);
  });

  it.each(['1999-12-31', '2101-01-01', '0000-01-01', '9999-12-31', '+010000-01-01', '2026-02-29', '2026-13-01', ''])(
    'refuse the date %j',
    (date) => {
      const checked = check(RequestDate, date, 'date');

      expect(checked.ok ? [] : checked.error).toEqual([
        { field: 'date', expected: 'expected a date from 2000-01-01 to 2100-12-31, such as 2026-08-21' },
      ]);
    },
  );

  it.each(['2000-01-01T00:00:00Z', '2100-12-31T23:59:59.999Z', '2026-08-21T13:04:05+02:00'])(
    'accept the time %s',
    (time) => {
      expect(check(RequestTime, time, 'at').ok).toBe(true);
    },
  );

  it.each([
    ['2026-08-21T13:04:05', 'with Z or an offset'],
    ['2026-08-21', 'with Z or an offset'],
    ['1999-12-31T23:59:59Z', 'from 2000-01-01 to 2100-12-31'],
    ['2101-01-01T00:00:00Z', 'from 2000-01-01 to 2100-12-31'],
    ['9999-12-31T23:59:59-23:59', 'from 2000-01-01 to 2100-12-31'],
  ])('refuse the time %s', (time, why) => {
    const checked = check(RequestTime, time, 'at');

    expect(checked.ok ? [] : checked.error).toEqual([{ field: 'at', expected: expect.stringContaining(why) }]);
  });
});
